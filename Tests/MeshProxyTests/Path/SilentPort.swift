import MeshCore
import MeshLinux
import Testing

/// A port that answers no connect: the queue of its listener is full.
final class SilentPort {
    let address: SocketAddress
    private let descriptors: [Int32]

    init() throws {
        let full = try TCPSocket.listen(
            SocketAddress(.loopbackV4, 0), reusePort: false, transparent: false, options: SocketOptions(), backlog: 0)
        let address = try #require(TCPSocket.localAddress(full.descriptor))
        self.address = address
        descriptors =
            [full.descriptor]
            + (0..<3).map { _ in TCPSocket.connect(address, from: nil, options: SocketOptions()).descriptor }
    }

    deinit { for descriptor in descriptors { Kernel.close(descriptor) } }
}
