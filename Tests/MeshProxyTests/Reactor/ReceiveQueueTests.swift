import Glibc
import MeshCore
import MeshLinux
import Testing

@testable import MeshProxy

@Suite("What may wait in sockets")
struct ReceiveQueueTests {
    private static func room(_ descriptor: Int32) -> Int32 {
        var (bytes, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, &size) == 0 ? bytes : -1
    }

    @Test(
        "is little where the far proxy is near, else the kernel's choice",
        arguments: [(0, true), (ReceiveQueue.near, true), (ReceiveQueue.near + 1, false), (nil, false)])
    func distance(away: Int?, isShort: Bool) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let before = Self.room(descriptor)
        ReceiveQueue.shorten(descriptor, away: away)
        #expect((Self.room(descriptor) != before) == isShort)
    }

    @Test("is little where applications are, unless that is switched off")
    func applications() {
        var config = ProxyConfig()
        #expect(config.applicationSockets.receiveBuffer == ReceiveQueue.bytes)
        #expect(config.socketOptions.receiveBuffer == nil)
        config.keepsQueuesShort = false
        #expect(config.applicationSockets.receiveBuffer == nil)
    }
}
