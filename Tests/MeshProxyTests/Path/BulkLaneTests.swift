import Foundation
import Glibc
import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import Testing

@testable import MeshProxy

/// Two data planes, one thread for requests and one for bulk each.
@Suite("A tunnel with bulk beside small requests", .serialized)
struct BulkLaneTests {
    private static let piece = [UInt8]((0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
    private let echo: Echo
    private let server: ProxyNode
    private let client: ProxyNode

    /// - Parameter heavy: bytes in a quarter of a second for which a tunnel moves. So few that it does even where hundreds
    ///   of other tests want the cores; it then counts as small itself.
    init() throws { try self.init(heavy: 64 << 10) }

    private init(heavy: Int, configure: (inout ProxyConfig) -> Void = { _ in }) throws {
        let echo = try Echo()
        self.echo = echo
        server = try ProxyNode("cart", own: .peer("way", "shop", "cart"), []) {
            $0.heavyBytes = heavy
            configure(&$0)
        }
        let port = try server.address(.inbound).port
        client = try ProxyNode(
            "front", own: .peer("client", "web", "front") { $0.addresses = [IPAddress(v4: 0x0a01_0101)] },
            [.workload(.peer("way", "shop", "cart"))]
        ) {
            $0.hbonePort = port
            $0.heavyBytes = heavy
            configure(&$0)
        }
    }

    /// Sends a piece and reads it back while it is sent.
    private func exchange(_ bulk: Client) throws {
        let sender = try KernelThread.start("bulk") { bulk.send(Self.piece) }
        #expect(bulk.receive(Self.piece.count) == Self.piece)
        sender.join()
    }

    private func ask(_ small: Client, _ text: String = "ping") {
        small.send(text)
        #expect(small.receive(text.utf8.count) == Array(text.utf8))
    }

    private func bulkTunnels(_ node: ProxyNode) -> [TunnelInfo] { node.tunnels.filter(\.isOnBulkThread) }

    /// A small connection and a bulky one, at work until both proxies have moved the tunnel of the second.
    private func move() throws -> (small: Client, bulk: Client) {
        let bulk = try client.open(echo.address)
        try exchange(bulk)
        // Finds a tunnel with bulk on it, and gets another one.
        let small = try client.open(echo.address)
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            try exchange(bulk)
            ask(small)
            if bulkTunnels(client).count == 1, bulkTunnels(server).count == 1 { return (small, bulk) }
            try #require(ContinuousClock.now < deadline, "no tunnel moved")
        }
    }

    /// The slices of this process's threads whose names begin so, in nanoseconds.
    private func slices(_ name: String) throws -> Set<UInt64> {
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        return Set(
            tasks.compactMap(Int32.init).compactMap { tid in
                let its = try? String(contentsOfFile: "/proc/self/task/\(tid)/comm", encoding: .utf8)
                return its?.hasPrefix(name) == true ? Kernel.slice(of: tid) : nil
            })
    }

    @Test("is on a thread of short slices", .enabled(if: Kernel.slice() != nil, "Linux before 6.12 has no slices"))
    func shortSlices() throws {
        _ = try move()
        // Other suites start such threads meanwhile, which have their name first.
        #expect(try slices("bulk-").contains(Kernel.shortSlice))
        #expect(try slices("reactor-") == [try #require(Kernel.slice())])
    }

    @Test("moves to the thread for bulk in both proxies, and not a byte is lost or changed")
    func moves() throws {
        let (small, bulk) = try move()
        for _ in 0..<8 {
            try exchange(bulk)
            ask(small)
        }
        let tunnels = client.tunnels
        #expect(tunnels.count == 2)
        #expect(tunnels.map(\.isOnBulkThread).sorted { $0 && !$1 } == [true, false])
        #expect(tunnels.first(where: \.isOnBulkThread)?.isLeaving == true)
        bulk.finish()
        #expect(bulk.receiveAll().isEmpty)
        let line = try client.line("connection complete", "outbound")
        // The bytes of both threads, in the log and in the metrics.
        let sent = try #require(line.split(separator: " ").first { $0.hasPrefix("bytes_sent=") }?.dropFirst(11))
        #expect(try #require(Int(sent)) % Self.piece.count == 0)
        small.finish()
        _ = try client.line("connection complete", "outbound")
        #expect(client.metric("istio_tcp_connections_opened_total") == 2)
        #expect(client.metric("istio_tcp_connections_closed_total") == 2)
        #expect(client.metric("istio_tcp_sent_bytes_total") >= Int(sent) ?? .max)
    }

    @Test("that carries nothing any more goes back, with its open connection")
    func returns() async throws {
        let (small, bulk) = try move()
        let deadline = ContinuousClock.now + .seconds(60)
        // Looked at with each PING, every ten seconds.
        while !(bulkTunnels(client) + bulkTunnels(server)).isEmpty {
            try #require(ContinuousClock.now < deadline, "the tunnel did not go back")
            try await Task.sleep(for: .milliseconds(100))
        }
        try exchange(bulk)
        ask(small)
    }

    @Test("is cut by a policy that comes later")
    func policy() throws {
        let (small, bulk) = try move()
        server.publish(policies: [LivePolicyTests.denyAll])
        #expect(bulk.end() == ECONNRESET)
        #expect(small.end() == ECONNRESET)
    }

    @Test("finishes in a drain, as all others do")
    func drain() throws {
        let (small, bulk) = try move()
        client.plane.drain()
        server.plane.drain()
        for _ in 0..<4 { try exchange(bulk) }
        ask(small)
        bulk.finish()
        small.finish()
        #expect(bulk.end() == 0)
        #expect(small.end() == 0)
        client.plane.join()
        server.plane.join()
    }

    @Test("stays where there is no second thread")
    func off() throws {
        let here = try Self(heavy: 64 << 10) { $0.bulkThreads = false }
        let bulk = try here.client.open(here.echo.address)
        try here.exchange(bulk)
        let small = try here.client.open(here.echo.address)
        for _ in 0..<4 {
            try here.exchange(bulk)
            here.ask(small)
        }
        #expect(here.bulkTunnels(here.client).isEmpty)
    }
}
