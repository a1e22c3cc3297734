import Foundation
import Glibc
import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import MeshTLS
import Testing

@testable import MeshProxy

/// One reactor that talks HBONE with itself over loopback: the test's thread turns it, and other threads are the
/// applications at both ends.
final class LoopbackMesh {
    let reactor: Reactor
    let workload: Workload
    /// Turns that the tests have waited for.
    private(set) var turns = 0
    private let sink: LogSink
    let hbone: SocketAddress

    /// - Parameter network: of the records, and of the node unless `configure` names another.
    init(
        policies: [AuthorizationPolicy] = [], network: String = "", log: Int32 = 2, tls: TLSOptions = TLSOptions(),
        lane: Lane = .requests(bulk: nil), configure: (inout ProxyConfig) -> Void = { _ in }
    ) throws {
        let state = try Self.state(policy: PolicyEngine(policies), network: network, tls: tls)
        workload = state.own
        var config = ProxyConfig()
        config.accessLog.threshold = .off
        config.originalSource = .never
        config.network = network
        configure(&config)
        sink = try LogSink(descriptor: log)
        let listening = try TCPSocket.listen(
            SocketAddress(.loopbackV4, 0), reusePort: false, transparent: false, options: SocketOptions())
        hbone = try #require(TCPSocket.localAddress(listening.descriptor))
        reactor = try Reactor(
            config: config, state: state, mailbox: Mailbox(), metrics: TrafficMetrics(), sink: sink,
            listeners: [Listener(.inbound, descriptor: listening.descriptor, address: hbone)], transparent: false,
            lane: lane)
    }

    /// Acts for the workload shop/cart, which lives at 127.0.0.1.
    static func state(policies: [AuthorizationPolicy] = []) throws -> ProxyState {
        try state(policy: PolicyEngine(policies))
    }

    static func state(
        policy: PolicyEngine, network: String = "", tls: TLSOptions = TLSOptions()
    ) throws -> ProxyState {
        var fields = Workload.Fields()
        fields.uid = "cart"
        fields.name = "cart"
        fields.namespace = "shop"
        fields.serviceAccount = "cart"
        fields.trustDomain = "cluster.local"
        fields.addresses = [.loopbackV4]
        fields.network = network
        fields.tunnelProtocol = .hbone
        let workload = Workload(fields)
        var store = MeshStore()
        _ = store.apply([.workload(workload)])
        let pki = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fixtures/pki")
        func read(_ name: String) throws -> String {
            try String(contentsOf: pki.appending(path: name), encoding: .utf8)
        }
        let credential = try TLSCredential(
            CredentialPEM(
                certificateChain: read("cart.pem"), privateKey: read("cart.key.pem"), trustBundle: read("root.pem")),
            options: tls)
        return ProxyState(
            snapshot: store.snapshot, own: workload, policy: policy,
            credential: .available(credential), baggage: "")
    }

    /// Writes the last lines of the log; none follow.
    func endLog() { sink.close() }

    deinit { sink.close() }

    /// The same workload and certificate under other policies.
    func publish(policies: [AuthorizationPolicy], isOwnKnown: Bool = true) {
        publish(PolicyEngine(policies), isOwnKnown: isOwnKnown)
    }

    func publish(_ policy: PolicyEngine, isOwnKnown: Bool = true) {
        let now = reactor.state
        reactor.mailbox.post(
            .publish(
                ProxyState(
                    snapshot: now.snapshot, own: now.own, isOwnKnown: isOwnKnown, policy: policy,
                    credential: now.credential, baggage: "")))
    }

    /// Connections that were closed with a flag, inbound ones only.
    func closedInbound(_ flag: ResponseFlag) -> UInt64 {
        reactor.metrics.snapshot().filter { $0.reporter == .destination }.reduce(0) { $0 + $1.closed(flag) }
    }

    /// Opens a tunnelled connection to `application`; the client's end of it is returned, blocking.
    ///
    /// - Parameter hop: where the tunnel goes instead of to the reactor's own listener.
    func connect(
        to application: SocketAddress, expecting: [SPIFFEID]? = nil, by hop: SocketAddress? = nil
    ) throws -> Int32 {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        let record = ConnectionRecord(
            .outbound, source: SocketAddress(.loopbackV4, 1), destination: application, start: reactor.now)
        let identity = try #require(workload.identity)
        reactor.tunnel(
            ends[0], SocketAddress(.loopbackV4, 1),
            HBONERoute(
                nextHop: hop ?? hbone, authority: application.description, expectedIdentities: expecting ?? [identity],
                destinationWorkload: workload, service: nil, actual: application, reason: .workload), record)
        return ends[1]
    }

    /// Turns the reactor until `done`, at most a minute: hundreds of other tests may want the cores.
    func turn(until done: () -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        // An alarm keeps a turn from sleeping past the deadline.
        while !done() {
            try #require(ContinuousClock.now < deadline, "the reactor did not come to the expected state")
            reactor.timers.set(.settle, 0, after: 50_000_000, now: reactor.now)
            reactor.turn()
            turns += 1
        }
    }

    /// Turns the reactor `count` times, for what is to happen, or not to, in a while.
    func turn(times count: Int) throws {
        var left = count
        try turn {
            defer { left -= 1 }
            return left == 0
        }
    }
}

/// Other tests start programs, which must not keep a descriptor of ours open.
func keepFromPrograms(_ descriptors: Int32...) {
    for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
}

/// A blocking TCP listener on loopback: the application behind the tunnel.
struct Application {
    let descriptor: Int32
    let address: SocketAddress

    init() throws {
        let listening = try TCPSocket.listen(
            SocketAddress(.loopbackV4, 0), reusePort: false, transparent: false, options: SocketOptions())
        descriptor = listening.descriptor
        address = try #require(TCPSocket.localAddress(descriptor))
        _ = fcntl(descriptor, F_SETFL, 0)
    }

    /// Takes `count` connections on a thread of its own, one after the other, and runs `body` with each.
    func serve(_ count: Int = 1, _ body: @escaping @Sendable (Int32) -> Void) throws -> KernelThread {
        let listener = descriptor
        return try KernelThread.start("application") {
            for _ in 0..<count {
                let connection = accept(listener, nil, nil)
                keepFromPrograms(connection)
                body(connection)
                close(connection)
            }
            close(listener)
        }
    }
}
