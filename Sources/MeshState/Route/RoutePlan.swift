package import MeshCore

/// A route of which everything is decided but the address at its end.
///
/// An address that is known completes it at once; one that must be looked up completes it later, without a second draw
/// among endpoints.
struct RoutePlan: Sendable {
    enum Shape: Sendable {
        case tcp
        /// To the workload's own proxy, which takes tunnels on `port`.
        case hbone(port: UInt16)
        /// To a waypoint, which is asked for the original destination.
        case waypoint(SocketAddress, HBONERoute.Reason)
        case gateway(FarSide)
    }

    /// What lies behind a network gateway.
    struct FarSide: Sendable {
        let service: Service
        let port: UInt16
        let identities: [SPIFFEID]
        let reason: DoubleHBONERoute.Reason
    }

    /// The next hop.
    let upstream: Upstream
    let service: Service?
    let shape: Shape

    /// The route for a connection that was going to `original`; to be resolved when only a hostname is known.
    func route(for original: IPAddress) throws(RouteRefusal) -> OutboundRoute {
        if let target = try upstream.address(for: original) { return route(to: target) }
        return .resolve(HostnameRoute(plan: self, wantsV4: original.isV4))
    }

    func route(to target: SocketAddress) -> OutboundRoute {
        switch shape {
        case .tcp:
            .tcp(
                TCPRoute(
                    address: target, destinationWorkload: upstream.workload, service: service, reason: .plainWorkload))
        case .hbone(let port):
            .hbone(
                HBONERoute(
                    nextHop: SocketAddress(target.ip, port), authority: target.authority,
                    expectedIdentities: upstream.expectedIdentities, destinationWorkload: upstream.workload,
                    service: service, actual: target, reason: service == nil ? .workload : .serviceEndpoint))
        case .waypoint(let destination, let reason):
            .hbone(
                HBONERoute(
                    nextHop: target, authority: destination.authority,
                    expectedIdentities: upstream.expectedIdentities, destinationWorkload: upstream.workload,
                    service: service, actual: destination, reason: reason))
        case .gateway(let far):
            .doubleHBONE(
                DoubleHBONERoute(
                    nextHop: target, authority: "\(far.service.hostname):\(far.port)",
                    gatewayIdentities: upstream.expectedIdentities, innerIdentities: far.identities,
                    gateway: upstream.workload, service: far.service, reason: far.reason))
        }
    }
}

/// A route to a workload of which only a hostname is known.
package struct HostnameRoute: Sendable {
    private let plan: RoutePlan
    /// The family that is preferred among the answers: that of the call.
    package let wantsV4: Bool

    init(plan: RoutePlan, wantsV4: Bool) {
        self.plan = plan
        self.wantsV4 = wantsV4
    }

    package var workload: Workload { plan.upstream.workload }
    package var hostname: String { workload.fields.hostname }

    /// The route to one of the addresses that the hostname has: any of the family of the call, else any other.
    /// - Returns: `nil` when there are none.
    package func route(
        among addresses: [IPAddress], random: inout QuickRandom
    ) -> OutboundRoute? {
        let same = addresses.filter { $0.isV4 == wantsV4 }
        return (same.isEmpty ? addresses : same).randomElement(using: &random).map {
            plan.route(to: SocketAddress($0, plan.upstream.port))
        }
    }
}
