package import MeshCore

/// Decides where connections go. Pure: a snapshot and an address in, a route with its reason out.
package struct Router: Sendable {
    /// The network of this node. Default "".
    package var network = ""
    /// The port where proxies take tunnels. Default 15008.
    package var hbonePort: UInt16 = 15008
    /// Ports of the proxy itself, which nobody may be sent to. Default 15001, 15006 and 15008.
    package var illegalPorts: [UInt16] = [15001, 15006, 15008]
    /// An application tunnel with a PROXY header is delivered to loopback. Default true.
    package var localhostAppTunnel = true

    package init() {}
}

extension Router {
    /// The route of a connection that the application of `source` opened to `destination`.
    ///
    /// On the per-connection path. Source: spec of the node proxy, section 6 steps 2 to 4.
    /// - Parameter sourceIP: the address that it comes from; `nil` means any address of `source`.
    package func outbound(
        source: Workload, sourceIP: IPAddress? = nil, destination: SocketAddress, snapshot: MeshSnapshot,
        random: inout QuickRandom
    ) -> OutboundRoute {
        outbound(source, sourceIP, destination, snapshot, &random, nil)
    }

    /// The same, noting in `trace` what was looked at.
    func outbound(
        _ source: Workload, _ sourceIP: IPAddress?, _ destination: SocketAddress, _ snapshot: MeshSnapshot,
        _ random: inout QuickRandom, _ trace: RouteTrace?
    ) -> OutboundRoute {
        do throws(RouteRefusal) {
            return try route(source, sourceIP, destination, snapshot, &random, trace)
        } catch {
            return .refuse(error)
        }
    }

    private func route(
        _ source: Workload, _ sourceIP: IPAddress?, _ destination: SocketAddress, _ snapshot: MeshSnapshot,
        _ random: inout QuickRandom, _ trace: RouteTrace?
    ) throws(RouteRefusal) -> OutboundRoute {
        if destination.ip.isLoopback, illegalPorts.contains(destination.port) { throw .selfCall(destination) }

        var addressed: Service?
        let found = snapshot.findAddress(network: network, ip: destination.ip, clientNamespace: source.namespace)
        trace?.note(.addressed(found))
        if case .service(let entry) = found {
            addressed = entry.service
            if let gateway = Self.waypoint(of: entry.service, &random) {
                return try toWaypoint(
                    gateway, of: .service(entry.service), service: entry.service, source, destination, snapshot,
                    &random, trace)
            }
        }

        guard let upstream = try upstream(of: destination, addressed, source, snapshot, &random, trace) else {
            let isService = addressed != nil
            return .tcp(
                TCPRoute(
                    address: destination, destinationWorkload: nil, service: addressed,
                    reason: isService ? .passthroughService : .passthrough))
        }
        let service = upstream.entry?.service
        if upstream.workload.network != source.network {
            return try throughGateway(
                upstream, service: service, .serviceEndpoint, source, destination, snapshot, &random, trace)
        }
        if addressed == nil, let gateway = upstream.workload.fields.waypoint {
            guard isWaypoint(source, at: sourceIP, gateway, snapshot) else {
                return try toWaypoint(
                    gateway, of: .workload(upstream.workload), service: service, source, destination, snapshot,
                    &random, trace)
            }
            trace?.note(.ownWaypoint(gateway, of: .workload(upstream.workload)))
        }
        let isTunnel = upstream.workload.tunnelProtocol == .hbone
        if isTunnel, upstream.expectedIdentities.isEmpty { throw .noIdentity(upstream.workload) }
        return try RoutePlan(
            upstream: upstream, service: service, shape: isTunnel ? .hbone(port: hbonePort) : .tcp
        ).route(for: destination.ip)
    }

    /// `nil`: pass the connection through.
    private func upstream(
        of destination: SocketAddress, _ addressed: Service?, _ source: Workload, _ snapshot: MeshSnapshot,
        _ random: inout QuickRandom, _ trace: RouteTrace?
    ) throws(RouteRefusal) -> Upstream? {
        let found = snapshot.findUpstream(
            network: source.network, ip: destination.ip, clientNamespace: source.namespace)
        trace?.note(.upstream(found))
        switch found {
        case .workload(let workload): return Upstream(workload, port: destination.port)
        case .service(let entry):
            let choice = LoadBalancing.choose(
                for: source, among: entry, port: destination.port, mode: .standard, random: &random)
            trace?.note(.choice(entry, port: destination.port, mode: .standard, choice))
            switch choice {
            case .success(let choice): return Upstream(choice, of: entry)
            case .failure(.passthrough): return nil
            // Only who addressed the service is refused. Where its address is a workload's too, the workload was meant.
            case .failure(let gap):
                if let addressed { throw .noHealthyUpstream(addressed, port: destination.port, gap) }
                return nil
            }
        case nil:
            guard let addressed, addressed.fields.loadBalancer?.mode != .passthrough else { return nil }
            throw .noHealthyUpstream(addressed, port: destination.port, .noEndpoints)
        }
    }
}
