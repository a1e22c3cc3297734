package import MeshCore

/// What to do with a connection that an application opened.
package enum OutboundRoute: Sendable {
    case hbone(HBONERoute)
    /// A tunnel to the gateway of another network, and inside it one to the proxy behind it.
    case doubleHBONE(DoubleHBONERoute)
    case tcp(TCPRoute)
    /// One of these, once the hostname of the next hop has an address.
    case resolve(HostnameRoute)
    case refuse(RouteRefusal)
}

/// Through a tunnel to another proxy.
package struct HBONERoute: Sendable {
    package enum Reason: String, Sendable {
        case workload = "the destination speaks HBONE"
        case serviceEndpoint = "an endpoint of the service was chosen, which speaks HBONE"
        case serviceWaypoint = "the service has a waypoint"
        case workloadWaypoint = "the destination has a waypoint"
    }

    /// Where to connect with TLS.
    package let nextHop: SocketAddress
    /// The `:authority` of the CONNECT request.
    package let authority: String
    /// The peer must have one of these; never empty.
    package let expectedIdentities: [SPIFFEID]
    /// The workload at the next hop: the destination, or the waypoint.
    package let destinationWorkload: Workload?
    /// The service that was addressed, or through which the workload was found.
    package let service: Service?
    /// What the authority says: the destination's address and port, or for a waypoint the original destination.
    package let actual: SocketAddress
    package let reason: Reason

    package init(
        nextHop: SocketAddress, authority: String, expectedIdentities: [SPIFFEID], destinationWorkload: Workload?,
        service: Service?, actual: SocketAddress, reason: Reason
    ) {
        self.nextHop = nextHop
        self.authority = authority
        self.expectedIdentities = expectedIdentities
        self.destinationWorkload = destinationWorkload
        self.service = service
        self.actual = actual
        self.reason = reason
    }

    package var viaWaypoint: Bool { reason == .serviceWaypoint || reason == .workloadWaypoint }
}

/// Through a network gateway, which passes an inner tunnel on without looking into it.
package struct DoubleHBONERoute: Sendable {
    package enum Reason: String, Sendable {
        case serviceEndpoint = "an endpoint of the service was chosen, which is on another network"
        case serviceWaypoint = "the service has a waypoint, which is on another network"
    }

    /// Where the gateway takes the outer tunnel.
    package let nextHop: SocketAddress
    /// The `:authority` of both CONNECT requests: hostname and port of the service.
    package let authority: String
    /// The gateway must have one of these; never empty.
    package let gatewayIdentities: [SPIFFEID]
    /// The proxy behind it must have one of these; never empty.
    package let innerIdentities: [SPIFFEID]
    package let gateway: Workload
    package let service: Service
    package let reason: Reason

    package init(
        nextHop: SocketAddress, authority: String, gatewayIdentities: [SPIFFEID], innerIdentities: [SPIFFEID],
        gateway: Workload, service: Service, reason: Reason
    ) {
        self.nextHop = nextHop
        self.authority = authority
        self.gatewayIdentities = gatewayIdentities
        self.innerIdentities = innerIdentities
        self.gateway = gateway
        self.service = service
        self.reason = reason
    }
}

/// Straight to a socket address, without TLS.
package struct TCPRoute: Sendable {
    package enum Reason: String, Sendable {
        case passthrough = "the destination is not in the mesh"
        case passthroughService = "the service passes traffic through to the original address"
        case plainWorkload = "the destination does not speak HBONE"
    }

    package let address: SocketAddress
    package let destinationWorkload: Workload?
    package let service: Service?
    package let reason: Reason
}

/// Why a connection goes nowhere.
package enum RouteRefusal: Error, Sendable, CustomStringConvertible {
    /// To a port of the proxy itself, over loopback.
    case selfCall(SocketAddress)
    case unknownWaypoint(of: Subject, GatewayAddress)
    case waypointUnusable(of: Subject, GatewayAddress, Service, EndpointGap)
    case noHealthyUpstream(Service, port: UInt16, EndpointGap)
    /// No address that the connection could go to.
    case noValidDestination(Workload, Service?)
    /// On another network, without a gateway.
    case noNetworkGateway(Workload)
    /// On another network, but no service was addressed.
    case crossNetworkWithoutService(Workload)
    case unknownNetworkGateway(of: Workload, GatewayAddress)
    case networkGatewayUnusable(of: Workload, GatewayAddress, Service, EndpointGap)
    /// On another network, and the service through which it was found names nobody who may answer there; `nil` when it
    /// was found without one.
    case noServiceIdentities(Workload, Service?)
    /// It speaks HBONE, but nobody could be expected at the other end.
    case noIdentity(Workload)

    /// Whose waypoint.
    package enum Subject: Sendable, CustomStringConvertible {
        case service(Service)
        case workload(Workload)

        package var description: String {
            switch self {
            case .service(let service): "service \(service.key)"
            case .workload(let workload): "workload \(workload.namespace)/\(workload.name)"
            }
        }
    }

    package var description: String {
        switch self {
        case .selfCall(let address):
            "\(address) is a port of the proxy itself; call the application's own port"
        case .unknownWaypoint(let subject, let gateway):
            "waypoint \(gateway.text) of \(subject) is not known; deploy it, or remove the reference to it"
        case .waypointUnusable(let subject, let gateway, let service, let gap):
            "waypoint \(gateway.text) of \(subject) cannot be used: service \(service.key): \(gap)"
        case .noHealthyUpstream(let service, let port, let gap):
            "no healthy upstream for service \(service.key) port \(port): \(gap)"
        case .noValidDestination(let workload, let service):
            "workload \(workload.uid) has no address for this connection"
                + (service.map { ", given the ip families of service \($0.key)" } ?? "")
        case .noNetworkGateway(let workload):
            "workload \(workload.uid) is on network \"\(workload.network)\" and has no network gateway"
        case .crossNetworkWithoutService(let workload):
            "workload \(workload.uid) is on network \"\(workload.network)\"; call it through a service"
        case .unknownNetworkGateway(let workload, let gateway):
            "network gateway \(gateway.text) of workload \(workload.uid) on network \"\(workload.network)\" is not known"
        case .networkGatewayUnusable(let workload, let gateway, let service, let gap):
            "network gateway \(gateway.text) of workload \(workload.uid) on network \"\(workload.network)\" cannot be "
                + "used: service \(service.key) port \(gateway.hboneMTLSPort): \(gap)"
        case .noServiceIdentities(let workload, let service?):
            "workload \(workload.uid) is on network \"\(workload.network)\", where only the subject alternative names of "
                + "service \(service.key) may answer, and it has none"
        case .noServiceIdentities(let workload, nil):
            "workload \(workload.uid) is on network \"\(workload.network)\" and is referred to by itself; refer to it by "
                + "a service, whose subject alternative names may answer there"
        case .noIdentity(let workload):
            "workload \(workload.uid) has no valid identity; check its trust domain, namespace and service account"
        }
    }
}

extension GatewayAddress {
    /// The destination as configuration writes it.
    package var text: String {
        switch destination {
        case .address(let address): "\(address)"
        case .hostname(let name): "\(name)"
        }
    }
}
