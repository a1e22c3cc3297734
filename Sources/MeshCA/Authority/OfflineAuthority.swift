package import MeshCore
import X509

/// What a person does to an authority, beside its servers: those take it over within a second.
package struct OfflineAuthority: Sendable {
    package let store: any AuthorityStore
    /// The folder in whose audit log each thing is recorded; without one, only the servers record what they take over.
    package let records: String?
    /// Needed where the store does not know it.
    package var trustDomain: TrustDomain?
    /// Who asks, for the audit log.
    package var caller: String
    let clock: any WallClock

    package init(
        _ store: any AuthorityStore, records: String?, caller: String, clock: any WallClock = SystemWallClock()
    ) {
        self.store = store
        self.records = records
        self.caller = caller
        self.clock = clock
    }

    /// The authority in a folder, whose audit log is there too.
    package init(_ directory: AuthorityDirectory, caller: String, clock: any WallClock = SystemWallClock()) {
        self.init(directory, records: directory.path, caller: caller, clock: clock)
    }

    /// Makes a new authority with its own root.
    /// - Parameter rootLifetime: seconds.
    package func create(
        trustDomain: TrustDomain, aliases: [TrustDomain], rootLifetime: Int64
    ) async throws(MeshFailure) -> CertificateAuthority {
        let doing = "make an authority"
        do {
            let now = clock.seconds
            try await store.create(
                AuthorityFiles.made(trustDomain: trustDomain, aliases: aliases, rootLifetime: rootLifetime, now: now))
            let made = try await store.load().authority(trustDomain: trustDomain, now: now)
            try note([record(.created, "authority of \(trustDomain), root \(made.signerSummary.serial)")])
            return made
        } catch {
            throw Self.failure(error, doing: doing)
        }
    }

    package enum Rotation: Sendable {
        /// Seconds; `nil` where the authority decides.
        case begin(overlap: Int64?, rootLifetime: Int64?)
        /// The next step, due or not.
        case advance
        case cancel
    }

    /// What was done, and what is under way since.
    package struct Rotated: Sendable {
        package let step: AuthorityRotation.Step
        package let state: RotationState?
    }

    package func rotate(_ rotation: Rotation) async throws(MeshFailure) -> Rotated {
        do {
            let step = try await run(rotation)
            try note([record(.rotation, "root rotation \(step.rawValue)")])
            return Rotated(step: step, state: try await store.load().state().rotation)
        } catch {
            throw Self.failure(error, doing: "rotate the root")
        }
    }

    private func run(_ rotation: Rotation) async throws(AuthorityError) -> AuthorityRotation.Step {
        let steps = AuthorityRotation(store)
        switch rotation {
        case .begin(let overlap, let rootLifetime):
            _ = try await steps.begin(overlap: overlap, rootLifetime: rootLifetime, now: clock.seconds)
            return .begun
        case .advance:
            // Forced, so it is always one of them.
            return try await steps.advance(force: true, now: clock.seconds) ?? .finished
        case .cancel:
            try await steps.cancel()
            return .cancelled
        }
    }

    /// Revokes certificates by serial number, hexadecimal; without any it signs fresh lists.
    /// - Parameter validity: seconds from one list to the next; `nil` takes 7 days.
    package func revoke(
        _ serials: [String], reason: RevocationList.Reason?, validity: Int64? = nil
    ) async throws(MeshFailure) -> RevocationIssuer.Issued {
        let doing = serials.isEmpty ? "sign a revocation list" : "revoke \(serials.joined(separator: ", "))"
        do {
            var bytes: [[UInt8]] = []
            for text in serials {
                guard let serial = HexText.bytes(text) else {
                    throw MeshFailure(
                        .usage, doing: doing,
                        reason:
                            "\"\(text)\" is not a serial number: 1 to 20 bytes in hexadecimal, as cert-inspect shows it"
                    )
                }
                bytes.append(serial)
            }
            var issuer = RevocationIssuer(store)
            if let validity { issuer.validity = validity }
            let issued = try await issuer.issue(
                revoking: bytes, reason: reason, trustDomain: trustDomain, now: clock.seconds)
            let revoked = bytes.map { serial in
                record(.revoked, reason.map { "\($0)" } ?? "", serial: HexText.of(RevocationList.serial(serial)))
            }
            let list = record(.revocationList, "number \(issued.number), \(issued.revoked) revoked")
            try note(revoked + [list])
            return issued
        } catch {
            throw Self.failure(error, doing: doing)
        }
    }

    /// The authority as it is, checked.
    package func open(doing: String) async throws(MeshFailure) -> CertificateAuthority {
        do throws(AuthorityError) {
            return try await store.load().authority(trustDomain: trustDomain, now: clock.seconds)
        } catch {
            throw error.failure(doing: doing)
        }
    }

    func note(_ list: [AuditRecord]) throws(AuditError) {
        if let records { try AuditFolder.note(list, beside: records) }
    }

    func record(_ event: AuditRecord.Event, _ words: String = "", serial: String = "") -> AuditRecord {
        var record = AuditRecord(event, time: clock.now.microseconds)
        record.caller = caller
        record.serial = serial
        record.reason = words
        return record
    }

    private static func failure(_ error: any Error, doing: String) -> MeshFailure {
        switch error {
        case let error as MeshFailure: error
        case let error as AuthorityError: error.failure(doing: doing)
        // The change itself stands, so trying again would be a second one.
        case let error as AuditError: error.failure(doing: "\(doing): done, but not recorded")
        default: MeshFailure(.bug, doing: doing, reason: "\(error)")
        }
    }
}
