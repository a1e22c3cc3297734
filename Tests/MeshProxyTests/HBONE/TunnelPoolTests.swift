import Glibc
import MeshCore
import MeshLinux
import Testing

@testable import MeshProxy

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("The pool of tunnels", .serialized)
struct TunnelPoolTests {
    private let application: Application

    init() throws { application = try Application() }

    private func open(
        _ count: Int, on mesh: LoopbackMesh, from source: IPAddress = .loopbackV4
    ) throws -> [Int32] {
        try (0..<count).map { _ in try mesh.connect(to: application.address, from: source) }
    }

    /// Ends connections of applications, and waits until their streams have gone.
    private func end(_ clients: [Int32], on mesh: LoopbackMesh) throws {
        let before = mesh.reactor.tunnels.all.reduce(0) { $0 + $1.streamCount }
        for client in clients {
            // A reset: an orderly end would wait for the application behind.
            try mesh.turn { mesh.reactor.tunnels.all.allSatisfy { $0.phase == .open } }
            close(client)
        }
        // The application that never accepts is replaced by resetting what it has not accepted.
        _ = fcntl(application.descriptor, F_SETFL, O_NONBLOCK)
        try mesh.turn {
            var connection = accept(application.descriptor, nil, nil)
            while connection >= 0 {
                close(connection)
                connection = accept(application.descriptor, nil, nil)
            }
            return mesh.reactor.tunnels.all.reduce(0) { $0 + $1.streamCount } == before - clients.count
        }
    }

    private func counts(_ mesh: LoopbackMesh) -> [Int] { mesh.reactor.tunnels.all.map(\.streamCount).sorted() }

    @Test("115: two streams share a tunnel, and the next two share the same one")
    func shared() throws {
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh { $0.poolMaxStreams = 3 }
        let first = try open(2, on: mesh)
        #expect(counts(mesh) == [2])
        let tunnel = mesh.reactor.tunnels.all[0]
        try end(first, on: mesh)
        let second = try open(2, on: mesh)
        #expect(counts(mesh) == [2])
        #expect(mesh.reactor.tunnels.all[0] === tunnel)
        second.forEach { close($0) }
    }

    @Test("116: full tunnels take no more; Deviation: they take streams again when some have ended")
    func full() throws {
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh { $0.poolMaxStreams = 2 }
        let first = try open(4, on: mesh)
        #expect(counts(mesh) == [2, 2])
        let second = try open(5, on: mesh)
        #expect(counts(mesh) == [1, 2, 2, 2, 2])
        try end(first + second, on: mesh)
        let third = try open(2, on: mesh)
        #expect(mesh.reactor.tunnels.all.count == 5)
        third.forEach { close($0) }
    }

    @Test("117: with a cap of 1 every stream has a tunnel")
    func alone() throws {
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh {
            $0.poolMaxStreams = 1
            $0.poolIdleTimeout = 1
        }
        let clients = try open(2, on: mesh)
        #expect(counts(mesh) == [1, 1])
        try end(clients, on: mesh)
        try mesh.turn { mesh.reactor.tunnels.all.isEmpty && mesh.reactor.connections == 0 }
    }

    @Test("118: each source has tunnels of its own: 300 streams of three sources need three")
    func sources() throws {
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh { $0.poolMaxStreams = 101 }
        var clients: [Int32] = []
        for _ in 0..<100 {
            for last in 1...3 { clients += try open(1, on: mesh, from: IPAddress(v4: 0x7f00_0000 | UInt32(last))) }
        }
        #expect(counts(mesh) == [100, 100, 100])
        clients.forEach { close($0) }
    }

