package import Logging
import MeshCore
package import X509

/// What a connection and a request bring along to prove who asks.
package struct PresentedCredentials: Sendable {
    /// Values of the `authorization` metadata, in order.
    package var authorization: [String] = []
    /// The leaf that was verified in the TLS handshake.
    package var certificate: Certificate?
    /// For the log.
    package var peer: String = ""

    package init() {}
}

/// Why a request got no certificate: what the peer learns, and what the log keeps.
package enum Refusal: Error, Hashable {
    /// Nobody we know, or nobody who may ask without naming an identity.
    case unauthenticated(reason: String)
    /// Somebody we know, asking for an identity that is not theirs.
    case impersonation(reason: String)
    case issue(IssueError)

    /// The gRPC status. Refusals of identity all look alike, so that they tell nothing about who may have what.
    package var status: (code: Code, message: String) {
        switch self {
        case .unauthenticated: (.unauthenticated, "request authenticate failure")
        case .impersonation: (.unauthenticated, "request impersonation authentication failure")
        case .issue(let error):
            switch error {
            case .signingRequest, .lifetime: (.invalidArgument, "CSR signing error (\(error))")
            case .expired, .signing: (.internalError, "CSR signing error (certificate cannot be signed)")
            }
        }
    }

    package enum Code: Sendable { case unauthenticated, invalidArgument, internalError }

    /// For the log.
    package var reason: String {
        switch self {
        case .unauthenticated(let reason), .impersonation(let reason): reason
        case .issue(let error): "\(error)"
        }
    }
}

/// The decision behind `CreateCertificate`, without its transport: who asks, for whom, and then the certificate.
package struct CertificateIssuance: Sendable {
    package let authority: CertificateAuthority
    package let callers: CallerDirectory
    package let clock: any WallClock
    package let logger: Logger

    package init(
        authority: CertificateAuthority, callers: CallerDirectory, clock: any WallClock, logger: Logger
    ) {
        self.authority = authority
        self.callers = callers
        self.clock = clock
        self.logger = logger
    }

    /// Issues or refuses, and leaves one line in the log for either.
    package func create(
        _ request: IstioCertificateRequest, by credentials: PresentedCredentials
    ) throws(Refusal) -> IstioCertificateResponse {
        var facts: Logger.Metadata = [LogKey.peer: "\(credentials.peer)"]
        do {
            let caller = try authenticate(credentials)
            facts[LogKey.caller] = "\(caller.name)"
            let identity = try identity(for: caller, asking: request.impersonatedIdentity)
            facts[LogKey.identity] = "\(identity)"
            let leaf = try issue(request, to: identity)
            facts[LogKey.serial] = "\(leaf.serial)"
            facts[LogKey.notAfter] = "\(UnixTime.text(leaf.notAfter))"
            logger.info("certificate issued", metadata: facts)
            return IstioCertificateResponse(certChain: authority.reply(for: leaf))
        } catch {
            facts[LogKey.reason] = "\(error.reason)"
            logger.warning("certificate refused", metadata: facts)
            throw error
        }
    }

    /// A client certificate comes before a token: whoever presents both is what the certificate says.
    private func authenticate(_ credentials: PresentedCredentials) throws(Refusal) -> Caller {
        let callers = callers.current
        var reasons: [String] = []
        if let certificate = credentials.certificate {
            do {
                let id = try PeerCertificate.identity(of: certificate, authority: authority, now: clock.seconds)
                if let caller = callers.caller(identity: id) { return caller }
                reasons.append("client certificate \(id) belongs to no caller")
            } catch {
                reasons.append("\(error)")
            }
        }
        let prefix = "Bearer "
        if let value = credentials.authorization.first(where: { $0.hasPrefix(prefix) }) {
            if let caller = callers.caller(presenting: value.dropFirst(prefix.count)) { return caller }
            reasons.append("token belongs to no caller")
        } else {
            reasons.append("no bearer token")
        }
        throw .unauthenticated(reason: reasons.joined(separator: ", "))
    }

    private func identity(for caller: Caller, asking text: String) throws(Refusal) -> SPIFFEID {
        guard !text.isEmpty else {
            // A certificate without a name asked for is a renewal of that certificate.
            if let own = caller.identity, caller.allowed.contains(own) { return own }
            guard let only = caller.allowed.only else {
                throw .unauthenticated(reason: "request names no identity, and the caller has not exactly one")
            }
            return only
        }
        let asked: SPIFFEID
        do {
            asked = try SPIFFEID(parsing: text)
        } catch {
            throw .impersonation(reason: "asked for \(error)")
        }
        guard asked.trustDomain == authority.trustDomain else {
            throw .impersonation(reason: "asked for \(asked), which is of another trust domain")
        }
        guard caller.allowed.contains(asked) else {
            throw .impersonation(reason: "asked for \(asked), which is not on the caller's list")
        }
        return asked
    }

    private func issue(_ request: IstioCertificateRequest, to identity: SPIFFEID) throws(Refusal) -> IssuedLeaf {
        do {
            return try authority.issue(
                SigningRequest(pem: request.csr), names: [.spiffe(identity)], lifetime: request.validityDuration,
                now: clock.seconds)
        } catch {
            throw .issue(error)
        }
    }
}
