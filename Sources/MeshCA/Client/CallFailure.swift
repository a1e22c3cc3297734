import GRPCCore
import MeshCore
import NIOCore
import NIOPosix
import NIOSSL

/// Turns what the libraries throw into what a person can act upon.
enum CallFailure {
    static func reading(_ error: any Error, endpoint: CAEndpoint, deadline: Duration) -> CertificateError {
        let causes = chain(of: error)
        let name = "\(endpoint)"
        for cause in causes {
            if let reason = untrusted(cause) { return .serverUntrusted(endpoint: name, reason: reason) }
            if let reason = unreachable(cause) { return .connect(endpoint: name, reason: reason) }
        }
        guard let rpc = causes.lazy.compactMap({ $0 as? RPCError }).first else {
            return .connect(endpoint: name, reason: "\(causes.last ?? error)")
        }
        switch rpc.code {
        case .unauthenticated: return .unauthenticated(endpoint: name, message: rpc.message)
        case .deadlineExceeded: return .timeout(endpoint: name, seconds: deadline.components.seconds)
        case .unavailable where causes.count > 1: return .connect(endpoint: name, reason: "\(causes.last ?? rpc)")
        default: return .refused(endpoint: name, code: "\(rpc.code)", message: rpc.message)
        }
    }

    /// The error and what lies behind it, outermost first.
    private static func chain(of error: any Error) -> [any Error] {
        var chain: [any Error] = [error]
        // Bounded, since nothing says that causes cannot form a circle.
        while chain.count < 16, let last = chain.last, let next = cause(of: last) { chain.append(next) }
        return chain
    }

    private static func cause(of error: any Error) -> (any Error)? {
        switch error {
        case let error as RPCError: error.cause
        case let error as RuntimeError: error.cause
        case let error as NIOConnectionError:
            error.connectionErrors.first?.error ?? error.dnsAError ?? error.dnsAAAAError
        default: nil
        }
    }

    private static func unreachable(_ error: any Error) -> String? {
        if let error = error as? IOError { return KernelError.text(error.errnoCode) }
        if case .connectTimeout = error as? ChannelError { return "connection timed out" }
        if let error = error as? RPCError, error.message.hasPrefix("Couldn't resolve address") {
            return "name not found"
        }
        return nil
    }

    private static func untrusted(_ error: any Error) -> String? {
        if let error = error as? ServerNameCheck.Mismatch { return "its certificate is not for \(error.expected)" }
        if let error = error as? NIOSSLExtraError {
            switch error {
            case .failedToValidateHostname: return "its certificate is for another name"
            default: return "\(error)"
            }
        }
        guard case .handshakeFailed(let detail) = error as? NIOSSLError else { return nil }
        let text = "\(detail)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate was not issued under the trusted roots, or is expired"
        }
        return "TLS handshake failed (\(text))"
    }
}
