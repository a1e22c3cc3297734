import Glibc
import MeshLinux
import Testing

@testable import MeshProxy

/// Two connected, non-blocking Unix sockets.
struct SocketPair {
    let near: Int32
    let far: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
        (near, far) = (ends[0], ends[1])
    }

    func receiveAll() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(far, &buffer, buffer.count, 0)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    func close() {
        Kernel.close(near)
        Kernel.close(far)
    }
}

@Suite("Bytes that a socket refused")
struct ByteQueueTests {
    private static func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
        (start..<start + count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test("come out whole and in order, whatever the sizes", arguments: [1, 16368, 16369, 100_000, 3_000_000])
    func order(total: Int) throws {
        let pool = BufferPool(outputCapacity: 64, limit: 1 << 20)
        var queue = ByteQueue()
        let sockets = try SocketPair()
        defer { sockets.close() }
        let bytes = Self.pattern(total)
        var given = 0
        for step in [1, 7, 16384, 40_000, 1_000_000, total] where given < total {
            let count = min(step, total - given)
            bytes[given..<given + count].withUnsafeBufferPointer { queue.append($0.baseAddress!, count, from: pool) }
            given += count
        }
        if given < total {
            bytes[given...].withUnsafeBufferPointer { queue.append($0.baseAddress!, $0.count, from: pool) }
        }
        #expect(queue.count == total)
        var received: [UInt8] = []
        while !queue.isEmpty {
            let (_, error) = queue.drain(to: sockets.near, pool: pool)
            #expect(error == 0 || error == -Kernel.again)
            received += sockets.receiveAll()
        }
        #expect(received == bytes)
    }

    @Test("report a closed reader as an error and can be discarded")
    func closedReader() throws {
        let pool = BufferPool(outputCapacity: 64, limit: 1 << 20)
        var queue = ByteQueue()
        let sockets = try SocketPair()
        defer { Kernel.close(sockets.near) }
        [UInt8](repeating: 1, count: 50_000).withUnsafeBufferPointer {
            queue.append($0.baseAddress!, $0.count, from: pool)
        }
        Kernel.close(sockets.far)
        let (sent, error) = queue.drain(to: sockets.near, pool: pool)
        #expect(sent == 0)
        #expect(error < 0 && error != -Kernel.again)
        queue.discard(pool)
        #expect(queue.isEmpty)
    }
}
