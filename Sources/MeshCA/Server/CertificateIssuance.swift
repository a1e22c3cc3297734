package import Logging
import MeshCore

/// The decision behind `CreateCertificate`, without its transport: whether there is room, who asks and for whom, then the
/// certificate, then its record.
package struct CertificateIssuance: Sendable {
    package let slot: AuthoritySlot
    package let callers: any CallerAuthorization
    package let clock: any WallClock
    package let logger: Logger
    package var admission = AdmissionControl()
    package let metrics: AuthorityMetrics
    /// Where each answer is recorded before it is given.
    package var audit: AuditLog?
    /// What must be remembered before a certificate leaves.
    package var memory: IssuanceMemory?

    package init(
        slot: AuthoritySlot, callers: any CallerAuthorization, clock: any WallClock, logger: Logger,
        metrics: AuthorityMetrics = AuthorityMetrics()
    ) {
        self.slot = slot
        self.callers = callers
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
    }

    package var authority: CertificateAuthority { slot.current }

    /// Issues or refuses, and leaves one line in the log and one record for either. A request for which there is no room
    /// leaves neither: it is only counted, and now and then reported.
    package func create(
        _ request: IstioCertificateRequest, by credentials: PresentedCredentials
    ) async throws(Refusal) -> IstioCertificateResponse {
        let begun = ContinuousClock.now
        metrics.countRequest()
        guard admission.enter() else { throw shed("\(admission.limits.inFlight) requests are being worked on") }
        defer { admission.leave() }
        let now = clock.now
        guard admission.admits("peer \(credentials.peerAddress)", now: now) else {
            throw shed("peer \(credentials.peerAddress) asks more often than its rate allows")
        }
        var record = AuditRecord(.refused, time: now.microseconds)
        record.peer = credentials.peer
        record.identity = request.impersonatedIdentity
        do {
            // One reading for everything: what is replaced meanwhile must not mix with what was.
            let authority = slot.current
            let (reply, leaf) = try await issue(
                request, credentials, by: authority, now: now.components.seconds, record: &record)
            metrics.countSuccess(took: ContinuousClock.now - begun)
            logger.info("certificate issued", metadata: facts(record, leaf))
            return reply
        } catch {
            if case .overloaded(let reason) = error { throw shed(reason) }
            metrics.count(error)
            if record.caller.isEmpty { record.caller = error.caller }
            record.event = .refused
            record.status = error.status.code.rawValue
            record.reason = error.reason
            logger.warning("certificate refused", metadata: facts(record, nil))
            if let audit {
                do { try await audit.append(record) } catch {
                    logger.error("refusal not recorded", metadata: [LogKey.reason: "\(error)"])
                }
            }
            throw error
        }
    }

    private func issue(
        _ request: IstioCertificateRequest, _ credentials: PresentedCredentials, by authority: CertificateAuthority,
        now: Int64, record: inout AuditRecord
    ) async throws(Refusal) -> (IstioCertificateResponse, IssuedLeaf) {
        let grant = try await callers.grant(
            credentials, impersonated: request.impersonatedIdentity, authority: authority, now: now)
        // The last look before the key is used, whoever decided.
        guard !grant.identities.isEmpty,
            grant.identities.allSatisfy({ $0.trustDomain == authority.trustDomain })
        else {
            throw .unauthenticated(
                reason: "granted \(grant.identities), which are not identities of \(authority.trustDomain)")
        }
        record.caller = grant.caller
        record.identity = grant.identities.map(\.description).joined(separator: " ")
        guard admission.admits("caller \(grant.caller)", now: .seconds(now)) else {
            throw .overloaded(reason: "caller \(grant.caller) asks more often than its rate allows")
        }
        let leaf: IssuedLeaf
        do {
            leaf = try authority.issue(
                SigningRequest(pem: request.csr), names: grant.identities.map { .spiffe($0) },
                lifetime: request.validityDuration, now: now)
        } catch {
            throw .issue(error)
        }
        do {
            try await memory?.cover(
                notAfter: leaf.notAfter, signedBy: authority.material.signing, now: now)
            record.event = .issued
            record.status = "OK"
            record.serial = leaf.serial
            record.notAfter = leaf.notAfter
            try await audit?.append(record)
        } catch {
            throw .notRecorded(reason: "\(error)")
        }
        return (IstioCertificateResponse(certChain: authority.reply(for: leaf)), leaf)
    }

    private func shed(_ reason: String) -> Refusal {
        metrics.countShed()
        if let count = admission.shed(now: clock.now) {
            logger.warning("requests shed", metadata: [LogKey.reason: "\(reason)", LogKey.count: "\(count)"])
        }
        return .overloaded(reason: reason)
    }

    private func facts(_ record: AuditRecord, _ leaf: IssuedLeaf?) -> Logger.Metadata {
        var facts: Logger.Metadata = [LogKey.peer: "\(record.peer)"]
        if !record.caller.isEmpty { facts[LogKey.caller] = "\(record.caller)" }
        guard let leaf else {
            facts[LogKey.reason] = "\(record.reason)"
            return facts
        }
        facts[LogKey.identity] = "\(record.identity)"
        facts[LogKey.serial] = "\(leaf.serial)"
        facts[LogKey.notAfter] = "\(UnixTime.text(leaf.notAfter))"
        return facts
    }
}
