import Foundation
import Glibc
import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import MeshTLS
import MeshWire
import Synchronization
import Testing

@testable import MeshProxy

/// A data plane on threads of its own, on loopback, with its log in a pipe. Applications reach it through SOCKS5, so
/// that they can ask for any address of the mesh without redirection.
final class ProxyNode {
    let plane: DataPlane
    private let state: ProxyState
    private let sink: LogSink
    private let logReader: Int32
    private let logWriter: Int32
    private var logText: [UInt8] = []
    private(set) var seen: [String] = []

    /// - Parameter certificate: a name of Tests/Fixtures/pki.
    init(
        _ certificate: String, own: Workload, _ changes: [MeshChange], policies: [AuthorizationPolicy] = [],
        resolvers: Resolvers = Resolvers(), configure: (inout ProxyConfig) -> Void = { _ in }
    ) throws {
        var store = MeshStore()
        _ = store.apply([.workload(own)] + changes)
        let pki = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fixtures/pki")
        func read(_ name: String) throws -> String {
            try String(contentsOf: pki.appending(path: name), encoding: .utf8)
        }
        let credential = try TLSCredential(
            CredentialPEM(
                certificateChain: read("\(certificate).pem"), privateKey: read("\(certificate).key.pem"),
                trustBundle: read("root.pem")))
        state = ProxyState(
            snapshot: store.snapshot, own: own, policy: PolicyEngine(policies), credential: .available(credential),
            baggage: Baggage(own).headerValue)
        var config = ProxyConfig()
        config.threads = 1
        config.accessLog.threshold = .debug
        config.originalSource = .never
        config.inbound = SocketAddress(.loopbackV4, 0)
        config.socks5 = SocketAddress(.loopbackV4, 0)
        config.drainDeadline = 60
        configure(&config)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        keepFromPrograms(ends[0], ends[1])
        (logReader, logWriter) = (ends[0], ends[1])
        sink = try LogSink(descriptor: logWriter)
        plane = try DataPlane(config: config, state: state, sink: sink, resolvers: resolvers)
    }

    deinit {
        plane.stop()
        plane.join()
        sink.close()
        close(logWriter)
        close(logReader)
    }

    /// Publishes the state again, without a record of our own workload.
    func loseOwnRecord() { publish(state.policy, isOwnKnown: false) }

    func publish(policies: [AuthorizationPolicy]) { publish(PolicyEngine(policies), isOwnKnown: true) }

    private func publish(_ policy: PolicyEngine, isOwnKnown: Bool) {
        plane.publish(
            ProxyState(
                snapshot: state.snapshot, own: state.own, isOwnKnown: isOwnKnown, policy: policy,
                credential: state.credential, baggage: ""))
    }

    /// Every tunnel. Asked for without the threads of tasks, which other tests may keep for long.
    var tunnels: [TunnelInfo] {
        plane.mailboxes.flatMap { mailbox in
            let answer = Answer()
            guard mailbox.post(.tunnels { answer.give($0) }) else { return [TunnelInfo]() }
            return answer.take()
        }
    }

    private final class Answer: Sendable {
        private let tunnels = Mutex<[TunnelInfo]>([])
        private let given = DispatchSemaphore(value: 0)

        func give(_ answer: [TunnelInfo]) {
            tunnels.withLock { $0 = answer }
            given.signal()
        }

        func take() -> [TunnelInfo] {
            given.wait()
            return tunnels.withLock { $0 }
        }
    }

    func address(_ role: Listener.Role) throws -> SocketAddress { try #require(plane.boundAddresses[role.rawValue]) }

    /// A blocking connection to one of the listeners.
    func connect(_ role: Listener.Role) throws -> Client { try Client(address(role)) }

    /// An application's connection to `destination`, through SOCKS5; its answer was read.
    func open(_ destination: SocketAddress) throws -> Client {
        let client = try connect(.socks5)
        let type: UInt8 = destination.ip.isV4 ? 1 : 4
        client.send(
            [5, 1, 0, 5, 1, 0, type] + destination.ip.bytes
                + [UInt8(destination.port >> 8), UInt8(destination.port & 255)])
        #expect(client.receive(2) == SOCKS5Reply.noAuthentication)
        #expect(client.receive(10) == SOCKS5Reply.accepted)
        return client
    }

    /// The next line of the log that contains all of these; lines before it are kept in `seen`.
    func line(_ words: String...) throws -> String {
        while true {
            while let end = logText.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: logText[..<end], as: UTF8.self)
                logText.removeSubrange(...end)
                seen.append(line)
                if words.allSatisfy({ line.contains($0) }) { return line }
            }
            var poll = pollfd(fd: logReader, events: Int16(POLLIN), revents: 0)
            try #require(Glibc.poll(&poll, 1, 10_000) == 1, "no line with \(words) after \(seen)")
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(logReader, &buffer, buffer.count)
            try #require(count > 0)
            logText += buffer[..<count]
        }
    }

    /// The sum of a metric's series whose labels contain all of these.
    func metric(_ name: String, _ labels: String...) -> Int {
        plane.metricsText().split(separator: "\n")
            .filter { line in line.hasPrefix(name + "{") && labels.allSatisfy { line.contains($0) } }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }
}

