import HashTreeCollections
package import MeshCore

/// Decides what the DNS proxy says to a question: an answer from the records of the mesh, or that others be asked.
package struct MeshNames: Sendable, Hashable {
    package var expansion: NameExpansion
    /// Breaks ties between services of one hostname that neither the client's namespace nor a canonical one decides.
    package var preferredNamespace: String?
    /// IPv6 addresses are given out. Default true.
    package var ipv6 = true

    package init(expansion: NameExpansion, preferredNamespace: String? = nil, ipv6: Bool = true) {
        self.expansion = expansion
        self.preferredNamespace = preferredNamespace
        self.ipv6 = ipv6
    }

    /// The decision for a question of `client` (`nil` while it is not known), with the reason.
    ///
    /// Cost: a few look-ups for each label of the name; for a headless service, a pass over its endpoints. The number
    /// of services does not matter.
    /// - Parameter random: puts the addresses in order.
    package func decide(
        _ question: NameQuestion, client: Workload?, in snapshot: MeshSnapshot,
        random: inout QuickRandom
    ) -> NameDecision {
        guard let client else { return NameDecision(.serverFailure, .clientUnknown) }
        guard let family = question.family else { return NameDecision(.forward, .notAnAddressQuestion) }
        guard let host = question.host else { return NameDecision(.forward, .notAHostname) }
        guard let (match, entry) = find(host, for: client, in: snapshot) else {
            return NameDecision(.forward, .noService)
        }
        if family == .v6, !ipv6 { return NameDecision(.empty, .ipv6Disabled(match)) }
        guard entry.service.serves(family) else { return NameDecision(.empty, .familyExcluded(match, family)) }
        var addresses = match.isHeadless ? entry.endpointAddresses(family) : entry.addresses(family, in: client.network)
        if addresses.isEmpty {
            return NameDecision(
                .empty,
                match.isHeadless
                    ? .noEndpoint(match, family) : .noVirtualAddress(match, family, network: client.network))
        }
        addresses.shuffle(using: &random)
        // An alias to a name that a wildcard covers would promise a record that nobody has.
        return NameDecision(.answer(addresses, alias: match.isWildcard ? nil : match.stripped), .found(match))
    }

    private func find(
        _ host: String, for client: Workload, in snapshot: MeshSnapshot
    ) -> (match: NameMatch, entry: ServiceEntry)? {
        for candidate in expansion.candidates(for: host, clientNamespace: client.namespace) {
            if let entry = service(candidate.host, for: client, in: snapshot) {
                return (match(entry, candidate.host, candidate, isWildcard: false), entry)
            }
            // Leading labels give way to "*", one more each time; the last label never does.
            var rest = candidate.host[...]
            while let dot = rest.firstIndex(of: ".") {
                rest = rest[rest.index(after: dot)...]
                let wildcard = "*.\(rest)"
                if wildcard != candidate.host, let entry = service(wildcard, for: client, in: snapshot) {
                    return (match(entry, wildcard, candidate, isWildcard: true), entry)
                }
            }
        }
        return nil
    }

    private func service(_ hostname: String, for client: Workload, in snapshot: MeshSnapshot) -> ServiceEntry? {
        guard let named = snapshot.services.byHostname[hostname] else { return nil }
        func isConsidered(_ entry: ServiceEntry) -> Bool {
            // Without an address, a service of Kubernetes is headless; others are left to DNS at large.
            !entry.service.fields.vips.isEmpty || hostname.hasSuffix(expansion.serviceSuffix)
        }
        switch named {
        case .one(let slot):
            guard let entry = snapshot.services.slots[slot] else { return nil }
            return isConsidered(entry) && entry.isVisible(from: client.namespace) ? entry : nil
        case .many(let list):
            return ServiceEntry.choose(
                among: list.lazy.compactMap { snapshot.services.slots[$0] }.filter(isConsidered),
                clientNamespace: client.namespace,
                preferredNamespace: preferredNamespace)
        }
    }

    private func match(
        _ entry: ServiceEntry, _ hostname: String, _ candidate: NameCandidate, isWildcard: Bool
    ) -> NameMatch {
        NameMatch(
            service: entry.key, candidate: hostname, stripped: candidate.stripped, isWildcard: isWildcard,
            isHeadless: entry.service.fields.vips.isEmpty)
    }
}

extension Service {
    fileprivate func serves(_ family: AddressFamily) -> Bool {
        switch fields.ipFamilies {
        case nil, .dual: true
        case .v4: family == .v4
        case .v6: family == .v6
        }
    }
}

extension ServiceEntry {
    /// Virtual addresses of a family in a network.
    fileprivate func addresses(_ family: AddressFamily, in network: String) -> [IPAddress] {
        var seen: Set<IPAddress> = []
        return service.fields.vips.compactMap { vip in
            vip.network == network && family.includes(vip.ip) && seen.insert(vip.ip).inserted ? vip.ip : nil
        }
    }

    /// One address of a family for each endpoint, whatever its network; workloads that share one give it once.
    fileprivate func endpointAddresses(_ family: AddressFamily) -> [IPAddress] {
        var seen: Set<IPAddress> = []
        return endpoints.values.compactMap { endpoint in
            guard let ip = endpoint.workload?.addresses.first(where: family.includes) else { return nil }
            return seen.insert(ip).inserted ? ip : nil
        }
    }
}
