import Logging
import MeshCore
import Synchronization

/// Keeps a served authority up to date with its store: takes over changed files, moves a rotation on, begins one in time
/// and signs fresh revocation lists.
///
/// Whatever fails leaves what serves as it is, is reported once for each of its kinds, and is tried again.
package final class AuthorityKeeper: Sendable {
    private struct State {
        /// As they were when they were last taken over.
        var files: AuthorityFiles
        /// The last failure that was reported.
        var failure = ""
    }

    private let store: any AuthorityStore
    private let lifetimes: LifetimePolicy
    private let issuance: CertificateIssuance
    /// Whether the store may be written to by the keeper.
    private let maintains: Bool
    private let state: Mutex<State>

    private static let pause: Duration = .seconds(1)

    /// - Parameter files: from which the authority that serves now was made.
    package init(
        _ store: any AuthorityStore, files: AuthorityFiles, issuance: CertificateIssuance, lifetimes: LifetimePolicy,
        maintains: Bool
    ) {
        self.store = store
        self.lifetimes = lifetimes
        self.issuance = issuance
        self.maintains = maintains
        state = Mutex(State(files: files))
    }

    /// Looks once a second until its task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            await look()
            do { try await issuance.clock.sleep(until: issuance.clock.now + Self.pause) } catch { return }
        }
    }

    /// Looks once.
    package func look() async {
        if maintains { await maintain() }
        if store.hasChanged(since: state.withLock { $0.files }) { await reload() }
    }

    /// Reads the store again, even if it looks the same.
    package func reload() async {
        do throws(AuthorityError) {
            let files = try await store.load()
            let old = issuance.authority
            let next = try files.authority(
                trustDomain: old.trustDomain, lifetimes: lifetimes, now: issuance.clock.seconds)
            let bundle = BundleChange(from: old.material.roots, to: next.material.roots)
            guard bundle.isGradual else { throw files.refused("\(bundle)") }
            issuance.slot.publish(next)
            issuance.metrics.countReload(failed: false)
            state.withLock { $0 = State(files: files) }
            issuance.logger.info("authority reloaded", metadata: [LogKey.serial: "\(next.signerSummary.serial)"])
            await record(.reloaded, "signer \(next.signerSummary.serial), \(next.material.roots.count) roots")
        } catch {
            // A set of files is often replaced one by one, so the next look may find it whole.
            guard isNew(error) else { return }
            issuance.metrics.countReload(failed: true)
            issuance.logger.error(
                "authority not reloaded, the earlier one stays", metadata: [LogKey.reason: "\(error)"])
        }
    }

    private func maintain() async {
        let now = issuance.clock.seconds
        do throws(AuthorityError) {
            let rotation = AuthorityRotation(store)
            // What was last read says when something is due; the step itself reads again.
            if let under = try state.withLock({ $0.files }).state().rotation {
                if now >= under.until, let step = try await rotation.advance(now: now) {
                    await report("root rotation \(step.rawValue)")
                }
            } else if isRotationDue(now: now) {
                let begun = try await rotation.begin(now: now)
                await report("root rotation begun, the new root signs from \(UnixTime.text(begun.until))")
            }
            let hasPrevious = state.withLock { $0.files[.previousCertificate] != nil }
            let issuer = RevocationIssuer(store)
            if let issued = try await issuer.refresh(issuance.authority, hasPrevious: hasPrevious, now: now) {
                await record(.revocationList, "number \(issued.number), \(issued.revoked) revoked")
            }
        } catch {
            guard isNew(error) else { return }
            issuance.logger.error("authority not maintained", metadata: [LogKey.reason: "\(error)"])
        }
    }

    /// Whether a failure is another than the last one.
    private func isNew(_ error: AuthorityError) -> Bool {
        state.withLock { state in
            defer { state.failure = "\(error)" }
            return state.failure != "\(error)"
        }
    }

    private func isRotationDue(now: Int64) -> Bool {
        guard issuance.authority.signsWithRoot, state.withLock({ $0.files[.settings] }) != nil else { return false }
        let root = issuance.authority.signerSummary
        return RotationState.isDue(notBefore: root.notBefore, notAfter: root.notAfter, now: now)
    }

    private func report(_ words: String) async {
        issuance.logger.notice("\(words)")
        await record(.rotation, words)
    }

    private func record(_ event: AuditRecord.Event, _ words: String) async {
        var record = AuditRecord(event, time: issuance.clock.now.microseconds)
        record.reason = words
        do {
            try await issuance.audit?.append(record)
        } catch {
            issuance.logger.error("not recorded", metadata: [LogKey.reason: "\(error)"])
        }
    }
}