    @Test("119: after a GOAWAY the next stream opens another tunnel, and the open one goes on")
    func goaway() throws {
        let mesh = try LoopbackMesh()
        let received = Count()
        let server = try application.serve { connection in
            var byte: UInt8 = 0
            while read(connection, &byte, 1) == 1 { received.add(1) }
        }
        let client = try open(1, on: mesh)[0]
        _ = write(client, "a", 1)
        try mesh.turn { received.now == 1 }
        let old = try #require(mesh.reactor.tunnels.all.first)
        let accepted = try #require(
            mesh.reactor.table.all(.tunnel).compactMap { $0 as? Tunnel }.first { !$0.isClient })
        accepted.beginDrain()
        try mesh.turn { mesh.reactor.tunnels.all.isEmpty }
        let other = try open(1, on: mesh)[0]
        #expect(mesh.reactor.tunnels.all.count == 1)
        #expect(mesh.reactor.tunnels.all[0] !== old)
        _ = write(client, "b", 1)
        try mesh.turn { received.now == 2 }
        close(client)
        close(other)
        try mesh.turn { old.phase == .closed }
        server.join()
    }

    @Test("120: a tunnel with a stream is kept, however long, and closed when it has been idle for the time")
    func idle() throws {
        let mesh = try LoopbackMesh { $0.poolIdleTimeout = 1 }
        let server = try application.serve { connection in
            var byte: UInt8 = 0
            while read(connection, &byte, 1) == 1 {}
        }
        let client = try open(1, on: mesh)[0]
        try mesh.turn { mesh.reactor.tunnels.all.contains { $0.phase == .open } }
        let tunnel = mesh.reactor.tunnels.all[0]
        let begun = mesh.reactor.now
        try mesh.turn { mesh.reactor.now - begun > 2_000_000_000 }
        #expect(tunnel.phase == .open)
        close(client)
        try mesh.turn { tunnel.phase == .closed }
        #expect(mesh.reactor.tunnels.all.isEmpty)
        server.join()
    }

    private func makeBulky(_ tunnel: Tunnel, _ bytes: Int, on mesh: LoopbackMesh) {
        tunnel.bulk = BulkMeter()
        tunnel.bulk.note(bytes, now: mesh.reactor.now)
    }

    @Test("a stream beside bulk gets another tunnel, and the first one again when the bulk has ended")
    func besideBulk() throws {
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh()
        var clients = try open(1, on: mesh)
        let first = mesh.reactor.tunnels.all[0]
        makeBulky(first, BulkMeter.threshold, on: mesh)
        clients += try open(2, on: mesh)
        #expect(first.streamCount == 1)
        #expect(counts(mesh) == [1, 2])
        let second = try #require(mesh.reactor.tunnels.all.first { $0 !== first })
        makeBulky(second, BulkMeter.threshold, on: mesh)
        first.bulk = BulkMeter()
        clients += try open(1, on: mesh)
        #expect(first.streamCount == 2)
        clients.forEach { close($0) }
    }

    @Test("bulk on its own is no reason for more than a few tunnels: the one with the least takes the stream")
    func spread() throws {
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh()
        var clients: [Int32] = []
        for number in 1...TunnelPool.spread {
            clients += try open(1, on: mesh)
            let newest = try #require(mesh.reactor.tunnels.all.last)
            #expect(newest.streamCount == 1)
            makeBulky(newest, BulkMeter.threshold * (number == 3 ? 1 : 2), on: mesh)
        }
        let least = mesh.reactor.tunnels.all[2]
        clients += try open(2, on: mesh)
        #expect(mesh.reactor.tunnels.all.count == TunnelPool.spread)
        #expect(least.streamCount == 3)
        clients.forEach { close($0) }
    }

    @Test("full tunnels cost nothing to find one with room, however many there are", arguments: [1, 2])
    func looks(cap: Int) throws {
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh { $0.poolMaxStreams = cap }
        let clients = try open(600, on: mesh)
        #expect(mesh.reactor.tunnels.all.count == 600 / cap)
        // One look for each stream, and one that finds a tunnel full.
        #expect(mesh.reactor.tunnels.looks <= 2 * 600)
        clients.forEach { close($0) }
    }

    @Test("tunnels that stand still are looked at a few at a time, and none is forgotten")
    func stalled() throws {
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh { $0.poolMaxStreams = 1 }
        var pool = TunnelPool()
        let key = TunnelPool.Key(destination: mesh.hbone, identities: [], source: .loopbackV4)
        let tunnels = (0..<100).map { _ in
            Tunnel(mesh.reactor, client: true, peer: mesh.hbone, local: SocketAddress(.loopbackV4, 0))
        }
        for tunnel in tunnels {
            pool.add(tunnel, key)
            guard tunnel !== tunnels[40] else { continue }
            tunnel.noteQueued(BufferPool.largestShare + 1)
            tunnel.received(1)
        }
        let need = TunnelNeed(maxStreams: 1, nowSeconds: 0, now: mesh.reactor.now)
        #expect(pool.find(key, need) == nil)
        #expect(pool.looks <= 8)
        // The one with room is found within a round.
        let found = (0..<13).lazy.compactMap { _ in pool.find(key, need) }.first
        #expect(found === tunnels[40])
        #expect(pool.looks <= 14 * 8)
        for tunnel in tunnels.shuffled() { pool.remove(tunnel) }
        #expect(pool.all.isEmpty)
        for tunnel in tunnels { tunnel.close(.drained, graceful: false) }
    }
}
