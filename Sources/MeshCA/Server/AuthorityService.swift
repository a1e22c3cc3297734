package import Logging
package import MeshCore
import UnixSignals

/// An authority's folder and those who may ask it, served until a signal says stop.
package struct AuthorityService: Sendable {
    /// Makes what decides who may ask an authority of this trust domain.
    package typealias Authorization =
        @Sendable (TrustDomain, Logger) throws(MeshFailure) -> any CallerAuthorization

    package var directory: AuthorityDirectory
    package var trustDomain: TrustDomain?
    private let authorization: Authorization
    package var lifetimes = LifetimePolicy()
    package var server = AuthorityServer.Configuration()

    package init(directory: AuthorityDirectory, authorization: @escaping Authorization) {
        self.directory = directory
        self.authorization = authorization
    }

    package init(directory: AuthorityDirectory, callersFile: String) {
        self.init(directory: directory) { trustDomain, logger throws(MeshFailure) in
            do {
                return try CallerDirectory(path: callersFile, trustDomain: trustDomain, logger: logger)
            } catch {
                throw MeshFailure(.usage, doing: "read callers", reason: "\(error)")
            }
        }
    }

    /// Runs until SIGTERM or SIGINT; SIGHUP asks the authorization to reload.
    /// - Parameter listening: told the bound address, once.
    package func run(
        clock: any WallClock = SystemWallClock(), logger: Logger,
        listening: @Sendable @escaping (SocketAddress) -> Void
    ) async throws(MeshFailure) {
        let authority = try open(now: clock.seconds)
        let callers = try authorization(authority.trustDomain, logger)
        let issuance = CertificateIssuance(authority: authority, callers: callers, clock: clock, logger: logger)
        let server = try AuthorityServer(issuance: issuance, configuration: server)
        let (events, continuation) = AsyncStream<AuthorityServer.Event>.makeStream()
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await signal in signals { continuation.yield(signal == .sighup ? .reload : .stop) }
                }
                group.addTask { await callers.run() }
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
