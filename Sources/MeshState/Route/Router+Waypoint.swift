import HashTreeCollections
import MeshCore

extension Router {
    /// The waypoint of a service: one of the weighted ones, drawn by weight, else the primary one.
    static func waypoint(of service: Service, _ random: inout QuickRandom) -> GatewayAddress? {
        guard !service.fields.weightedWaypoints.isEmpty else { return service.fields.waypoint }
        let total = service.fields.weightedWaypoints.reduce(UInt64(0)) { $0 + UInt64($1.weight) }
        guard total > 0 else { return service.fields.waypoint }
        var ticket = UInt64.random(in: 0..<total, using: &random)
        for weighted in service.fields.weightedWaypoints {
            if ticket < UInt64(weighted.weight) { return weighted.destination }
            ticket -= UInt64(weighted.weight)
        }
        return service.fields.waypoint
    }

    /// The tunnel to a waypoint, which is asked for the original destination. A waypoint is never gone around: when it
    /// cannot be resolved, the connection is refused.
    func toWaypoint(
        _ gateway: GatewayAddress, of subject: RouteRefusal.Subject, service: Service?, _ source: Workload,
        _ destination: SocketAddress, _ snapshot: MeshSnapshot, _ random: inout QuickRandom,
        _ trace: RouteTrace?
    ) throws(RouteRefusal) -> OutboundRoute {
        trace?.note(.waypoint(gateway, of: subject))
        let upstream: Upstream
        // By address the waypoint keeps that address's family; by name it adapts to the caller's.
        var original = destination.ip
        let found: MeshAddress?
        switch gateway.destination {
        case .address(let address):
            original = address.ip
            found = snapshot.findUpstream(
                network: address.network, ip: address.ip, clientNamespace: source.namespace)
        case .hostname(let name): found = snapshot.findHostname(name)
        }
        trace?.note(.upstream(found))
        switch found {
        case nil: throw .unknownWaypoint(of: subject, gateway)
        case .workload(let workload): upstream = Upstream(workload, port: gateway.hboneMTLSPort)
        case .service(let entry):
            let choice = LoadBalancing.choose(
                for: source, among: entry, port: gateway.hboneMTLSPort, mode: .waypoint, random: &random)
            trace?.note(.choice(entry, port: gateway.hboneMTLSPort, mode: .waypoint, choice))
            switch choice {
            case .success(let choice): upstream = Upstream(choice, of: entry)
            case .failure(let gap): throw .waypointUnusable(of: subject, gateway, entry.service, gap)
            }
        }
        var isService = false
        if case .service = subject { isService = true }
        if upstream.workload.network != source.network {
            // Who addressed a workload must not end up at another one of its service.
            return try throughGateway(
                upstream, service: isService ? service : nil, .serviceWaypoint, source, destination, snapshot, &random,
                trace)
        }
        guard !upstream.expectedIdentities.isEmpty else { throw .noIdentity(upstream.workload) }
        let reason: HBONERoute.Reason = isService ? .serviceWaypoint : .workloadWaypoint
        return try RoutePlan(upstream: upstream, service: service, shape: .waypoint(destination, reason))
            .route(for: original)
    }

    /// True when `source` is the waypoint itself, whose traffic must not be sent back to it: same identity, and its
    /// address is one of the waypoint's.
    func isWaypoint(
        _ source: Workload, at sourceIP: IPAddress?, _ gateway: GatewayAddress, _ snapshot: MeshSnapshot
    ) -> Bool {
        func matches(_ workload: Workload?) -> Bool {
            guard let workload, let identity = workload.identity, identity == source.identity else { return false }
            if let sourceIP { return workload.addresses.contains(sourceIP) }
            return workload.addresses.contains { source.addresses.contains($0) }
        }
        switch resolve(gateway, snapshot) {
        case .workload(let workload): return matches(workload)
        case .service(let entry): return entry.endpoints.values.contains { matches($0.workload) }
        case nil: return false
        }
    }

    /// What a waypoint reference names, whoever asks.
    func resolve(_ gateway: GatewayAddress, _ snapshot: MeshSnapshot) -> MeshAddress? {
        switch gateway.destination {
        case .address(let address):
            snapshot.findAddress(network: address.network, ip: address.ip, clientNamespace: nil)
        case .hostname(let name): snapshot.findHostname(name)
        }
    }
}
