import CNghttp2
import Glibc
import MeshCore
import MeshLinux
import Testing

@testable import MeshProxy

/// The peer is the reactor's own server side: a real HTTP/2 server behind TLS, which refuses by what it announced.
@Suite("A request that a tunnel refuses unprocessed", .serialized)
struct SecondTryTests {
    private let echo: Echo

    init() throws { echo = try Echo() }

    /// Sends a byte through each and awaits the answers.
    private func expectEcho(_ clients: [Int32], on mesh: LoopbackMesh) throws {
        for client in clients {
            _ = fcntl(client, F_SETFL, O_NONBLOCK)
            _ = write(client, "x", 1)
        }
        var waiting = clients
        try mesh.turn {
            waiting.removeAll { client in
                var byte: UInt8 = 0
                return read(client, &byte, 1) == 1
            }
            return waiting.isEmpty
        }
    }

    private func accepted(_ mesh: LoopbackMesh) throws -> Tunnel {
        try #require(mesh.reactor.table.all(.tunnel).compactMap { $0 as? Tunnel }.first { !$0.isClient })
    }

    /// Ends both, and returns the lines of the log.
    private func end(_ clients: [Int32], _ mesh: LoopbackMesh, _ log: LogPipe) throws -> [String] {
        clients.forEach { close($0) }
        try mesh.turn { mesh.reactor.tunnels.all.allSatisfy { $0.streamCount == 0 } }
        mesh.reactor.log.flush()
        mesh.endLog()
        return log.lines().filter { $0.contains("direction=\"outbound\"") }
    }

    private func mesh(_ log: LogPipe, configure: (inout ProxyConfig) -> Void = { _ in }) throws -> LoopbackMesh {
        try LoopbackMesh(log: log.writing) {
            $0.accessLog.threshold = .info
            configure(&$0)
        }
    }

    @Test("beyond the peer's limit, before that was known, is served by another tunnel, and the log says why")
    func limit() throws {
        let log = try LogPipe()
        let mesh = try mesh(log) { $0.serverMaxStreams = 1 }
        let clients = try (0..<2).map { _ in try mesh.connect(to: echo.address) }
        #expect(mesh.reactor.tunnels.all.map(\.streamCount) == [2])
        try expectEcho(clients, on: mesh)
        #expect(mesh.reactor.tunnels.all.map(\.streamCount) == [1, 1])
        let lines = try end(clients, mesh, log)
        #expect(lines.count == 2)
        #expect(lines.filter { $0.contains("retried_after=\"REFUSED_STREAM\"") && !$0.contains("error=") }.count == 1)
    }

    @Test("takes what the application said ahead along, once", arguments: [10_000, 40_000])
    func ahead(count: Int) throws {
        let log = try LogPipe()
        let mesh = try mesh(log) { $0.serverMaxStreams = 1 }
        let clients = try (0..<2).map { _ in try mesh.connect(to: echo.address) }
        for client in clients {
            writeZeros(client, count)
            _ = fcntl(client, F_SETFL, O_NONBLOCK)
        }
        var answered = clients.map { _ in 0 }
        var buffer = [UInt8](repeating: 0, count: 65536)
        try mesh.turn {
            for (index, client) in clients.enumerated() {
                answered[index] += max(0, read(client, &buffer, buffer.count))
            }
            return answered.allSatisfy { $0 >= count }
        }
        #expect(mesh.reactor.tunnels.all.map(\.streamCount) == [1, 1])
        let lines = try end(clients, mesh, log)
        #expect(answered == [count, count])
        #expect(lines.filter { $0.contains("retried_after=\"REFUSED_STREAM\"") }.count == 1)
        #expect(lines.allSatisfy { $0.contains("bytes_sent=\(count) bytes_recv=\(count) ") }, "\(lines)")
    }

    @Test("is not sent a third time: the failure says that both refused")
    func twice() throws {
        let log = try LogPipe()
        let mesh = try mesh(log) { $0.serverMaxStreams = 0 }
        let client = try mesh.connect(to: echo.address)
        try mesh.turn { mesh.reactor.tunnels.all.allSatisfy { $0.streamCount == 0 } }
        #expect(mesh.reactor.tunnels.all.count == 2)
        let lines = try end([client], mesh, log)
        #expect(
            lines.count == 1
                && lines[0].contains(
                    "error=\"the peer reset the stream (REFUSED_STREAM); a first tunnel had refused the request too\""),
            "\(lines)")
    }

    @Test("because of a GOAWAY that names an earlier stream is served by another tunnel; the earlier one goes on")
    func goaway() throws {
        let log = try LogPipe()
        let mesh = try mesh(log)
        let first = try mesh.connect(to: echo.address)
        try expectEcho([first], on: mesh)
        let old = try #require(mesh.reactor.tunnels.all.first)
        // The request and the GOAWAY cross.
        let server = try accepted(mesh)
        nghttp2_submit_goaway(server.http2, 0, 1, NGHTTP2_NO_ERROR.rawValue, nil, 0)
        mesh.reactor.markDirty(server)
        let second = try mesh.connect(to: echo.address)
        #expect(old.streamCount == 2)
        try expectEcho([first, second], on: mesh)
        #expect(old.streamCount == 1)
        #expect(mesh.reactor.tunnels.all.map(\.streamCount) == [1])
        let lines = try end([first, second], mesh, log)
        #expect(lines.filter { $0.contains("retried_after=\"GOAWAY\"") && !$0.contains("error=") }.count == 1)
    }

    @Test("only there: once it was answered, the application is told that its connection is lost")
    func answered() throws {
        let log = try LogPipe()
        let mesh = try mesh(log)
        let client = try mesh.connect(to: echo.address)
        try expectEcho([client], on: mesh)
        let server = try accepted(mesh)
        nghttp2_submit_rst_stream(server.http2, 0, 1, NGHTTP2_REFUSED_STREAM.rawValue)
        mesh.reactor.markDirty(server)
        try mesh.turn { mesh.reactor.tunnels.all.allSatisfy { $0.streamCount == 0 } }
        #expect(mesh.reactor.tunnels.all.count == 1)
        let lines = try end([client], mesh, log)
        #expect(lines.count == 1 && lines[0].contains("(REFUSED_STREAM)\"") && !lines[0].contains("retried_after"))
    }
}

/// A pipe that takes the lines of a log.
private struct LogPipe {
    let writing: Int32
    private let reading: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        keepFromPrograms(ends[0], ends[1])
        (reading, writing) = (ends[0], ends[1])
    }

    /// What was written until now, by a sink that has been closed.
    func lines() -> [String] {
        close(writing)
        defer { close(reading) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let length = read(reading, &buffer, buffer.count)
            guard length > 0 else { break }
            bytes += buffer[..<length]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { String($0) }
    }
}
