import Logging
package import MeshCore
import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// Serves one authority on one address: gRPC over TLS, and nothing in the clear.
///
/// Deviation: a message above 128 KiB is answered RESOURCE_EXHAUSTED; istiod's limit is 4 MiB.
package final class AuthorityServer: Sendable {
    package struct Configuration: Sendable {
        /// Port 0 takes any free one.
        package var listen = MeshCore.SocketAddress(.loopbackV4, 15012)
        /// DNS names or addresses of the serving certificate, besides localhost, the loopback addresses and `listen`.
        package var serverNames: [String] = []
        /// How long open connections may finish after a stop was asked for.
        package var drainDeadline: Duration = .seconds(10)

        package init() {}
    }

    private let issuance: CertificateIssuance
    private let serving: ServingCertificate
    private let connections: OpenConnections
    private let configuration: Configuration
    private let reloadAuthority: @Sendable () -> Void
    private let logger: Logger

    /// - Parameter reloadAuthority: called when a signal asks for it.
    /// - Throws: `.usage` for a server name that is neither DNS name nor address, `.unavailable` when the authority
    ///   cannot sign its own serving certificate.
    package init(
        issuance: CertificateIssuance, configuration: Configuration,
        reloadAuthority: @Sendable @escaping () -> Void = {}
    ) throws(MeshFailure) {
        serving = ServingCertificate(
            slot: issuance.slot, names: try ServerName.all(configuration), clock: issuance.clock)
        do {
            _ = try serving.context()
        } catch {
            throw MeshFailure(.unavailable, doing: "make the serving certificate", reason: "\(error)")
        }
        connections = OpenConnections(limit: issuance.admission.limits.connections)
        self.issuance = issuance
        self.reloadAuthority = reloadAuthority
        self.configuration = configuration
        logger = issuance.logger
    }

    /// Runs until `stop` comes, `events` end or its task is cancelled, then lets open calls finish.
    /// - Parameters:
    ///   - listening: told the bound address, once.
    ///   - events: what happens from outside; its end means stop.
    /// - Throws: `.unavailable` when the address cannot be bound, or is lost.
    package func run(
        events: AsyncStream<Event>, listening: @Sendable @escaping (MeshCore.SocketAddress) -> Void
    ) async throws(MeshFailure) {
        let listener: any Channel
        do {
            listener = try await bind()
        } catch {
            throw MeshFailure(.unavailable, doing: "serve on \(configuration.listen)", reason: "\(error)")
        }
        let port = listener.localAddress?.port.map { UInt16(truncatingIfNeeded: $0) } ?? configuration.listen.port
        let address = MeshCore.SocketAddress(configuration.listen.ip, port)
        logger.info("listening", metadata: [LogKey.address: "\(address)"])
        listening(address)
        let wasAsked = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.follow(events)
                return true
            }
            group.addTask {
                try? await listener.closeFuture.get()
                return false
            }
            let first = await group.next()
            listener.close(promise: nil)
            group.cancelAll()
            return first == true
        }
        await finishCalls()
        if !wasAsked {
            throw MeshFailure(
                .unavailable, doing: "serve on \(configuration.listen)", reason: "its listener has closed")
        }
    }

    private func bind() async throws -> any Channel {
        let address = configuration.listen
        return try await ServerBootstrap(group: ControlEventLoop.calls)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.open(channel) }
            }
            .bind(host: "\(address.ip)", port: Int(address.port)).get()
    }

    /// Makes an accepted connection one of calls, with the serving certificate of its day.
    private func open(_ channel: any Channel) throws {
        do {
            guard connections.admits(channel) else { throw ConnectionsExhausted() }
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(NIOSSLServerHandler(context: try serving.context()))
            try pipeline.addHandler(HandshakeDeadline())
            try pipeline.addHandler(
                NIOHTTP2Handler(mode: .server, connectionConfiguration: CallConnection.configuration))
            try pipeline.addHandler(CallConnection(issuance, channel.eventLoop))
        } catch {
            logger.error("connection refused", metadata: [LogKey.reason: "\(error)"])
            throw error
        }
    }

    private func finishCalls() async {
        connections.drain()
        // Not a child: who cancels this has the open calls finished too.
        let patience = Task { try? await Task.sleep(for: configuration.drainDeadline) }
        defer { patience.cancel() }
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.connections.allClosed()
                return true
            }
            group.addTask {
                _ = await patience.value
                return false
            }
            if await group.next() == false {
                logger.warning("stopped with open connections", metadata: [LogKey.count: "\(connections.count)"])
                connections.cut()
            }
            patience.cancel()
        }
    }

    package enum Event: Sendable {
        /// Read callers and authority again.
        case reload
        case stop
    }

    private func reload() {
        issuance.callers.reload()
        reloadAuthority()
    }

    private func follow(_ events: AsyncStream<Event>) async {
        for await event in events {
            switch event {
            case .reload: reload()
            case .stop:
                logger.info("stopping")
                return
            }
        }
    }
}

/// As many connections are open as there may be.
private struct ConnectionsExhausted: Error, CustomStringConvertible {
    var description: String { "as many connections are open as there may be" }
}
