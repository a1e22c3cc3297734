import MeshCore

/// What a route decision looked at, in the order in which it did. The data path passes none.
final class RouteTrace {
    enum Step: Sendable {
        /// What the address is to whom asks whether a service was called.
        case addressed(MeshAddress?)
        /// Traffic goes to a waypoint.
        case waypoint(GatewayAddress, of: RouteRefusal.Subject)
        /// The source is the waypoint itself, and goes on directly.
        case ownWaypoint(GatewayAddress, of: RouteRefusal.Subject)
        /// What the address, or the reference to a waypoint, leads to.
        case upstream(MeshAddress?)
        /// The workload that was chosen is on another network, and this is the way there.
        case networkGateway(GatewayAddress, of: Workload, MeshAddress?)
        case choice(ServiceEntry, port: UInt16, mode: ResolutionMode, Result<EndpointChoice, EndpointGap>)
    }

    private(set) var steps: [Step] = []
    func note(_ step: Step) { steps.append(step) }
}
