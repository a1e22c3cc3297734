package import Logging
package import MeshCore
import UnixSignals

/// An authority and those who may ask it, served until a signal says stop.
package struct AuthorityService: Sendable {
    /// Makes what decides who may ask an authority of this trust domain.
    package typealias Authorization =
        @Sendable (TrustDomain, Logger) throws(MeshFailure) -> any CallerAuthorization

    private let store: any AuthorityStore
    private let authorization: Authorization
    package var trustDomain: TrustDomain?
    package var lifetimes = LifetimePolicy()
    package var server = AuthorityServer.Configuration()
    package var limits = AdmissionControl.Limits()
    /// Folder for the audit log and for the lock that keeps a second server away.
    package var stateDirectory: String
    /// Whether rotations and revocation lists are kept up by this server; not where the store cannot be written.
    package var maintains = true
    /// Where health, metrics, bundle and revocation lists are served in the clear; nowhere when absent.
    package var http: SocketAddress?

    package init(store: any AuthorityStore, stateDirectory: String, authorization: @escaping Authorization) {
        self.store = store
        self.stateDirectory = stateDirectory
        self.authorization = authorization
    }

    /// Where it listens.
    package struct Listening: Sendable {
        package let address: SocketAddress
        package let http: SocketAddress?
    }

    /// Runs until SIGTERM or SIGINT; SIGHUP reads callers and authority again.
    /// - Parameter listening: told the bound addresses, once.
    package func run(
        clock: any WallClock = SystemWallClock(), logger: Logger,
        listening: @Sendable @escaping (Listening) -> Void
    ) async throws(MeshFailure) {
        let problems = limits.problems()
        guard problems.isEmpty else {
            throw MeshFailure(.usage, doing: "serve certificates", reason: problems.joined(separator: "; "))
        }
        let files: AuthorityFiles
        let authority: CertificateAuthority
        let memory: IssuanceMemory?
        let serving: ServingLock
        do {
            files = try await store.load()
            authority = try files.authority(trustDomain: trustDomain, lifetimes: lifetimes, now: clock.seconds)
            memory = maintains ? IssuanceMemory(store, known: try files.state()) : nil
            // Before anything is written: of two servers, the second leaves no trace.
            do { _ = try FileSet.makeDirectory(stateDirectory) } catch { throw AuthorityError.file(error) }
            serving = try ServingLock(stateDirectory)
        } catch {
            throw (error as? AuthorityError)?.failure(doing: "open the authority")
                ?? MeshFailure(.bug, doing: "open the authority", reason: "\(error)")
        }
        let callers = try authorization(authority.trustDomain, logger)
        let audit: AuditLog
        do {
            audit = try AuditLog("\(stateDirectory)/\(AuditFolder.folder)", now: clock.now.microseconds)
        } catch {
            throw error.failure(doing: "open the audit log")
        }
        var issuance = CertificateIssuance(
            slot: AuthoritySlot(authority), callers: callers, clock: clock, logger: logger)
        issuance.admission = AdmissionControl(limits)
        issuance.audit = audit
        issuance.memory = memory
        let keeper = AuthorityKeeper(
            store, files: files, issuance: issuance, lifetimes: lifetimes, maintains: maintains)
        do {
            try await audit.append(note(.started, authority, clock))
            try await serve(issuance, keeper, listening: listening)
            try await audit.append(note(.stopped, issuance.authority, clock))
            await audit.close()
        } catch {
            await audit.close()
            throw error as? MeshFailure ?? (error as? AuditError)?.failure(doing: "record in the audit log")
                ?? MeshFailure(.bug, doing: "serve certificates", reason: "\(error)")
        }
        withExtendedLifetime(serving) {}
    }

    private func serve(
        _ issuance: CertificateIssuance, _ keeper: AuthorityKeeper,
        listening: @Sendable @escaping (Listening) -> Void
    ) async throws {
        let (events, continuation) = AsyncStream<AuthorityServer.Event>.makeStream()
        let (reloads, reload) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let server = try AuthorityServer(issuance: issuance, configuration: server) { reload.yield() }
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        let page = http == nil ? nil : AuthorityPages(issuance)
        let bound = try await page?.listen(on: http)
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in signals { continuation.yield(signal == .sighup ? .reload : .stop) }
            }
            group.addTask { for await _ in reloads { await keeper.reload() } }
            group.addTask { await keeper.run() }
            group.addTask { await issuance.callers.run() }
            group.addTask { await store.run() }
            defer { group.cancelAll() }
            try await server.run(events: events) { address in
                page?.isReady = true
                listening(Listening(address: address, http: bound))
            }
        }
        await page?.close()
    }

    private func note(
        _ event: AuditRecord.Event, _ authority: CertificateAuthority, _ clock: any WallClock
    ) -> AuditRecord {
        var record = AuditRecord(event, time: clock.now.microseconds)
        record.reason = "authority of \(authority.trustDomain), signer \(authority.signerSummary.serial)"
        return record
    }
}
