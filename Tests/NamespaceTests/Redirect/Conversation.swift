import Foundation
import MeshCore
import MeshLinux
import MeshTestSupport

/// A connection with blocking calls and a limit on how long they may take.
struct Conversation {
    /// errno of the call that failed; 0 when the peer ended without a line.
    struct Broken: Error, Equatable { let code: Int32 }

    let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Connects from the calling thread's namespace.
    init(to target: SocketAddress, from source: IPAddress? = nil, mark: UInt32? = nil) throws {
        var options = SocketOptions()
        options.mark = mark
        let fd = TCPSocket.connect(target, from: source, options: options).descriptor
        guard fd >= 0 else { throw Broken(code: -fd) }
        var ready = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
        let count = poll(&ready, 1, 3000)
        let error = count == 1 ? Kernel.pendingError(fd) : ETIMEDOUT
        guard error == 0 else {
            close(fd)
            throw Broken(code: error)
        }
        self.init(fd)
    }

    func send(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard Kernel.send(descriptor, bytes, bytes.count) == bytes.count else { throw Broken(code: errno) }
    }

    func line() throws -> String {
        var text: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = Kernel.receive(descriptor, &byte, 1)
            guard count == 1 else { throw Broken(code: Int32(-count)) }
            if byte == UInt8(ascii: "\n") { return String(decoding: text, as: UTF8.self) }
            text.append(byte)
        }
    }

    func end() { close(descriptor) }
}

extension NamespaceNode {
    /// Connects from inside, says hello, and gives the line that is answered.
    func ask(_ target: SocketAddress, from source: IPAddress? = nil, mark: UInt32? = nil) throws -> String {
        try run {
            let conversation = try Conversation(to: target, from: source, mark: mark)
            defer { conversation.end() }
            try conversation.send("hello")
            return try conversation.line()
        }
    }

    func address(_ family: AddressFamily) -> IPAddress { family == .v4 ? v4 : v6 }
}
