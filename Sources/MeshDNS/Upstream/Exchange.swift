import MeshCore
import MeshWire
import NIOCore
import NIOPosix

/// One question on its way through the upstream servers: each in turn, some rounds, until one answers.
///
/// Every try has a socket of its own, on a port that the kernel chooses at random, connected to the server, and an id of
/// its own: a forger must guess both. Isolation: one event loop.
final class Exchange {
    let question: Forwarder.Question
    private(set) var id: UInt16 = 0
    private let forwarder: Forwarder
    private let servers: [MeshCore.SocketAddress]
    private let timeout: TimeAmount
    private let deadline: NIODeadline
    private var done: ((Forwarder.Reply) -> Void)?

    /// Counts sockets, so that what an abandoned one still reports is told apart.
    private var turn = 0
    private var next = 0
    private var server: MeshCore.SocketAddress
    private var channel: (any Channel)?
    private var port: Int?
    private var timer: Scheduled<Void>?
    /// A server's word that it cannot say: handed on when no other can.
    private var refusal: (bytes: [UInt8], server: MeshCore.SocketAddress)?
    private var failure: ForwardFailure

    init(
        _ question: Forwarder.Question, _ conf: ResolvConf, _ forwarder: Forwarder,
        _ done: @escaping (Forwarder.Reply) -> Void
    ) {
        self.question = question
        self.forwarder = forwarder
        self.done = done
        servers = (0..<conf.attempts).flatMap { _ in conf.servers }
        timeout = TimeAmount(conf.timeout)
        deadline = forwarder.eventLoop.now + TimeAmount(forwarder.settings.forwardDeadline)
        server = conf.servers[0]
        failure = .timedOut(servers: conf.servers)
    }

    func begin() { tryNext() }

    func finish(_ result: Forwarder.Reply) {
        guard let done else { return }
        self.done = nil
        closeSocket()
        forwarder.ended(self)
        done(result)
    }

    private func tryNext() {
        closeSocket()
        guard next < servers.count, forwarder.eventLoop.now < deadline else {
            return finish(refusal.map { .success($0) } ?? .failure(failure))
        }
        server = servers[next]
        next += 1
        open(overTCP: false)
    }

    private func closeSocket() {
        turn += 1
        timer?.cancel()
        timer = nil
        if let port { forwarder.closed(self, port: port) }
        port = nil
        channel?.close(promise: nil)
        channel = nil
    }

    private func open(overTCP: Bool) {
        id = UInt16.random(in: .min ... .max)
        let turn = turn
        let loop = forwarder.eventLoop
        let mark = forwarder.settings.mark
        let bound = NIOLoopBound(self, eventLoop: loop)
        let prepare: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeCompletedFuture {
                // From here on the socket is ours to close, also when what follows fails.
                bound.value.channel = channel
                try channel.setMark(mark)
                try channel.pipeline.syncOperations.addHandler(
                    overTCP
                        ? UpstreamStreamHandler(bound.value, turn: turn)
                        : UpstreamDatagramHandler(bound.value, turn: turn))
            }
        }
        arm(overTCP ? TimeAmount(forwarder.settings.connectTimeout) : timeout)
        let opening: EventLoopFuture<any Channel>
        do {
            let address = try server.nio()
            opening =
                overTCP
                ? ClientBootstrap(group: loop)
                    .connectTimeout(TimeAmount(forwarder.settings.connectTimeout))
                    .channelInitializer(prepare).connect(to: address)
                : DatagramBootstrap(group: loop)
                    .channelOption(
                        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: question.payload + 1)
                    )
                    .channelInitializer(prepare).connect(to: address)
        } catch {
            opening = loop.makeFailedFuture(error)
        }
        opening.assumeIsolated().whenComplete { result in
            guard self.turn == turn else {
                if case .success(let channel) = result { channel.close(promise: nil) }
                return
            }
            switch result {
            case .failure(let error): self.failed("\(error)", turn: turn)
            case .success(let channel): self.send(on: channel, overTCP: overTCP)
            }
        }
    }

    private func send(on channel: any Channel, overTCP: Bool) {
        if let port = channel.localAddress?.port {
            self.port = port
            forwarder.opened(self, port: port)
        }
        if overTCP { arm(timeout) }
        var header = question.header
        header.id = id
        var bytes = question.bytes
        header.overwrite(&bytes)
        var buffer = channel.allocator.buffer(capacity: bytes.count + 2)
        if overTCP { buffer.writeInteger(UInt16(bytes.count)) }
        buffer.writeBytes(bytes)
        channel.writeAndFlush(buffer, promise: nil)
    }

    private func arm(_ wait: TimeAmount) {
        timer?.cancel()
        let turn = turn
        timer = forwarder.eventLoop.assumeIsolated().scheduleTask(deadline: min(deadline, .now() + wait)) {
            guard self.turn == turn else { return }
            self.failure = .timedOut(servers: self.servers)
            self.tryNext()
        }
    }

    // What a socket tells.

    func failed(_ reason: String, turn: Int) {
        guard self.turn == turn else { return }
        failure = .network(server, reason)
        tryNext()
    }

    /// Takes a reply, if it is one to this question; anything else is as if it had not come.
    func received(_ bytes: [UInt8], turn: Int, overTCP: Bool) {
        guard self.turn == turn, let (message, _) = try? DNSMessage.parseQuestions(bytes.span) else { return }
        let header = message.header
        guard header.isResponse, header.id == id, header.opcode == question.header.opcode else { return }
        switch header.code {
        case .formatError, .serverFailure, .notImplemented, .refused:
            // Servers that could not read the question cannot repeat it.
            guard message.questions.isEmpty || message.questions == [question.asked] else { return }
            refusal = (bytes, server)
            tryNext()
        default:
            guard message.questions == [question.asked] else { return }
            // The buffer has one byte more than the question allows: a reply that fills it was cut by the kernel.
            let isCut = header.isTruncated || bytes.count > question.payload
            if isCut, question.needsWhole, !overTCP {
                closeSocket()
                open(overTCP: true)
            } else {
                finish(.success((bytes, server)))
            }
        }
    }
}
