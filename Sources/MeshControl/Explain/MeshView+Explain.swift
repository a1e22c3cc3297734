package import MeshCore
import MeshPolicy
import MeshProxy
import MeshState
import MeshWire

/// What is asked of `MeshView.explain`.
package struct ConnectionQuestion: Sendable, Equatable {
    /// `namespace/name`, a uid or an address; `nil` for the workload of the proxy that is asked.
    package var from: String?
    /// `address:port` or `hostname:port`.
    package var to: String
    /// The caller has no proxy: its connection arrives as plaintext.
    package var isPlaintext: Bool

    package init(from: String? = nil, to: String, isPlaintext: Bool = false) {
        self.from = from
        self.to = to
        self.isPlaintext = isPlaintext
    }
}

extension MeshView {
    /// Follows a connection from its source to the policies of its destination, by the code that serves traffic.
    ///
    /// - Throws: usage or notFound, when one of the ends cannot be told, or which policies hold at the destination.
    package func explain(_ question: ConnectionQuestion) throws(MeshFailure) -> ConnectionExplanation {
        var random = QuickRandom()
        return try explain(question, random: &random)
    }

    func explain(
        _ question: ConnectionQuestion, random: inout QuickRandom
    ) throws(MeshFailure) -> ConnectionExplanation {
        let answer = try follow(question, random: &random)
        // An answer that may be wrong is none.
        if let inbound = answer.inbound, inbound.enforced, inbound.admitted,
            let doubt = snapshot.workload(uid: inbound.workload).flatMap({ origins.doubt(about: $0) })
        {
            throw MeshFailure(.notFound, doing: Self.doing, reason: doubt)
        }
        return answer
    }

    private func follow(
        _ question: ConnectionQuestion, random: inout QuickRandom
    ) throws(MeshFailure) -> ConnectionExplanation {
        let source = try source(question.from)
        let (address, hostname) = try destination(question.to, for: source)
        let to = ConnectionExplanation.Destination(address: address.description, hostname: hostname)
        switch source {
        case .workload(let workload, let ip) where !question.isPlaintext:
            return captured(workload, from: ip, address, to, &random)
        case .workload(let workload, let ip):
            let ip = ip ?? Self.address(of: workload, like: address.ip)
            return direct(party(workload, ip), ip, address, to, network: workload.network, workload.namespace)
        case .stranger(let ip):
            let party = ConnectionExplanation.Party(address: ip.description)
            return direct(party, ip, address, to, network: router.network, nil)
        }
    }

    // MARK: With a proxy at the source

    private func captured(
        _ source: Workload, from given: IPAddress?, _ address: SocketAddress, _ to: ConnectionExplanation.Destination,
        _ random: inout QuickRandom
    ) -> ConnectionExplanation {
        let found = router.explain(
            source: source, sourceIP: given, destination: address, snapshot: snapshot, random: &random)
        let route = found.route
        let hop = route.nextHop ?? address
        let ip = given ?? Self.address(of: source, like: hop.ip)
        var answer = ConnectionExplanation(
            verdict: .allowed, reason: "", from: party(source, ip), to: to,
            records: found.records.map { ConnectionExplanation.Record($0) },
            waypoint: found.waypoint.map { ConnectionExplanation.Waypoint($0) },
            networkGateway: found.networkGateway.map { ConnectionExplanation.NetworkGateway($0) },
            choices: found.choices.map { ConnectionExplanation.Choice($0) },
            route: ConnectionExplanation.Route(route), carriage: carriage(route, of: source), inbound: nil, notes: [])
        if source.tunnelProtocol == .tcp, source !== own {
            answer.notes.append(
                "the record of \(source.uid) says that it does not speak HBONE; if no proxy captures its traffic, ask again "
                    + "with --plaintext")
        }
        if source === own, !isOwnKnown {
            answer.verdict = .unreachable
            answer.reason =
                "the records have no workload \(source.namespace)/\(source.name) any more, so its proxy takes nothing new"
            return answer
        }
        switch route {
        case .refuse(let refusal):
            answer.verdict = .unreachable
            answer.reason = refusal.description
            return answer
        case .tcp(let tcp):
            if let workload = tcp.destinationWorkload {
                answer.inbound = plaintext(workload, from: ip, to: tcp.address)
            }
        case .hbone(let hbone):
            if let workload = hbone.destinationWorkload {
                answer.inbound = tunnelled(workload, hbone, source.identity, from: ip)
            }
            if hbone.viaWaypoint {
                answer.notes.append(
                    "from the waypoint on its own routes and policies decide, and its destination sees the waypoint's "
                        + "identity")
            }
        case .doubleHBONE:
            answer.notes.append("the proxies of the other network decide by their own records and policies")
        case .resolve(let route):
            answer.notes.append("what \(route.hostname) resolves to, and who answers there, shows per connection")
        }
        answer.conclude()
        return answer
    }

