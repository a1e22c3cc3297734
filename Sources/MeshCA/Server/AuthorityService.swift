package import Logging
package import MeshCore
import UnixSignals

/// An authority's folder and a callers file, served until a signal says stop.
package struct AuthorityService: Sendable {
    package var directory: AuthorityDirectory
    package var trustDomain: TrustDomain?
    package var callersFile: String
    package var lifetimes = LifetimePolicy()
    package var server = AuthorityServer.Configuration()

    package init(directory: AuthorityDirectory, callersFile: String) {
        self.directory = directory
        self.callersFile = callersFile
    }

    /// Runs until SIGTERM or SIGINT; SIGHUP reads the callers again.
    /// - Parameter listening: told the bound address, once.
    package func run(
        clock: any WallClock = SystemWallClock(), logger: Logger,
        listening: @Sendable @escaping (SocketAddress) -> Void
    ) async throws(MeshFailure) {
        let authority = try open(now: clock.seconds)
        let callers: CallerDirectory
        do {
            callers = try CallerDirectory(path: callersFile, trustDomain: authority.trustDomain, logger: logger)
        } catch {
            throw MeshFailure(.usage, doing: "read callers", reason: "\(error)")
        }
        let issuance = CertificateIssuance(authority: authority, callers: callers, clock: clock, logger: logger)
        let server = try AuthorityServer(issuance: issuance, configuration: server)
        let (events, continuation) = AsyncStream<AuthorityServer.Event>.makeStream()
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await signal in signals { continuation.yield(signal == .sighup ? .reload : .stop) }
                }
                defer { group.cancelAll() }
                try await server.run(events: events, listening: listening)
            }
        } catch let failure as MeshFailure {
            throw failure
        } catch {
            throw MeshFailure(.bug, doing: "serve certificates", reason: "\(error)")
        }
    }

    private func open(now: Int64) throws(MeshFailure) -> CertificateAuthority {
        do {
            return try directory.open(trustDomain: trustDomain, lifetimes: lifetimes, now: now)
        } catch {
            throw error.failure(doing: "open the authority")
        }
    }
}
