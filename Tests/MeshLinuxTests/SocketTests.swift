import Glibc
import MeshCore
import Testing

@testable import MeshLinux

@Suite("What waits in sockets")
struct SocketTests {
    /// Both ends of a connection over loopback.
    private static func withPair(
        _ options: SocketOptions = SocketOptions(), _ body: (_ client: Int32, _ server: Int32) throws -> Void
    ) throws {
        let (listener, _) = try TCPSocket.listen(
            SocketAddress(.loopbackV4, 0), reusePort: false, transparent: false, options: options)
        defer { Kernel.close(listener) }
        let address = try #require(TCPSocket.localAddress(listener))
        let (client, _) = TCPSocket.connect(address, from: nil, options: SocketOptions())
        try #require(client >= 0)
        defer { Kernel.close(client) }
        Kernel.wait(listener, writable: false)
        let (server, _) = TCPSocket.accept(listener)
        try #require(server >= 0)
        defer { Kernel.close(server) }
        try body(client, server)
    }

    private static func room(_ descriptor: Int32) -> Int32 {
        var (bytes, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, &size) == 0 ? bytes : -1
    }

    @Test("a peer on this machine is less than a tenth of a second away, and what is no TCP connection nowhere")
    func roundTrip() throws {
        try Self.withPair { client, server in
            for end in [client, server] {
                let away = try #require(TCPSocket.leastRoundTrip(end))
                #expect((0..<100_000).contains(away))
            }
        }
        #expect(TCPSocket.leastRoundTrip(-1) == nil)
        let ends = try #require(Kernel.socketPair())
        #expect(TCPSocket.leastRoundTrip(ends.0) == nil)
        Kernel.close(ends.0)
        Kernel.close(ends.1)
    }

    @Test("so much may wait as the socket is told, and as accepted sockets inherit")
    func bounded() throws {
        var options = SocketOptions()
        options.receiveBuffer = 100_000
        try Self.withPair(options) { client, server in
            #expect(Self.room(server) == 200_000)
            #expect(Self.room(client) != 200_000)
            TCPSocket.boundReceiveBuffer(client, 150_000)
            #expect(Self.room(client) == 300_000)
        }
    }
}
