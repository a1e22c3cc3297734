import MeshCore

/// A listening socket of one reactor. Its descriptor is closed by the reactor.
final class Listener {
    enum Role: String, Sendable {
        case outbound = "outbound capture"
        case inbound = "inbound HBONE"
        case inboundPlaintext = "inbound plaintext"
        case socks5 = "outbound SOCKS5"

        var facesApplications: Bool { self == .outbound || self == .socks5 }
    }

    let role: Role
    let descriptor: Int32
    let address: SocketAddress
    var token: UInt64 = 0
    /// Not polled for a moment, because descriptors ran out.
    var resting = false
    /// What waits to be accepted goes to another listener of this address when this one is closed.
    var handsOver = false

    init(_ role: Role, descriptor: Int32, address: SocketAddress) {
        self.role = role
        self.descriptor = descriptor
        self.address = address
    }
}
