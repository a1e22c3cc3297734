import MeshCore

extension Router {
    /// The way to a workload of another network: a tunnel to its network gateway, and inside it one to the far side.
    ///
    /// Only services are reached across networks: addresses of the other network mean nothing here, so the far side is
    /// asked for the service by name, and may only be who the service says. Source: spec of the node proxy, section 6 d.
    /// - Parameters:
    ///   - next: what was chosen on the other network: an endpoint, or a waypoint.
    ///   - service: the one that was addressed.
    func throughGateway(
        _ next: Upstream, service: Service?, _ reason: DoubleHBONERoute.Reason, _ source: Workload,
        _ destination: SocketAddress, _ snapshot: MeshSnapshot, _ random: inout QuickRandom,
        _ trace: RouteTrace?
    ) throws(RouteRefusal) -> OutboundRoute {
        let workload = next.workload
        guard let service else { throw .crossNetworkWithoutService(workload) }
        guard let gateway = workload.fields.networkGateway else { throw .noNetworkGateway(workload) }
        // Deviation: upstream begins, and fails in the handshake inside, as nobody can be the one that is expected.
        guard let identities = next.entry?.service.fields.subjectAltNames, !identities.isEmpty else {
            throw .noServiceIdentities(workload, next.entry?.service)
        }
        let (upstream, original) = try self.gateway(
            gateway, of: workload, source, destination, snapshot, &random, trace)
        guard !upstream.expectedIdentities.isEmpty else { throw .noIdentity(upstream.workload) }
        let far = RoutePlan.FarSide(service: service, port: destination.port, identities: identities, reason: reason)
        return try RoutePlan(upstream: upstream, service: service, shape: .gateway(far)).route(for: original)
    }

    /// The workload that is the gateway, and the address by which its own is chosen: by address the gateway keeps that
    /// address's family, by name it adapts to the caller's.
    private func gateway(
        _ gateway: GatewayAddress, of workload: Workload, _ source: Workload, _ destination: SocketAddress,
        _ snapshot: MeshSnapshot, _ random: inout QuickRandom, _ trace: RouteTrace?
    ) throws(RouteRefusal) -> (Upstream, IPAddress) {
        var original = destination.ip
        let found: MeshAddress?
        switch gateway.destination {
        case .address(let address):
            original = address.ip
            found = snapshot.findUpstream(
                network: address.network, ip: address.ip, clientNamespace: source.namespace)
        case .hostname(let name): found = snapshot.findHostname(name)
        }
        trace?.note(.networkGateway(gateway, of: workload, found))
        switch found {
        case nil: throw .unknownNetworkGateway(of: workload, gateway)
        case .workload(let found): return (Upstream(found, port: gateway.hboneMTLSPort), original)
        case .service(let entry):
            let choice = LoadBalancing.choose(
                for: source, among: entry, port: gateway.hboneMTLSPort, mode: .standard, random: &random)
            trace?.note(.choice(entry, port: gateway.hboneMTLSPort, mode: .standard, choice))
            switch choice {
            case .success(let choice): return (Upstream(choice, of: entry), original)
            case .failure(let gap): throw .networkGatewayUnusable(of: workload, gateway, entry.service, gap)
            }
        }
    }
}
