package import MeshCore

/// Why there is no certificate. Each case says what to look at.
package enum CertificateError: Error, Hashable, CustomStringConvertible {
    case token(path: String, reason: String)
    case trustBundle(reason: String)
    /// No connection: refused, unreachable, name not found.
    case connect(endpoint: String, reason: String)
    /// A connection, but the server is not the one that we trust.
    case serverUntrusted(endpoint: String, reason: String)
    case timeout(endpoint: String, seconds: Int64)
    case unauthenticated(endpoint: String, message: String)
    /// The gRPC status of any other refusal.
    case refused(endpoint: String, code: String, message: String)
    case reply(ReplyProblem)
    case signingRequest(reason: String)
    case cancelled

    /// What is wrong with an answer that looked like a success.
    package enum ReplyProblem: Hashable, Sendable, CustomStringConvertible {
        case empty
        /// A leaf, but no root to go with it.
        case noRoot
        case unreadable(element: Int, reason: String)
        case otherIdentity(asked: SPIFFEID, got: String)
        case otherKey
        case alreadyExpired(notAfter: Int64)

        package var description: String {
            switch self {
            case .empty: "it holds no certificate; look at the log of the authority"
            case .noRoot: "it holds one element, so the roots are missing; is this an Istio certificate authority?"
            case .unreadable(let element, let reason): "element \(element) is not a certificate: \(reason)"
            case .otherIdentity(let asked, let got):
                "it is for \(got), not for \(asked); allow this caller to impersonate, or correct its identity"
            case .otherKey: "its key is not the one of the request; is a proxy answering in place of the authority?"
            case .alreadyExpired(let notAfter): "it expired at \(UnixTime.text(notAfter)); compare the clocks"
            }
        }
    }

    package var description: String {
        switch self {
        case .token(let path, let reason): "read token \(path): \(reason)"
        case .trustBundle(let reason): "read roots of the certificate authority: \(reason)"
        case .connect(let endpoint, let reason):
            "connect to CA \(endpoint): \(reason); is istiod or `meshctl ca serve` running there?"
        case .serverUntrusted(let endpoint, let reason):
            "trust CA \(endpoint): \(reason); do its roots and its server name match the configured ones?"
        case .timeout(let endpoint, let seconds):
            "ask CA \(endpoint): no answer within \(seconds) s; does a firewall or network policy drop the connection?"
        case .unauthenticated(let endpoint, let message):
            "ask CA \(endpoint): unauthenticated (\(message)); "
                + "check the token and that this caller may have the identity; the authority's log has the reason"
        case .refused(let endpoint, let code, let message): "ask CA \(endpoint): \(code) (\(message))"
        case .reply(let problem): "use the certificate from the CA: \(problem)"
        case .signingRequest(let reason): "make a signing request: \(reason)"
        case .cancelled: "request for a certificate was cancelled"
        }
    }
}
