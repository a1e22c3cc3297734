package import MeshCore

/// What to do with a CONNECT request that reached a workload's proxy.
package enum InboundRoute: Sendable {
    case accept(InboundTarget)
    case refuse(InboundRefusal)
}

/// Where an accepted tunnel is delivered.
package struct InboundTarget: Sendable {
    /// Where to connect.
    package let upstream: SocketAddress
    /// What policies see: the address that the tunnel was connected to, and the port after any tunnel override.
    package let policyDestination: SocketAddress
    /// Write a PROXY header with this destination first.
    package let proxyDestination: SocketAddress?
    /// Connect from loopback, not from the peer's address.
    package let usesLoopback: Bool
    /// The service that the authority named.
    package let service: ServiceEntry?
}

/// Why a CONNECT request is refused before any policy is asked.
package enum InboundRefusal: Error, Sendable, CustomStringConvertible {
    case addressMismatch(authority: SocketAddress, connection: IPAddress)
    case unknownHostname(String, clientNamespace: String)
    case noPort(Service, port: UInt16)
    case selfCall(port: UInt16)
    case noAddressForService(Service, network: String)

    /// HTTP status of the reply.
    package var status: Int {
        switch self {
        case .addressMismatch: 400
        case .unknownHostname, .noPort, .selfCall, .noAddressForService: 503
        }
    }

    package var description: String {
        switch self {
        case .addressMismatch(let authority, let connection):
            "ip mismatch: the tunnel was connected to \(connection) but asks for \(authority), whose waypoint is not this "
                + "workload"
        case .unknownHostname(let name, let namespace):
            "no service \(name) is known that namespace \(namespace) may use"
        case .noPort(let service, let port):
            "service \(service.key) has no target for port \(port) on this workload"
        case .selfCall(let port):
            "port \(port) belongs to the proxy itself"
        case .noAddressForService(let service, let network):
            "service \(service.key) has no virtual address to put in the PROXY header (network \"\(network)\")"
        }
    }
}
