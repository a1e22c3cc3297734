import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
package import MeshCore
import NIOCore
import NIOSSL

/// Serves one authority on one address: gRPC over TLS, and nothing in the clear.
///
/// Deviation: a message above 4 MiB is refused by resetting its stream, where istiod answers RESOURCE_EXHAUSTED.
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
    private let logger: Logger

    /// - Throws: `.usage` for a server name that is neither DNS name nor address, `.unavailable` when the authority
    ///   cannot sign its own serving certificate.
    package init(
        issuance: CertificateIssuance, configuration: Configuration
    ) throws(MeshFailure) {
        let logger = issuance.logger
        let serving = ServingCertificate(
            authority: issuance.authority, names: try ServerName.all(configuration), clock: issuance.clock)
        do {
            _ = try serving.context()
        } catch {
            throw MeshFailure(.unavailable, doing: "make the serving certificate", reason: "\(error)")
        }
        // The transport knows client certificates only as required or absent. So it is told that there is no TLS, and
        // the handler that does it is put in front: a client certificate is optional, and each connection gets the
        // serving certificate of its day.
        let address = configuration.listen
        transport = HTTP2ServerTransport.Posix(
            address: address.ip.isV4
                ? .ipv4(host: "\(address.ip)", port: Int(address.port))
                : .ipv6(host: "\(address.ip)", port: Int(address.port)),
            transportSecurity: .plaintext,
            config: .defaults { config in
                config.http2.maxConcurrentStreams = 100
                config.connection.maxIdleTime = .seconds(600)
                // Node proxies ping idle connections every 30 s; by default that would end them.
                config.connection.keepalive.clientBehavior.allowWithoutCalls = true
                config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(10)
                config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
                    channel.eventLoop.makeCompletedFuture {
                        do {
                            let handler = NIOSSLServerHandler(context: try serving.context())
                            try channel.pipeline.syncOperations.addHandler(handler, position: .first)
                        } catch {
                            logger.error("connection refused", metadata: [LogKey.reason: "\(error)"])
                            throw error
                        }
                    }
                }
            },
            eventLoopGroup: ControlEventLoop.group)
        server = GRPCServer(transport: transport, services: [CertificateService(issuance: issuance)])
        callers = issuance.callers
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
                    try await self.server.serve()
                    return true
                }
                group.addTask {
                    try await self.announce(listening)
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
        /// Read the callers again.
        case reload
        case stop
    }

    private func announce(_ listening: (MeshCore.SocketAddress) -> Void) async throws {
        // Without an address the listener has failed, and `serve` says why.
        guard let bound = try? await transport.listeningAddress, let port = bound.ipv4?.port ?? bound.ipv6?.port else {
            throw CancellationError()
        }
        let address = MeshCore.SocketAddress(configuration.listen.ip, UInt16(truncatingIfNeeded: port))
        logger.info("listening", metadata: [LogKey.address: "\(address)"])
        listening(address)
    }

    private func follow(_ events: AsyncStream<Event>) async {
        for await event in events {
            switch event {
            case .reload: callers.reload()
            case .stop:
                logger.info("stopping")
                return
            }
        }
    }
}
