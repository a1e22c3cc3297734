import Glibc
import MeshCore
import MeshLinux
import Testing

@testable import MeshProxy

/// Case 179 of the node proxy reference, section 24.
@Suite("Copying both ways", .serialized)
struct EchoTests {
    enum Path: CaseIterable { case tunnel, relay }

    private static func byte(_ position: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: position &* 31 &+ position >> 9 &+ position >> 17)
    }

    private static func open(_ path: Path, _ mesh: LoopbackMesh, _ application: Application) throws -> Int32 {
        if path == .tunnel { return try mesh.connect(to: application.address) }
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        let record = ConnectionRecord(
            .outbound, source: SocketAddress(.loopbackV4, 1), destination: application.address,
            start: mesh.reactor.now)
        mesh.reactor.open(record)
        mesh.reactor.relay(ends[0], to: application.address, from: nil, record)
        return ends[1]
    }

    @Test("what stands behind urgent data arrives without more to follow", arguments: Path.allCases)
    func urgent(_ path: Path) throws {
        let (mesh, application) = (try LoopbackMesh(), try Application())
        let (sends, sent, ends) = (Count(), Count(), Count())
        let server = try application.serve { connection in
            while sends.now == 0 { usleep(1000) }
            _ = send(connection, "abc", 3, 0)
            _ = send(connection, "!", 1, Int32(MSG_OOB))
            _ = send(connection, "def", 3, 0)
            sent.add(1)
            while ends.now == 0 { usleep(1000) }
        }
        let client = try Self.open(path, mesh, application)
        defer {
            ends.add(1)
            close(client)
            server.join()
        }
        _ = fcntl(client, F_SETFL, O_NONBLOCK)
        // Until both ends have accepted, and what happened to the socket so far is known.
        try mesh.turn(times: 9)
        sends.add(1)
        while sent.now == 0 { usleep(1000) }
        var (received, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 16))
        try mesh.turn {
            let count = read(client, &buffer, buffer.count)
            if count > 0 { received += buffer[..<count] }
            return received.count >= 6
        }
        #expect(String(decoding: received, as: UTF8.self) == "abcdef")
    }

    @Test(
        "179: more than 10 MiB go and come back intact, and after one half-close the other direction goes on",
        arguments: Path.allCases)
    func echo(_ path: Path) throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let total = 11 << 20 + 321
        let after = 100_000
        let (returned, mismatches, ended) = (Count(), Count(), Count())
        let server = try application.serve { connection in
            let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 16)
            defer { buffer.deallocate() }
            while true {
                let length = read(connection, buffer, 1 << 16)
                guard length > 0 else { break }
                var sent = 0
                while sent < length {
                    let wrote = send(connection, buffer + sent, length - sent, Int32(MSG_NOSIGNAL))
                    guard wrote > 0 else { return }
                    sent += wrote
                }
            }
            // The client has said all: this direction goes on alone.
            writeZeros(connection, after)
        }
        let client = try Self.open(path, mesh, application)
        let writer = try KernelThread.start("writer") {
            var bytes = [UInt8](repeating: 0, count: total)
            for position in 0..<total { bytes[position] = Self.byte(position) }
            var sent = 0
            while sent < total {
                let wrote = bytes[sent...].withUnsafeBytes {
                    send(client, $0.baseAddress, min($0.count, 100_000), Int32(MSG_NOSIGNAL))
                }
                guard wrote > 0 else { return }
                sent += wrote
            }
            shutdown(client, Int32(SHUT_WR))
        }
        let reader = try KernelThread.start("reader") {
            var position = 0
            readAll(client, returned) { bytes in
                for byte in bytes {
                    if byte != (position < total ? Self.byte(position) : 0) { mismatches.add(1) }
                    position += 1
                }
            }
            ended.add(1)
            close(client)
        }
        try mesh.turn { ended.now == 1 }
        #expect(returned.now == total + after)
        #expect(mismatches.now == 0)
        try mesh.turn { mesh.reactor.connections == (path == .tunnel ? 2 : 0) }
        for thread in [writer, reader, server] { thread.join() }
    }
}
