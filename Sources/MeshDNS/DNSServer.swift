import FoundationEssentials
import Glibc
package import Logging
package import MeshCore
package import MeshState
package import NIOCore
import NIOPosix

/// The DNS proxy of one workload: answers names of the mesh, and has other servers answer the rest.
///
/// All its work is done on one event loop. Its sockets are made on that loop's thread, so they are of the network
/// namespace that the thread is in.
package final class DNSServer: Sendable {
    private let settings: DNSSettings
    private let logger: Logger
    private let eventLoop: any EventLoop
    private let metrics = DNSMetrics()
    let service: NIOLoopBoundBox<DNSService?>
    private let slot: DNSStateSlot
    private let channels: NIOLoopBoundBox<(streams: [any Channel], datagrams: [any Channel])?>

    /// Nothing is opened yet.
    ///
    /// - Parameter logger: of target `dns`; decisions are told at debug.
    package init(
        _ settings: DNSSettings, slot: DNSStateSlot, logger: Logger, eventLoop: any EventLoop = DNSEventLoop.shared
    ) {
        self.settings = settings
        self.slot = slot
        self.logger = logger
        self.eventLoop = eventLoop
        service = .makeEmptyBox(eventLoop: eventLoop)
        channels = .makeEmptyBox(eventLoop: eventLoop)
    }

    /// Reads the upstream's file and binds every address.
    ///
    /// - Returns: the addresses that listen, with the ports that they got.
    /// - Throws: `.unavailable` or `.denied` when one cannot be bound, `.usage` when an upstream server is this proxy. Then
    ///   none listens.
    package func start() async throws(MeshFailure) -> [MeshCore.SocketAddress] {
        var bound: [MeshCore.SocketAddress] = []
        do {
            try await eventLoop.submit { [self] in
                service.value = DNSService(
                    settings, slot: slot, metrics: metrics, logger: logger, eventLoop: eventLoop)
                channels.value = ([], [])
            }.get()
            for address in settings.listen {
                if address.ip == .loopbackV6, try await !eventLoop.submit(Self.loopbackHasIPv6).get() {
                    logger.info(
                        "address left out", metadata: [LogKey.address: "\(address)", LogKey.reason: "lo has no IPv6"])
                    continue
                }
                bound.append(try await listen(address))
            }
            let listeners = bound
            let loop = try await eventLoop.submit { [self] in
                service.value?.source.listeners = listeners
                return service.value?.source.current.firstLoop(with: listeners)
            }.get()
            if let loop {
                throw MeshFailure(
                    .usage, doing: "start the DNS proxy on \(loop)",
                    reason:
                        "the upstream server \(loop) is the proxy itself; listen on another port, or name another server"
                )
            }
        } catch {
            await stop(graceful: false)
            throw error as? MeshFailure ?? MeshFailure(.bug, doing: "start the DNS proxy", reason: "\(error)")
        }
        return bound
    }

    /// Stops listening. Gracefully: open questions get their answers first, within the deadline of the settings.
    package func stop(graceful: Bool) async {
        try? await eventLoop.flatSubmit { [self] in
            guard let service = service.value else { return eventLoop.makeSucceededVoidFuture() }
            // New connections go to a successor at once. Its UDP socket gets new questions only when ours is closed, so
            // that one answers until the open questions are done.
            let streams = (channels.value?.streams ?? []).map { $0.close().flatMapErrorThrowing { _ in } }
            channels.value?.streams = []
            let drained = eventLoop.makePromise(of: Void.self)
            let isolated = drained.assumeIsolated()
            if graceful {
                let timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(settings.drainDeadline)) {
                    isolated.succeed(())
                }
                service.drain { isolated.succeed(()) }
                drained.futureResult.whenComplete { _ in timer.cancel() }
            } else {
                isolated.succeed(())
            }
            return drained.futureResult.flatMap { [self] in
                self.service.value?.stop()
                self.service.value?.closeConnections()
                let datagrams = (channels.value?.datagrams ?? []).map { $0.close().flatMapErrorThrowing { _ in } }
                channels.value?.datagrams = []
                self.service.value = nil
                return EventLoopFuture.andAllComplete(streams + datagrams, on: eventLoop)
            }
        }.get()
    }

    /// Questions are answered by `state` from now on.
    package func publish(_ state: DNSStateSlot.State) { slot.publish(state) }

    /// Metric families with samples as OpenMetrics text, without the closing `# EOF`.
    package func metricsText() -> String { metrics.render() }

    /// The addresses of a name as this proxy's client would get them: from the mesh, else from upstream.
    package func resolve(_ name: String, _ family: AddressFamily) async -> NameResolution {
        await withCheckedContinuation { continuation in
            resolve(name, family) { continuation.resume(returning: $0) }
        }
    }

    /// As above, for callers that must not wait.
    ///
    /// - Parameter answer: is called once, on the event loop.
    package func resolve(
        _ name: String, _ family: AddressFamily, answer: @escaping @Sendable (NameResolution) -> Void
    ) {
        eventLoop.execute { [self] in
            guard let service = service.value else {
                return answer(NameResolution(addresses: [], reason: "the DNS proxy does not run"))
            }
            service.resolve(name, family, answer)
        }
    }

    // MARK: Listeners

    /// Binds UDP and TCP to the same port.
    private func listen(_ address: MeshCore.SocketAddress) async throws(MeshFailure) -> MeshCore.SocketAddress {
        // The kernel chooses a port that another proxy of the same user has, when both would share.
        let isShared = settings.reusePort && address.port != 0
        var attemptsLeft = 16
        while true {
            let chosen = try await bind(address, "UDP") { [self] in try datagrams($0, isShared: isShared) }.get()
            switch await bind(chosen, "TCP", { [self] in try streams($0, isShared: isShared) }) {
            case .success(let bound): return bound
            case .failure(let failure):
                // A port that the kernel chose for UDP may be taken for TCP.
                attemptsLeft -= 1
                guard address.port == 0, failure.kind == .unavailable, attemptsLeft > 0 else { throw failure }
            }
        }
    }

    private func bind(
        _ address: MeshCore.SocketAddress, _ transport: String,
        _ make: @escaping @Sendable (MeshCore.SocketAddress) throws -> EventLoopFuture<any Channel>
    ) async -> Result<MeshCore.SocketAddress, MeshFailure> {
        let doing = "listen for DNS on \(transport) \(address)"
        do {
            let channel = try await eventLoop.flatSubmit { [eventLoop] in
                do { return try make(address) } catch { return eventLoop.makeFailedFuture(error) }
            }.get()
            guard let bound = MeshCore.SocketAddress(channel.localAddress) else {
                throw ChannelError.unknownLocalAddress
            }
            return .success(bound)
        } catch let error as IOError {
            let kernel = KernelError(code: error.errnoCode, operation: "bind")
            let isDenied = error.errnoCode == EPERM || error.errnoCode == EACCES
            let advice =
                isDenied
                ? "; run as root or with CAP_NET_ADMIN, or without a packet mark"
                : error.errnoCode == EADDRINUSE ? "; is another proxy running in this network namespace?" : ""
            return .failure(
                MeshFailure(isDenied ? .denied : .unavailable, doing: doing, reason: "\(kernel)\(advice)"))
        } catch {
            return .failure(MeshFailure(.unavailable, doing: doing, reason: "\(error)"))
        }
    }

    private func datagrams(
        _ address: MeshCore.SocketAddress, isShared: Bool
    ) throws -> EventLoopFuture<any Channel> {
        let nio = try address.nio()
        return DatagramBootstrap(group: eventLoop)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: DatagramListener.questionLimit)
            )
            .channelOption(.maxMessagesPerRead, value: 32)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    // Ours to close from here on, also when what follows fails.
                    channels.value?.datagrams.append(channel)
                    try prepare(channel, address, isShared: isShared)
                    guard let service = service.value else { throw ChannelError.ioOnClosedChannel }
                    try channel.pipeline.syncOperations.addHandler(DatagramListener(service))
                }
            }
            .bind(to: nio)
    }

    private func streams(
        _ address: MeshCore.SocketAddress, isShared: Bool
    ) throws -> EventLoopFuture<any Channel> {
        let nio = try address.nio()
        return ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    channels.value?.streams.append(channel)
                    try channel.set(SOL_SOCKET, SO_REUSEADDR, 1)
                    try prepare(channel, address, isShared: isShared)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let service = service.value else { throw ChannelError.ioOnClosedChannel }
                    let connection = StreamConnection(service)
                    guard service.connectionOpened(connection, from: channel.remoteAddress) else {
                        throw ChannelError.ioOnClosedChannel
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .bind(to: nio)
    }

    private func prepare(_ channel: any Channel, _ address: MeshCore.SocketAddress, isShared: Bool) throws {
        if isShared { try channel.set(SOL_SOCKET, SO_REUSEPORT, 1) }
        if !address.ip.isV4 {
            try channel.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, address.ip.isUnspecified ? 0 : 1)
        }
        try channel.setMark(settings.mark)
    }

    /// False where IPv6 is off for the loopback interface, or the kernel has none. Of the calling thread's namespace.
    @Sendable private static func loopbackHasIPv6() -> Bool {
        let path = "/proc/sys/net/ipv6/conf/lo/disable_ipv6"
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return false }
        return data.first == UInt8(ascii: "0")
    }
}

/// The thread that DNS proxies share when they are not given another.
package enum DNSEventLoop {
    /// Lives as long as the process.
    package static let shared: any EventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
}