    /// What the proxy of `workload` says to a tunnel from `ip`.
    private func tunnelled(
        _ workload: Workload, _ route: HBONERoute, _ identity: SPIFFEID?, from ip: IPAddress?
    ) -> ConnectionExplanation.Inbound {
        var answer = ConnectionExplanation.Inbound(workload)
        guard let identity else {
            answer.reason = "the source's trust domain, namespace and service account make no valid identity"
            return answer
        }
        if let own = workload.identity, own.trustDomain != identity.trustDomain {
            answer.reason =
                "TLS refuses \(identity): it is not of trust domain \(own.trustDomain), the destination's own"
            return answer
        }
        guard let authority = HBONEAuthority(route.authority) else {
            answer.reason = "authority \(route.authority) is not host:port"
            return answer
        }
        switch router.inbound(
            own: workload, connectionDestination: route.nextHop.ip, authority: authority, snapshot: snapshot)
        {
        case .refuse(let refusal): answer.reason = "refused with status \(refusal.status): \(refusal)"
        case .accept(let target):
            answer.admitted = true
            answer.delivery = target.upstream.description
            answer.judge(
                workload,
                PolicyFacts(source: ip ?? .anyV4, destination: target.policyDestination, peer: PeerIdentity(identity)),
                snapshot, origins)
        }
        return answer
    }

    /// What the proxy of `workload`, if it has one, says to a connection without identity.
    private func plaintext(
        _ workload: Workload, from ip: IPAddress?, to address: SocketAddress
    ) -> ConnectionExplanation.Inbound {
        var answer = ConnectionExplanation.Inbound(workload)
        answer.enforced = workload.tunnelProtocol == .hbone || workload === own
        if router.illegalPorts.contains(address.port), answer.enforced {
            answer.reason = "port \(address.port) belongs to the proxy itself"
            return answer
        }
        answer.admitted = true
        answer.delivery = address.description
        answer.judge(workload, PolicyFacts(source: ip ?? .anyV4, destination: address, peer: nil), snapshot, origins)
        return answer
    }

    /// Tunnels are those of our own proxy; what other proxies have is theirs to tell.
    private func carriage(_ route: OutboundRoute, of source: Workload) -> ConnectionExplanation.Carriage? {
        let identities: [SPIFFEID]
        switch route {
        case .hbone(let route): identities = route.expectedIdentities
        case .doubleHBONE(let route): identities = route.gatewayIdentities
        case .tcp, .resolve, .refuse: return nil
        }
        let isOurs = source === own
        let hop = route.nextHop?.description
        let expected = Set(identities.map(\.description))
        let open = tunnels.filter {
            isOurs && $0.direction == .outbound && $0.peer == hop && Set($0.expectedIdentities) == expected
        }
        return ConnectionExplanation.Carriage(
            tunnels: open.map {
                .init(id: $0.id, phase: $0.phase, streams: $0.streams, leaving: $0.leaving, tlsRecords: $0.tlsRecords)
            },
            tlsRecords: isOurs ? tlsRecords : nil, retriedAfter: RequestRefusal.allCases.map(\.rawValue))
    }

    // MARK: Without one

    private func direct(
        _ party: ConnectionExplanation.Party, _ ip: IPAddress?, _ address: SocketAddress,
        _ to: ConnectionExplanation.Destination, network: String, _ namespace: String?
    ) -> ConnectionExplanation {
        var answer = ConnectionExplanation(
            verdict: .allowed, reason: "", from: party, to: to, records: [], waypoint: nil, choices: [],
            route: ConnectionExplanation.Route(
                decision: .direct, nextHop: address.description, reason: "no proxy takes connections of the source"),
            carriage: nil, inbound: nil, notes: [])
        switch snapshot.findAddress(network: network, ip: address.ip, clientNamespace: namespace) {
        case .workload(let workload):
            answer.records = [.init(kind: .workload, name: workload.uid, matched: true, reason: "this record answers")]
            answer.route.workload = workload.uid
            answer.inbound = plaintext(workload, from: ip, to: address)
        case .service(let entry):
            answer.records = [.init(kind: .service, name: "\(entry.key)", matched: true, reason: "this record answers")]
            answer.route.service = "\(entry.key)"
            answer.notes.append(
                "which endpoint gets the connection is up to the node's own service routing; shown is the first one")
            let first = entry.allEndpoints.sorted { $0.endpoint.workloadUID < $1.endpoint.workloadUID }.first
            if let endpoint = first, let workload = endpoint.workload,
                let port = endpoint.endpoint.ports[address.port] ?? entry.service.fields.ports[address.port],
                let target = Self.address(of: workload, like: address.ip)
            {
                answer.route.workload = workload.uid
                answer.inbound = plaintext(workload, from: ip, to: SocketAddress(target, port))
            }
        case nil: break
        }
        answer.conclude()
        return answer
    }

    // MARK: Parts

    private static func address(of workload: Workload, like ip: IPAddress) -> IPAddress? {
        workload.addresses.first { $0.isV4 == ip.isV4 } ?? workload.addresses.first
    }

    private func party(_ workload: Workload, _ ip: IPAddress?) -> ConnectionExplanation.Party {
        ConnectionExplanation.Party(
            workload: workload.uid, name: "\(workload.namespace)/\(workload.name)", address: ip?.description,
            identity: workload.identity?.description)
    }
}
