import Logging
import MeshCore
import MeshState
import MeshWire
import NIOCore
import NIOPosix
import Synchronization

@testable import MeshDNS

typealias Address = MeshCore.SocketAddress

let testLoop: any EventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()

struct TimedOut: Error {}

extension EventLoopFuture where Value: Sendable {
    /// The value, or an error after five seconds: a test that hangs says nothing.
    func soon() async throws -> Value {
        let promise = eventLoop.makePromise(of: Value.self)
        let timer = eventLoop.scheduleTask(in: .seconds(5)) { promise.fail(TimedOut()) }
        whenComplete { result in
            timer.cancel()
            promise.completeWith(result)
        }
        return try await promise.futureResult.get()
    }
}

/// An upstream server that answers as it is told, over UDP and TCP, and keeps what it was asked.
final class TestUpstream: Sendable {
    typealias Behaviour = @Sendable (_ query: [UInt8], _ overTCP: Bool) -> [[UInt8]]
    let address: Address
    private let asked: Mutex<[[UInt8]]>
    private let channels: [any Channel]

    static func start(_ behaviour: @escaping Behaviour) async throws -> TestUpstream {
        for _ in 0..<16 {
            let asked = Recorder()
            let udp = try await DatagramBootstrap(group: testLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            Datagrams { bytes in
                                asked.add(bytes)
                                return behaviour(bytes, false)
                            })
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let tcp = try? await ServerBootstrap(group: testLoop)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            Streams { bytes in
                                asked.add(bytes)
                                return behaviour(bytes, true)
                            })
                    }
                }
                .bind(host: "127.0.0.1", port: udp.localAddress?.port ?? 0).get()
            if let tcp, let address = Address(tcp.localAddress) {
                return TestUpstream(address, asked, [udp, tcp])
            }
            try await udp.close()
        }
        throw TimedOut()
    }

    private let recorder: Recorder
    private init(_ address: Address, _ recorder: Recorder, _ channels: [any Channel]) {
        self.address = address
        self.recorder = recorder
        self.channels = channels
        asked = Mutex([])
    }

    var queries: [[UInt8]] { recorder.all }
    func stop() async { for channel in channels { try? await channel.close() } }

    final class Recorder: Sendable {
        private let list = Mutex<[[UInt8]]>([])
        func add(_ bytes: [UInt8]) { list.withLock { $0.append(bytes) } }
        var all: [[UInt8]] { list.withLock { $0 } }
    }

    private final class Datagrams: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>
        let answer: ([UInt8]) -> [[UInt8]]
        init(_ answer: @escaping ([UInt8]) -> [[UInt8]]) { self.answer = answer }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            for reply in answer(Array(envelope.data.readableBytesView)) {
                context.writeAndFlush(
                    wrapOutboundOut(
                        AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: reply))),
                    promise: nil)
            }
        }
    }

    private final class Streams: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let answer: ([UInt8]) -> [[UInt8]]
        var frames = DNSFrames()
        init(_ answer: @escaping ([UInt8]) -> [[UInt8]]) { self.answer = answer }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            frames.append(unwrapInboundIn(data))
            while let query = frames.next() {
                for reply in answer(query) { context.writeAndFlush(wrapOutboundOut(framed(reply)), promise: nil) }
            }
        }
    }
}

func framed(_ bytes: [UInt8]) -> ByteBuffer {
    var buffer = ByteBuffer(integer: UInt16(bytes.count))
    buffer.writeBytes(bytes)
    return buffer
}

/// An address that was free a moment ago.
func freeAddress() async throws -> Address {
    let probe = try await TestUpstream.start { _, _ in [] }
    await probe.stop()
    return probe.address
}

/// A client's socket.
final class TestClient: Sendable {
    let channel: any Channel
    private let replies: NIOLoopBoundBox<Inbox>

    /// Replies that wait, and who waits for one.
    final class Inbox {
        var arrived: [[UInt8]] = []
        var waiting: [EventLoopPromise<[UInt8]>] = []
        var isClosed = false
        func add(_ bytes: [UInt8]) { waiting.isEmpty ? arrived.append(bytes) : waiting.removeFirst().succeed(bytes) }
        func close() {
            isClosed = true
            for promise in waiting { promise.fail(ChannelError.eof) }
            waiting = []
        }
    }

