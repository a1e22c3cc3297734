package import MeshCore

/// How a port of a service is looked up.
package enum ResolutionMode: Sendable {
    /// For traffic of a client: the service must define the port.
    case standard
    /// For a waypoint or gateway: its own HBONE port need not be a port of the service.
    case waypoint
}

/// An endpoint that was picked, and the port on it.
package struct EndpointChoice: Sendable {
    package let endpoint: ServiceEndpoint
    package let workload: Workload
    package let port: UInt16
}

/// What became of one endpoint in a choice.
package enum EndpointOutcome: Sendable, Equatable, CustomStringConvertible {
    case chosen
    /// As good as the chosen one; the weighted draw fell on another.
    case notDrawn
    case unknownWorkload
    /// No address or hostname, and not behind a gateway of another network.
    case unreachable
    case noTargetPort(servicePort: UInt16)
    case zeroCapacity
    /// A strict load balancer wants every preference to match.
    case notAllPreferencesMatch(matched: Int, of: Int)
    case outranked(rank: Int, best: Int)

    package var description: String {
        switch self {
        case .chosen: "chosen"
        case .notDrawn: "usable, another was drawn"
        case .unknownWorkload: "its workload is not known"
        case .unreachable: "it has no address, no hostname and no gateway"
        case .noTargetPort(let port): "it has no target for service port \(port)"
        case .zeroCapacity: "its capacity is 0"
        case .notAllPreferencesMatch(let matched, let count):
            "it matches \(matched) of \(count) routing preferences and the load balancer is strict"
        case .outranked(let rank, let best): "its locality rank is \(rank), the best is \(best)"
        }
    }
}

/// One endpoint of an explained choice.
package struct EndpointCandidate: Sendable {
    package let endpoint: ServiceEndpoint
    package let outcome: EndpointOutcome
}

/// Why a service has nowhere to send a connection.
package enum EndpointGap: Error, Equatable, CustomStringConvertible {
    /// The service does not list the port.
    case portNotDefined
    case noEndpoints
    /// There are endpoints, and each is ruled out.
    case noneUsable(count: Int)
    /// The load balancer passes traffic through and never picks.
    case passthrough

    package var description: String {
        switch self {
        case .portNotDefined: "the service does not define that port"
        case .noEndpoints: "it has no healthy endpoint"
        case .noneUsable(let count): "none of its \(count) endpoints is usable"
        case .passthrough: "it passes traffic through to the original address"
        }
    }
}
