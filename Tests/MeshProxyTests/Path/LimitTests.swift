import Glibc
import MeshCore
import MeshLinux
import Testing

@testable import MeshProxy

/// Passes one TCP connection on to `target` until it is told to stop; then holds both ends, in silence.
private final class Link: Sendable {
    let address: SocketAddress
    private let listener: Int32
    private let isCut = Count()
    private let thread: KernelThread

    init(to target: SocketAddress) throws {
        let application = try Application()
        address = application.address
        listener = application.descriptor
        let isCut = isCut
        thread = try application.serve { near in
            let far = TCPSocket.connect(target, from: nil, options: SocketOptions()).descriptor
            defer { close(far) }
            Kernel.wait(far, writable: true)
            let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 65536)
            defer { buffer.deallocate() }
            while true {
                for (from, to) in [(near, far), (far, near)] {
                    guard Kernel.wait(from, writable: false, milliseconds: 5) else { continue }
                    let count = read(from, buffer, 65536)
                    if count <= 0 { return }
                    if isCut.now == 0 { _ = write(to, buffer, count) }
                }
            }
        }
    }

    func cut() { isCut.add(1) }
    func join() { thread.join() }
}

@Suite("Limits of time", .serialized)
struct LimitTests {
    private func awaitEnd(_ client: Int32, _ ended: Count) throws -> KernelThread {
        try KernelThread.start("client") {
            var byte: UInt8 = 0
            _ = read(client, &byte, 1)
            ended.add(1)
            close(client)
        }
    }

    @Test("a peer that does not finish its handshake loses the connection", arguments: ["", "\u{16}\u{3}\u{1}"])
    func handshake(said: String) throws {
        let mesh = try LoopbackMesh { $0.handshakeTimeout = 1 }
        let client = TCPSocket.connect(mesh.hbone, from: nil, options: SocketOptions()).descriptor
        _ = fcntl(client, F_SETFL, 0)
        try mesh.turn { mesh.reactor.connections == 1 }
        #expect(mesh.reactor.handshakes.count == 1)
        _ = send(client, said, said.utf8.count, Int32(MSG_NOSIGNAL))
        let ended = Count()
        let far = try awaitEnd(client, ended)
        try mesh.turn { ended.now == 1 && mesh.reactor.connections == 0 }
        #expect(mesh.reactor.handshakes.count == 0)
        far.join()
    }

    @Test("an application that does not answer a connect is given up")
    func connect() throws {
        let mesh = try LoopbackMesh { $0.connectTimeout = 1 }
        let silent = try SilentPort()
        defer { withExtendedLifetime(silent) {} }
        let client = try mesh.connect(to: silent.address)
        let ended = Count()
        let far = try awaitEnd(client, ended)
        // The tunnel stays, seen from both ends.
        try mesh.turn { ended.now == 1 && mesh.reactor.connections == 2 }
        far.join()
    }

    @Test("a peer that does not answer PING loses the tunnel, at both ends")
    func ping() throws {
        let mesh = try LoopbackMesh {
            $0.pingInterval = 1
            $0.pingTimeout = 1
        }
        let link = try Link(to: mesh.hbone)
        let application = try Application()
        let received = Count()
        let server = try application.serve { connection in
            var byte: UInt8 = 0
            while read(connection, &byte, 1) > 0 { received.add(1) }
        }
        let client = try mesh.connect(to: application.address, by: link.address)
        _ = write(client, "x", 1)
        try mesh.turn { received.now == 1 }
        link.cut()
        let ended = Count()
        let far = try awaitEnd(client, ended)
        try mesh.turn { ended.now == 1 && mesh.reactor.connections == 0 }
        far.join()
        server.join()
        link.join()
    }

    @Test("a tunnel that stood still for applications that do not read is no choice for new connections")
    func crowded() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        defer { Kernel.close(application.descriptor) }
        // Connections wait in the backlog: nobody reads.
        var clients: [Int32] = []
        let chunk = [UInt8](repeating: 7, count: 1 << 16)
        for _ in 0..<12 {
            let client = try mesh.connect(to: application.address)
            _ = fcntl(client, F_SETFL, O_NONBLOCK)
            clients.append(client)
        }
        let first = try #require(mesh.reactor.tunnels.all.first)
        try mesh.turn {
            for client in clients { _ = send(client, chunk, chunk.count, Int32(MSG_NOSIGNAL)) }
            let need = TunnelNeed(maxStreams: 100, nowSeconds: 0, now: mesh.reactor.now)
            return first.phase == .open && first.room(need) == .stalled
        }
        clients.append(try mesh.connect(to: application.address))
        #expect(mesh.reactor.tunnels.all.count == 2)
        for client in clients { close(client) }
    }
}

private struct Unexpected: Error { var what: String }

@Suite("Unfinished handshakes")
struct HandshakeGateTests {
    private func tunnels(_ count: Int, _ source: UInt32, _ mesh: LoopbackMesh) -> [Tunnel] {
        (0..<count).map { _ in
            Tunnel(
                mesh.reactor, client: false, peer: SocketAddress(IPAddress(v4: source), 1), local: mesh.hbone)
        }
    }

    @Test("of one address are refused beyond its share, and its place is free again when one is done")
    func perSource() throws {
        let mesh = try LoopbackMesh()
        var gate = HandshakeGate()
        let crowd = tunnels(HandshakeGate.limitPerSource + 1, 1, mesh)
        let other = tunnels(1, 2, mesh)
        // The gate does not retain them.
        defer { withExtendedLifetime((crowd, other)) {} }
        for tunnel in crowd.dropLast() {
            guard case .admitted = gate.enter(tunnel) else { throw Unexpected(what: "refused too early") }
        }
        guard case .refused = gate.enter(crowd[crowd.count - 1]) else { throw Unexpected(what: "not refused") }
        guard case .admitted = gate.enter(other[0]) else { throw Unexpected(what: "other source") }
        gate.leave(crowd[3])
        gate.leave(crowd[3])
        guard case .admitted = gate.enter(crowd[crowd.count - 1]) else { throw Unexpected(what: "no place") }
    }

    @Test("of many addresses push out the oldest")
    func oldest() throws {
        let mesh = try LoopbackMesh()
        var gate = HandshakeGate()
        var all: [Tunnel] = []
        for source in 0..<(HandshakeGate.limit / 256) { all += tunnels(256, UInt32(source), mesh) }
        for tunnel in all {
            guard case .admitted = gate.enter(tunnel) else { throw Unexpected(what: "refused too early") }
        }
        gate.leave(all[0])
        gate.leave(all[5])
        let late = tunnels(3, 999, mesh)
        defer { withExtendedLifetime((all, late)) {} }
        for tunnel in late.dropLast() { _ = gate.enter(tunnel) }
        guard case .admittedFor(let leaver) = gate.enter(late[2]) else { throw Unexpected(what: "nobody left") }
        #expect(leaver === all[1])
    }
}