    static func connect(_ address: Address, tcp: Bool = false) async throws -> TestClient {
        let box = NIOLoopBoundBox<Inbox>.makeBoxSendingValue(Inbox(), eventLoop: testLoop)
        let nio = try address.nio()
        let prepare: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(tcp ? Stream(box.value) : Datagram(box.value))
            }
        }
        let channel =
            tcp
            ? try await ClientBootstrap(group: testLoop).channelOption(.allowRemoteHalfClosure, value: true)
                .channelInitializer(prepare).connect(to: nio).get()
            : try await DatagramBootstrap(group: testLoop)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65536))
                .channelInitializer(prepare).connect(to: nio).get()
        return TestClient(channel, box)
    }

    private init(_ channel: any Channel, _ replies: NIOLoopBoundBox<Inbox>) {
        self.channel = channel
        self.replies = replies
    }

    func send(_ buffer: ByteBuffer) async throws { try await channel.writeAndFlush(buffer) }

    /// The next reply; fails with `ChannelError.eof` when the connection ends before.
    func reply() async throws -> [UInt8] {
        let box = replies
        return try await testLoop.flatSubmit {
            let inbox = box.value
            if !inbox.arrived.isEmpty { return testLoop.makeSucceededFuture(inbox.arrived.removeFirst()) }
            if inbox.isClosed { return testLoop.makeFailedFuture(ChannelError.eof) }
            let promise = testLoop.makePromise(of: [UInt8].self)
            inbox.waiting.append(promise)
            return promise.futureResult
        }.soon()
    }

    private final class Datagram: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        let inbox: Inbox
        init(_ inbox: Inbox) { self.inbox = inbox }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            inbox.add(Array(unwrapInboundIn(data).data.readableBytesView))
        }
        func channelInactive(context: ChannelHandlerContext) { inbox.close() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {}
    }

    private final class Stream: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let inbox: Inbox
        var frames = DNSFrames()
        init(_ inbox: Inbox) { self.inbox = inbox }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            frames.append(unwrapInboundIn(data))
            while let bytes = frames.next() { inbox.add(bytes) }
        }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .some(.inputClosed) = event as? ChannelEvent { inbox.close() }
        }
        func channelInactive(context: ChannelHandlerContext) { inbox.close() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { inbox.close() }
    }
}

/// Sends one question and gives the reply.
func ask(_ query: [UInt8], _ address: Address, tcp: Bool = false) async throws -> [UInt8] {
    let client = try await TestClient.connect(address, tcp: tcp)
    try await client.send(tcp ? framed(query) : ByteBuffer(bytes: query))
    let reply = try await client.reply()
    client.channel.close(promise: nil)
    return reply
}

func parse(_ bytes: [UInt8]) throws -> DNSMessage { try DNSMessage.parse(bytes.span) }

func query(_ name: String, _ type: DNSRecordType = .a, id: UInt16 = 0x1234, edns: EDNS? = nil) -> [UInt8] {
    DNSMessage.query(id: id, DNSQuestion(name: DNSName(name) ?? .root, type: type), edns: edns).encoded()
}

/// A reply with that code and those addresses.
func reply(to query: [UInt8], _ code: DNSResponseCode = .noError, _ addresses: [String] = []) -> [UInt8] {
    guard var message = try? parse(query) else { return [] }
    message.header = message.header.reply(code)
    message.header.isAuthoritative = true
    message.answers = addresses.compactMap { IPAddress($0) }.map {
        DNSRecord(name: message.questions[0].name, timeToLive: 60, content: $0.isV4 ? .a($0) : .aaaa($0))
    }
    return message.encoded()
}

/// A mesh with a few services, seen by a client of namespace `ns1`.
func testState(client: Bool = true) -> DNSStateSlot.State {
    func service(_ key: String, _ vips: String...) -> MeshChange {
        var fields = Service.Fields()
        guard let key = NamespacedHostname(key) else { return .removeAddress("") }
        (fields.namespace, fields.hostname, fields.name) = (key.namespace, key.hostname, key.hostname)
        fields.vips = vips.compactMap { NetworkAddress("/\($0)") }
        return .service(Service(fields))
    }
    var changes = [
        service("ns1/web.ns1.svc.cluster.local", "9.9.9.9"), service("ns1/www.example.com", "2.2.2.2"),
        service("ns1/many.ns1.svc.cluster.local"),
    ]
    for index in 0..<256 {
        var fields = Workload.Fields()
        fields.uid = "many-\(index)"
        fields.addresses = [IPAddress(v4: 0xf000_0000 + UInt32(index))]
        fields.services = [NamespacedHostname(namespace: "ns1", hostname: "many.ns1.svc.cluster.local"): [80: 80]]
        changes.append(.workload(Workload(fields)))
    }
    var store = MeshStore()
    _ = store.apply(changes)
    var own = Workload.Fields()
    own.namespace = "ns1"
    own.canonicalName = "app"
    own.canonicalRevision = "v1"
    return DNSStateSlot.State(snapshot: store.snapshot, client: client ? Workload(own) : nil)
}

/// Starts a proxy before those servers, hands it over with its address, and stops it.
func withProxy(
    upstream: [Address] = [], _ change: (inout DNSSettings) -> Void = { _ in },
    state: DNSStateSlot.State = testState(), logger: Logger = Logger(label: "dns") { _ in SwiftLogNoOpLogHandler() },
    _ body: (DNSServer, Address) async throws -> Void
) async throws {
    var settings = DNSSettings()
    settings.listen = [Address(.loopbackV4, 0)]
    var conf = ResolvConf()
    conf.servers = upstream
    conf.timeout = .milliseconds(300)
    settings.upstream = .fixed(conf)
    settings.searchDomains = .kubernetes
    change(&settings)
    let server = DNSServer(settings, slot: DNSStateSlot(state), logger: logger, eventLoop: testLoop)
    let bound = try await server.start()
    do {
        try await body(server, bound[0])
    } catch {
        await server.stop(graceful: false)
        throw error
    }
    await server.stop(graceful: false)
}

/// Why a proxy does not start; `nil` when it does.
func startFailure(_ server: DNSServer) async -> MeshFailure? {
    do throws(MeshFailure) {
        _ = try await server.start()
        return nil
    } catch {
        return error
    }
}
