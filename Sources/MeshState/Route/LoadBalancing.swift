import HashTreeCollections
package import MeshCore

/// Picks an endpoint of a service: by port, then by locality, then by weight.
package enum LoadBalancing {
    /// The endpoint for a connection of `source`, or why there is none.
    ///
    /// Cost: two passes over the endpoints, no allocation.
    package static func choose(
        for source: Workload, among entry: ServiceEntry, port: UInt16, mode: ResolutionMode,
        random: inout QuickRandom
    ) -> Result<EndpointChoice, EndpointGap> {
        if let gap = obviousGap(entry, port: port, mode: mode) { return .failure(gap) }
        let balancer = entry.service.fields.loadBalancer
        var best = -1
        var total: UInt64 = 0
        for endpoint in entry.endpoints.values {
            guard case .usable(let workload, _) = judge(endpoint, for: source, of: entry, port: port, mode: mode),
                case .ranked(let rank) = rank(workload, for: source, balancer), rank >= best
            else { continue }
            if rank > best { (best, total) = (rank, 0) }
            total += UInt64(workload.fields.capacity)
        }
        guard total > 0 else { return .failure(.noneUsable(count: entry.endpoints.count)) }
        var ticket = UInt64.random(in: 0..<total, using: &random)
        for endpoint in entry.endpoints.values {
            guard
                case .usable(let workload, let target) = judge(endpoint, for: source, of: entry, port: port, mode: mode),
                rank(workload, for: source, balancer) == .ranked(best)
            else { continue }
            let weight = UInt64(workload.fields.capacity)
            if ticket < weight { return .success(EndpointChoice(endpoint: endpoint, workload: workload, port: target)) }
            ticket -= weight
        }
        return .failure(.noneUsable(count: entry.endpoints.count))
    }

    /// Every endpoint with what became of it, for people; sorted by workload uid.
    package static func explain(
        _ choice: Result<EndpointChoice, EndpointGap>, for source: Workload, among entry: ServiceEntry,
        port: UInt16, mode: ResolutionMode
    ) -> [EndpointCandidate] {
        let balancer = entry.service.fields.loadBalancer
        var chosen: ServiceEndpoint?
        if case .success(let choice) = choice { chosen = choice.endpoint }
        var best = -1
        for endpoint in entry.endpoints.values {
            if case .usable(let workload, _) = judge(endpoint, for: source, of: entry, port: port, mode: mode),
                case .ranked(let rank) = rank(workload, for: source, balancer)
            {
                best = max(best, rank)
            }
        }
        func outcome(_ endpoint: ServiceEndpoint) -> EndpointOutcome {
            switch judge(endpoint, for: source, of: entry, port: port, mode: mode) {
            case .ruledOut(let outcome): return outcome
            case .usable(let workload, _):
                switch rank(workload, for: source, balancer) {
                case .mismatch(let matched, let count): return .notAllPreferencesMatch(matched: matched, of: count)
                case .ranked(let rank) where rank < best: return .outranked(rank: rank, best: best)
                case .ranked where workload.fields.capacity == 0: return .zeroCapacity
                case .ranked: return endpoint === chosen ? .chosen : .notDrawn
                }
            }
        }
        return entry.endpoints.values.map { EndpointCandidate(endpoint: $0, outcome: outcome($0)) }
            .sorted { $0.endpoint.endpoint.workloadUID < $1.endpoint.endpoint.workloadUID }
    }

    private static func obviousGap(_ entry: ServiceEntry, port: UInt16, mode: ResolutionMode) -> EndpointGap? {
        if entry.service.fields.loadBalancer?.mode == .passthrough { return .passthrough }
        if mode == .standard, entry.service.fields.ports[port] == nil { return .portNotDefined }
        return entry.endpoints.isEmpty ? .noEndpoints : nil
    }

    // MARK: One endpoint

    private enum Judgement {
        case usable(Workload, port: UInt16)
        case ruledOut(EndpointOutcome)
    }

    private static func judge(
        _ endpoint: ServiceEndpoint, for source: Workload, of entry: ServiceEntry, port: UInt16, mode: ResolutionMode
    ) -> Judgement {
        guard let workload = endpoint.workload else { return .ruledOut(.unknownWorkload) }
        if workload.addresses.isEmpty, workload.fields.hostname.isEmpty,
            workload.network == source.network || workload.fields.networkGateway == nil
        {
            return .ruledOut(.unreachable)
        }
        guard let target = targetPort(endpoint, workload, of: entry, port: port, mode: mode) else {
            return .ruledOut(.noTargetPort(servicePort: port))
        }
        return .usable(workload, port: target)
    }

    /// The endpoint's own mapping, else the service's, else for an application tunnel with a port the port itself.
    private static func targetPort(
        _ endpoint: ServiceEndpoint, _ workload: Workload, of entry: ServiceEntry, port: UInt16, mode: ResolutionMode
    ) -> UInt16? {
        let ofService = entry.service.fields.ports[port]
        if mode == .waypoint, ofService == nil, workload.fields.applicationTunnel == nil { return nil }
        if let mapped = endpoint.endpoint.ports[port], mapped != 0 { return mapped }
        if let ofService, ofService != 0 { return ofService }
        return mode == .waypoint && workload.fields.applicationTunnel?.port != nil ? port : nil
    }

    // MARK: Locality

    enum Rank: Equatable {
        case ranked(Int)
        /// Not every preference matches, and the load balancer is strict.
        case mismatch(matched: Int, of: Int)
    }

    /// How close a workload is: one for each routing preference that matches, up to the first that does not.
    ///
    /// A network in first place counts more than all that follow, and does not end the walk when it differs: a near
    /// workload of another network still ranks above a far one.
    static func rank(_ workload: Workload, for source: Workload, _ balancer: LoadBalancer?) -> Rank {
        guard let balancer, balancer.mode != .standard, !balancer.routingPreferences.isEmpty else { return .ranked(0) }
        let preferences = balancer.routingPreferences
        var matched = 0
        var networkBonus = 0
        for (index, scope) in preferences.enumerated() {
            let same = matches(scope, source, workload)
            if same { matched += 1 }
            if index == 0, scope == .network {
                if same { networkBonus = preferences.count - 1 }
            } else if !same {
                break
            }
        }
        if balancer.mode == .strict, matched != preferences.count {
            return .mismatch(matched: matched, of: preferences.count)
        }
        return .ranked(matched + networkBonus)
    }

    private static func matches(_ scope: LoadBalancer.Scope, _ a: Workload, _ b: Workload) -> Bool {
        switch scope {
        case .region: a.fields.locality.region == b.fields.locality.region
        case .zone: a.fields.locality.zone == b.fields.locality.zone
        case .subzone: a.fields.locality.subzone == b.fields.locality.subzone
        case .node: a.fields.node == b.fields.node
        case .cluster: a.fields.clusterID == b.fields.clusterID
        case .network: a.network == b.network
        }
    }
}
