import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
package import MeshCore
import NIOCore
import NIOSSL

/// Serves one authority on one address: gRPC over TLS, and nothing in the clear.
///
/// Deviation: a message above 128 KiB is refused by resetting its stream; istiod answers RESOURCE_EXHAUSTED above 4 MiB.
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

    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let transport: HTTP2ServerTransport.Posix
    private let configuration: Configuration
    private let callers: any CallerAuthorization
    private let reloadAuthority: @Sendable () -> Void
    private let logger: Logger

    /// - Parameter reloadAuthority: called when a signal asks for it.
    /// - Throws: `.usage` for a server name that is neither DNS name nor address, `.unavailable` when the authority
    ///   cannot sign its own serving certificate.
    package init(
        issuance: CertificateIssuance, configuration: Configuration,
        reloadAuthority: @Sendable @escaping () -> Void = {}
    ) throws(MeshFailure) {
        let logger = issuance.logger
        let serving = ServingCertificate(
            slot: issuance.slot, names: try ServerName.all(configuration), clock: issuance.clock)
        do {
            _ = try serving.context()
        } catch {
            throw MeshFailure(.unavailable, doing: "make the serving certificate", reason: "\(error)")
        }
        // The transport knows client certificates only as required or absent. So it is told that there is no TLS, and
        // the handler that does it is put in front: a client certificate is optional, and each connection gets the
        // serving certificate of its day.
        let address = configuration.listen
        let connections = ConnectionCount(limit: issuance.admission.limits.connections)
        transport = HTTP2ServerTransport.Posix(
            address: address.ip.isV4
                ? .ipv4(host: "\(address.ip)", port: Int(address.port))
                : .ipv6(host: "\(address.ip)", port: Int(address.port)),
            transportSecurity: .plaintext,
            config: .defaults { config in
                config.http2.maxConcurrentStreams = 100
                // A signing request has at most 64 KiB. What is not whole yet is kept in memory.
                config.http2.targetWindowSize = 65535
                config.rpc.maxRequestPayloadSize = 128 << 10
                config.connection.maxIdleTime = .seconds(600)
                // Node proxies ping idle connections every 30 s; by default that would end them.
                config.connection.keepalive.clientBehavior.allowWithoutCalls = true
                config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(10)
                config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
                    channel.eventLoop.makeCompletedFuture {
                        do {
                            guard connections.admits(channel) else { throw ConnectionsExhausted() }
                            let handler = NIOSSLServerHandler(context: try serving.context())
                            try channel.pipeline.syncOperations.addHandler(handler, position: .first)
                            try channel.pipeline.syncOperations.addHandler(
                                HandshakeDeadline(), position: .after(handler))
                        } catch {
                            logger.error("connection refused", metadata: [LogKey.reason: "\(error)"])
                            throw error
                        }
                    }
                }
            },
            eventLoopGroup: ControlEventLoop.calls)
        server = GRPCServer(transport: transport, services: [CertificateService(issuance: issuance)])
        callers = issuance.callers
        self.reloadAuthority = reloadAuthority
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs until `stop` ends or its task is cancelled, then lets open calls finish.
    /// - Parameters:
    ///   - listening: told the bound address, once.
    ///   - events: what happens from outside; its end means stop.
    /// - Throws: `.unavailable` when the address cannot be bound.
    package func run(
        events: AsyncStream<Event>, listening: @Sendable @escaping (MeshCore.SocketAddress) -> Void
    ) async throws(MeshFailure) {
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await withTaskExecutorPreference(LoopTaskExecutor(ControlEventLoop.calls)) {
                        try await self.server.serve()
                    }
                    return true
                }
                group.addTask {
                    guard await self.announce(listening) else {
                        // The listener has failed. `serve` ends with the reason, which must be the first to end.
                        try await Task.sleep(for: self.configuration.drainDeadline)
                        throw CancellationError()
                    }
                    await self.follow(events)
                    self.server.beginGracefulShutdown()
                    try await Task.sleep(for: self.configuration.drainDeadline)
                    return false
                }
                // Whichever ends first: the server once everything is finished, or the patience with it.
                if try await group.next() == false { self.logger.warning("stopped with open connections") }
                group.cancelAll()
            }
        } catch is CancellationError {
            return
        } catch {
            let cause = (error as? RuntimeError)?.cause ?? error
            throw MeshFailure(.unavailable, doing: "serve on \(configuration.listen)", reason: "\(cause)")
        }
    }

    package enum Event: Sendable {
        /// Read callers and authority again.
        case reload
        case stop
    }

    /// Whether there is a listener, whose address is told.
    private func announce(_ listening: (MeshCore.SocketAddress) -> Void) async -> Bool {
        guard let bound = try? await transport.listeningAddress, let port = bound.ipv4?.port ?? bound.ipv6?.port else {
            return false
        }
        let address = MeshCore.SocketAddress(configuration.listen.ip, UInt16(truncatingIfNeeded: port))
        logger.info("listening", metadata: [LogKey.address: "\(address)"])
        listening(address)
        return true
    }

    private func reload() {
        callers.reload()
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
