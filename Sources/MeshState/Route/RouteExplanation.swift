package import MeshCore

/// How a route came about: the decision that the data path would take, and everything that it looked at.
///
/// Made by the same code that serves traffic, with a trace; what lost is judged by the same rules afterwards. For people:
/// the cost is linear in the records.
package struct RouteExplanation: Sendable {
    /// A waypoint that was asked about.
    package struct Waypoint: Sendable {
        package let gateway: GatewayAddress
        package let subject: RouteRefusal.Subject
        /// False: the source is this waypoint, so its traffic goes on directly.
        package let isUsed: Bool
        /// What the reference leads to; `nil` when nothing is known by it.
        package let target: MeshAddress?
    }

    /// The way to another network.
    package struct NetworkGateway: Sendable {
        package let gateway: GatewayAddress
        /// Whose gateway it is: the endpoint, or the waypoint, that was chosen.
        package let workload: Workload
        /// What the reference leads to; `nil` when nothing is known by it.
        package let target: MeshAddress?
    }

    /// A choice among the endpoints of a service.
    package struct Choice: Sendable {
        package let service: ServiceEntry
        package let port: UInt16
        package let mode: ResolutionMode
        package let result: Result<EndpointChoice, EndpointGap>
        /// Every endpoint; sorted by workload uid.
        package let candidates: [EndpointCandidate]
    }

    /// What has the address, the one that answers first.
    package let records: [AddressRecord]
    package let waypoint: Waypoint?
    package let networkGateway: NetworkGateway?
    package let choices: [Choice]
    package let route: OutboundRoute
}

extension Router {
    /// The route of a connection, as `outbound` decides it, and why.
    package func explain(
        source: Workload, sourceIP: IPAddress? = nil, destination: SocketAddress, snapshot: MeshSnapshot,
        random: inout QuickRandom
    ) -> RouteExplanation {
        let trace = RouteTrace()
        let route = outbound(source, sourceIP, destination, snapshot, &random, trace)
        var carried: MeshAddress?
        var waypoint: RouteExplanation.Waypoint?
        var networkGateway: RouteExplanation.NetworkGateway?
        var choices: [RouteExplanation.Choice] = []
        for step in trace.steps {
            switch step {
            case .addressed(let found): if carried == nil { carried = found }
            case .upstream(let found):
                if let held = waypoint, held.isUsed {
                    waypoint = .init(gateway: held.gateway, subject: held.subject, isUsed: true, target: found)
                } else {
                    carried = found ?? carried
                }
            case .waypoint(let gateway, let subject):
                waypoint = .init(gateway: gateway, subject: subject, isUsed: true, target: nil)
            case .ownWaypoint(let gateway, let subject):
                waypoint = .init(gateway: gateway, subject: subject, isUsed: false, target: resolve(gateway, snapshot))
            case .networkGateway(let gateway, let workload, let found):
                networkGateway = .init(gateway: gateway, workload: workload, target: found)
            case .choice(let entry, let port, let mode, let result):
                choices.append(
                    .init(
                        service: entry, port: port, mode: mode, result: result,
                        candidates: LoadBalancing.explain(result, for: source, among: entry, port: port, mode: mode)))
            }
        }
        return RouteExplanation(
            records: AddressRecord.all(
                at: destination.ip, network: network, matched: carried, clientNamespace: source.namespace, snapshot),
            waypoint: waypoint, networkGateway: networkGateway, choices: choices, route: route)
    }
}
