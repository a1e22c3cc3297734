package import MeshCore
import X509

/// How an authority is doing. Times are seconds since 1970.
package struct AuthorityStatus: Sendable {
    package let authority: CertificateAuthority
    package let state: AuthorityState
    /// Where the audit log stands; `nil` without one, and when it is broken.
    package let audit: AuditVerification?
    /// Whether there is a log that does not hold together; `problems` says where.
    package let isAuditBroken: Bool
    /// The process that serves it on this machine; `nil` when none does, or where no folder says.
    package let server: String?
    /// What somebody has to see to, each with its remedy.
    package let problems: [String]

    /// - Throws: `.notFound` and `.corrupt` as opening the authority does.
    package static func read(_ offline: OfflineAuthority) async throws(MeshFailure) -> AuthorityStatus {
        let doing = "look at the authority"
        let authority: CertificateAuthority
        let state: AuthorityState
        let now = offline.clock.seconds
        do throws(AuthorityError) {
            let files = try await offline.store.load()
            authority = try files.authority(trustDomain: offline.trustDomain, now: now)
            state = try files.state()
        } catch {
            throw error.failure(doing: doing)
        }
        var problems = Self.problems(authority, state, now: now)
        var audit: AuditVerification?
        var isAuditBroken = false
        if let log = offline.records.map({ "\($0)/\(AuditFolder.folder)" }), FileStamp(path: log) != nil {
            do { audit = try AuditVerification.run(log) } catch {
                isAuditBroken = true
                problems.append("audit log: \(error); keep it, and put a copy from elsewhere beside it")
            }
        }
        return AuthorityStatus(
            authority: authority, state: state, audit: audit, isAuditBroken: isAuditBroken,
            server: offline.records.flatMap(ServingLock.holder), problems: problems)
    }

    private static func problems(_ authority: CertificateAuthority, _ state: AuthorityState, now: Int64) -> [String] {
        var problems: [String] = []
        let signer = authority.signerSummary
        if RotationState.isDue(notBefore: signer.notBefore, notAfter: signer.notAfter, now: now), state.rotation == nil
        {
            problems.append(
                "the signing certificate ends \(UnixTime.text(signer.notAfter)); run meshctl ca rotate, or put a new one in place"
            )
        }
        if let rotation = state.rotation, now >= rotation.until {
            problems.append(
                "the rotation has been due for its next step since \(UnixTime.text(rotation.until)); start the server, or "
                    + "run meshctl ca rotate --advance")
        }
        for root in authority.material.roots where UnixTime.seconds(root.notValidAfter) <= now {
            problems.append("root \"\(root.subject)\" has expired; take it out of the bundle")
        }
        for list in authority.material.revocations {
            guard let next = list.nextUpdate, next <= now else { continue }
            problems.append(
                "a revocation list ended \(UnixTime.text(next)); start the server, or run meshctl ca crl --renew")
        }
        return problems
    }
}