/// An application's blocking socket, which waits at most ten seconds for anything.
final class Client: Sendable {
    let descriptor: Int32

    init(_ address: SocketAddress) throws {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        try #require(fd >= 0)
        descriptor = fd
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var to = sockaddr_in()
        to.sin_family = sa_family_t(AF_INET)
        to.sin_port = address.port.bigEndian
        to.sin_addr.s_addr = address.ip.v4.bigEndian
        let connected = withUnsafePointer(to: &to) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// `count` bytes, or fewer when the connection ends before.
    func receive(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let length = bytes[got...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard length > 0 else { break }
            got += length
        }
        return Array(bytes[..<got])
    }

    /// Everything until the end.
    func receiveAll() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let more = receive(1 << 16)
            all += more
            if more.count < 1 << 16 { return all }
        }
    }

    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// 0 for an orderly end, else the error.
    func end() -> Int32 {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) < 0 ? errno : 0
    }
}

/// An application that sends back what it gets, connection by connection, until `stop`.
final class Echo: Sendable {
    let address: SocketAddress
    private let descriptor: Int32
    private let thread: KernelThread

    init(on ip: IPAddress = .loopbackV4) throws {
        let made = try TCPSocket.listen(
            SocketAddress(ip, 0), reusePort: false, transparent: false, options: SocketOptions())
        let listener = made.descriptor
        descriptor = listener
        address = try #require(TCPSocket.localAddress(listener))
        _ = fcntl(listener, F_SETFL, 0)
        thread = try KernelThread.start("echo") {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                keepFromPrograms(connection)
                // A thread each, or one that stays open would stop the next.
                let served = try? KernelThread.start("echo") {
                    var buffer = [UInt8](repeating: 0, count: 1 << 16)
                    while true {
                        let count = read(connection, &buffer, buffer.count)
                        guard count > 0 else { break }
                        var sent = 0
                        while sent < count {
                            let wrote = buffer[sent..<count].withUnsafeBytes {
                                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                            }
                            guard wrote > 0 else { break }
                            sent += wrote
                        }
                        if sent < count { break }
                    }
                    close(connection)
                }
                served?.detach()
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        thread.join()
        close(descriptor)
    }
}

extension Workload {
    /// A workload of a test certificate: `namespace/account`, on 127.0.0.1 unless told otherwise.
    static func peer(
        _ name: String, _ namespace: String, _ account: String, _ change: (inout Fields) -> Void = { _ in }
    ) -> Workload {
        var fields = Fields()
        fields.uid = name
        fields.name = name
        fields.namespace = namespace
        fields.serviceAccount = account
        fields.trustDomain = "cluster.local"
        fields.addresses = [.loopbackV4]
        fields.tunnelProtocol = .hbone
        fields.workloadName = "\(name)-deployment"
        fields.canonicalName = "\(name)-app"
        change(&fields)
        return Workload(fields)
    }
}

extension Service {
    /// A service of namespace "shop".
    static func at(
        _ vip: SocketAddress, hostname: String, target: UInt16, endpoints: [String] = [],
        _ change: (inout Fields) -> Void = { _ in }
    ) -> Service {
        var fields = Fields()
        fields.name = hostname
        fields.namespace = "shop"
        fields.hostname = hostname
        fields.vips = [NetworkAddress(network: "", ip: vip.ip)]
        fields.ports = [vip.port: target]
        for uid in endpoints { fields.endpoints[uid] = Endpoint(workloadUID: uid, ports: [:], status: .healthy) }
        change(&fields)
        return Service(fields)
    }
}
