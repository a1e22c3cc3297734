package import MeshCore

/// How a connection ended, in the words of the metric label `response_flags`.
package enum ResponseFlag: UInt8, CaseIterable, Sendable {
    case none, deny, connect, tlsFailure, h2HandshakeFailure, networkPolicy, identityError, certRevoked

    package var label: String {
        switch self {
        case .none: "-"
        case .deny: "DENY"
        case .connect: "CONNECT"
        case .tlsFailure: "TLS_FAILURE"
        case .h2HandshakeFailure: "H2_HANDSHAKE_FAILURE"
        case .networkPolicy: "NETWORK_POLICY"
        case .identityError: "IDENTITY_ERROR"
        case .certRevoked: "CERT_REVOKED"
        }
    }
}

/// Why a connection did not come about or did not end well. The text is built only when somebody reads it.
package enum ConnectionFailure: Error, CustomStringConvertible {
    /// Refused by policy; the text names it.
    case denied(String)
    /// Refused before it was tried: no route, an illegal port, an invalid request.
    case refused(String)
    case connect(SocketAddress, errno: Int32)
    case connectTimeout(SocketAddress, seconds: Int)
    /// A timeout towards the HBONE port, which a NetworkPolicy that blocks 15008 looks like.
    case tunnelTimeout(SocketAddress, seconds: Int)
    case handshake(SocketAddress, String)
    case handshakeTimeout(SocketAddress, seconds: Int)
    case tlsConfiguration(String)
    case identityUnavailable(String)
    case http2(SocketAddress, String)
    /// The far proxy answered the CONNECT with another status than 200.
    case status(Int)
    /// The far proxy reset the stream.
    case streamReset(code: UInt32)
    /// The tunnel went away under the stream.
    case tunnelClosed(SocketAddress, String)
    /// One of these two, before the far proxy had answered the CONNECT.
    indirect case unanswered(ConnectionFailure)
    case socket(String, errno: Int32)
    /// A first tunnel had refused the request before.
    indirect case secondTry(ConnectionFailure)
    case drained
    case outOfDescriptors
    /// The outer of two tunnels: the one to a network gateway.
    indirect case outerTunnel(SocketAddress, ConnectionFailure)
    /// The inner of two tunnels; the text is what it asks for.
    indirect case innerTunnel(String, ConnectionFailure)

    package var flag: ResponseFlag {
        switch self {
        case .denied: .deny
        case .tunnelTimeout: .networkPolicy
        case .tlsConfiguration: .tlsFailure
        case .identityUnavailable: .identityError
        case .http2, .unanswered: .h2HandshakeFailure
        case .drained: .none
        case .outerTunnel(_, let failure), .innerTunnel(_, let failure), .secondTry(let failure): failure.flag
        default: .connect
        }
    }

    package var description: String {
        switch self {
        case .denied(let why): why
        case .refused(let why): why
        case .connect(let to, let errno): "connect to \(to): \(KernelError.text(errno)) (errno \(errno))"
        case .connectTimeout(let to, let seconds): "connect to \(to): no answer within \(seconds) s"
        case .tunnelTimeout(let to, let seconds):
            "connect to \(to): no answer within \(seconds) s; a NetworkPolicy or firewall may block HBONE port \(to.port)"
        case .handshake(let with, let why): "TLS handshake with \(with): \(why)"
        case .handshakeTimeout(let with, let seconds): "TLS handshake with \(with): not finished within \(seconds) s"
        case .tlsConfiguration(let why): "TLS configuration: \(why)"
        case .identityUnavailable(let why): "no certificate for our own identity: \(why)"
        case .http2(let with, let why): "HTTP/2 with \(with): \(why)"
        case .status(let status): "the destination proxy answered CONNECT with status \(status)" + Self.hint(status)
        case .streamReset(let code): "the peer reset the stream (\(Self.resetName(code)))"
        case .tunnelClosed(let with, let why): "the tunnel with \(with) closed: \(why)"
        case .unanswered(let failure): "the CONNECT was not answered: \(failure)"
        case .socket(let what, let errno): "\(what): \(KernelError.text(errno)) (errno \(errno))"
        case .secondTry(let failure): "\(failure); a first tunnel had refused the request too"
        case .drained: "closed from drain"
        case .outerTunnel(let gateway, let failure): "tunnel to network gateway \(gateway): \(failure)"
        case .innerTunnel(let authority, let failure): "tunnel to \(authority) through the network gateway: \(failure)"
        case .outOfDescriptors: "no file descriptor left; raise the limit of open files"
        }
    }

    /// What it means while the far proxy's answer is awaited.
    var beforeAnswer: ConnectionFailure {
        switch self {
        case .streamReset, .tunnelClosed: .unanswered(self)
        default: self
        }
    }

    /// What it means for the application when it befell the inner of two tunnels.
    func inside(_ authority: String) -> ConnectionFailure {
        switch self {
        case .drained, .outerTunnel: self
        default: .innerTunnel(authority, self)
        }
    }

    private static func hint(_ status: Int) -> String {
        switch status {
        case 400: "; it does not serve that address"
        case 401: "; its authorization policies refuse our identity"
        case 503: "; it cannot reach the application"
        default: ""
        }
    }

    private static func resetName(_ code: UInt32) -> String {
        let names = [
            "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
            "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
            "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
        ]
        return Int(code) < names.count ? names[Int(code)] : "error \(code)"
    }
}
