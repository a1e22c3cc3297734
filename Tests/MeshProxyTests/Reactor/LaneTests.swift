import Glibc
import MeshLinux
import Testing

@testable import MeshProxy

@Suite("Who leaves small requests alone", .serialized)
struct LaneTests {
    private let other: Mailbox
    private let mesh: LoopbackMesh
    private let echo: Echo

    init() throws {
        (other, echo) = (try Mailbox(), try Echo())
        mesh = try LoopbackMesh(lane: .requests(bulk: other))
    }

    /// A client's tunnel whose one connection was answered.
    private func tunnel() throws -> Tunnel {
        let client = try mesh.connect(to: echo.address)
        _ = fcntl(client, F_SETFL, O_NONBLOCK)
        _ = write(client, "x", 1)
        var byte: UInt8 = 0
        try mesh.turn { read(client, &byte, 1) == 1 }
        return try #require(mesh.reactor.tunnels.all.first)
    }

    private func carryBulk(_ tunnel: Tunnel, _ bytes: Int = 9 << 20) {
        for _ in 0..<bytes >> 20 { tunnel.bulk.note(1 << 20, now: mesh.reactor.now) }
    }

    private var moving: [MovingTunnel] {
        other.collect().compactMap { if case .take(let moving) = $0 { moving } else { nil } }
    }

    @Test("is a tunnel with bulk, while others have small requests")
    func beside() throws {
        let tunnel = try tunnel()
        let reactor = mesh.reactor
        // Long after its own small request.
        reactor.now += Reactor.lightMemory
        carryBulk(tunnel)
        reactor.noteWork(of: tunnel)
        #expect(reactor.leaver.object == nil)
        reactor.noteWork(of: BulkMeter())
        reactor.noteWork(of: tunnel)
        #expect(reactor.leaver.object === tunnel)
        let (connections, promised) = (reactor.connections, reactor.pool.promised)
        reactor.moveLeaver()
        let moving = moving
        #expect(moving.count == 1 && moving.first?.tunnel === tunnel && moving.first?.streams.count == 1)
        #expect(reactor.connections == connections - 2)
        #expect(reactor.pool.promised < promised)
        #expect(tunnel.isAway && tunnel.isLeaving && reactor.tunnels.all.isEmpty)
        // What has left can come back, as when the other reactor has ended.
        for one in moving { reactor.take(one) }
        #expect(reactor.connections == connections && reactor.pool.promised == promised)
        #expect(!tunnel.isAway && tunnel.phase == .open)
    }

    @Test("is none that has too little")
    func little() throws {
        let tunnel = try tunnel()
        carryBulk(tunnel, 7 << 20)
        mesh.reactor.noteWork(of: BulkMeter())
        mesh.reactor.noteWork(of: tunnel)
        #expect(mesh.reactor.leaver.object == nil)
    }

    @Test("is none whose request is not answered yet")
    func unanswered() throws {
        let silent = try SilentPort()
        let client = try mesh.connect(to: silent.address)
        let tunnel = try #require(mesh.reactor.tunnels.all.first)
        try mesh.turn { tunnel.phase == .open }
        carryBulk(tunnel)
        mesh.reactor.leaver.object = tunnel
        mesh.reactor.moveLeaver()
        #expect(moving.isEmpty && !tunnel.isAway && mesh.reactor.tunnels.all.count == 1)
        close(client)
    }

    @Test("is the fifth to one destination only when one of four has ended")
    func bound() throws {
        var all: [Tunnel] = []
        for _ in 0...TunnelPool.spread {
            let tunnel = try tunnel()
            all.append(tunnel)
            mesh.reactor.leaver.object = tunnel
            mesh.reactor.moveLeaver()
        }
        #expect(all.map(\.isAway) == [true, true, true, true, false])
        let key = try #require(all[4].poolKey)
        mesh.reactor.mailbox.post(.ended(key))
        try mesh.turn { mesh.reactor.tunnels.mayGo(key) }
        mesh.reactor.leaver.object = all[4]
        mesh.reactor.moveLeaver()
        #expect(all[4].isAway)
        for one in moving { one.returnToSender() }
        try mesh.turn { mesh.reactor.connections >= all.count }
    }
}
