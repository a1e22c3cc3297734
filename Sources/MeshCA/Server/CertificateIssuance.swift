package import Logging
import MeshCore

/// The decision behind `CreateCertificate`, without its transport: who asks, for whom, and then the certificate.
package struct CertificateIssuance: Sendable {
    package let authority: CertificateAuthority
    package let callers: any CallerAuthorization
    package let clock: any WallClock
    package let logger: Logger

    package init(
        authority: CertificateAuthority, callers: any CallerAuthorization, clock: any WallClock, logger: Logger
    ) {
        self.authority = authority
        self.callers = callers
        self.clock = clock
        self.logger = logger
    }

    /// Issues or refuses, and leaves one line in the log for either.
    package func create(
        _ request: IstioCertificateRequest, by credentials: PresentedCredentials
    ) async throws(Refusal) -> IstioCertificateResponse {
        // One reading for everything.
        let now = clock.seconds
        var facts: Logger.Metadata = [LogKey.peer: "\(credentials.peer)"]
        do {
            let grant = try await callers.grant(
                credentials, impersonated: request.impersonatedIdentity, authority: authority, now: now)
            facts[LogKey.caller] = "\(grant.caller)"
            facts[LogKey.identity] = "\(grant.identities.map(\.description).joined(separator: " "))"
            let leaf = try issue(request, to: grant.identities, now: now)
            facts[LogKey.serial] = "\(leaf.serial)"
            facts[LogKey.notAfter] = "\(UnixTime.text(leaf.notAfter))"
            logger.info("certificate issued", metadata: facts)
            return IstioCertificateResponse(certChain: authority.reply(for: leaf))
        } catch {
            if !error.caller.isEmpty { facts[LogKey.caller] = "\(error.caller)" }
            facts[LogKey.reason] = "\(error.reason)"
            logger.warning("certificate refused", metadata: facts)
            throw error
        }
    }

    private func issue(
        _ request: IstioCertificateRequest, to identities: [SPIFFEID], now: Int64
    ) throws(Refusal) -> IssuedLeaf {
        // The last look before the key is used, whoever decided.
        guard !identities.isEmpty, identities.allSatisfy({ $0.trustDomain == authority.trustDomain }) else {
            throw .unauthenticated(
                reason: "granted \(identities), which are not identities of \(authority.trustDomain)")
        }
        do {
            return try authority.issue(
                SigningRequest(pem: request.csr), names: identities.map { .spiffe($0) },
                lifetime: request.validityDuration, now: now)
        } catch {
            throw .issue(error)
        }
    }
}
