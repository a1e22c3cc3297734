import Foundation
import MeshCore
import MeshLinux
import MeshTestSupport

/// A UDP or raw socket with blocking calls and a limit on how long they may take.
struct DatagramSocket {
    let descriptor: Int32
    private let family: AddressFamily

    /// To be made inside the namespace where it is to be.
    init(
        _ family: AddressFamily, type: Int32 = Int32(SOCK_DGRAM.rawValue), protocol number: Int32 = 0,
        mark: UInt32? = nil
    )
        throws
    {
        self.family = family
        descriptor = socket(family == .v4 ? AF_INET : AF_INET6, type, number)
        guard descriptor >= 0 else { throw Conversation.Broken(code: errno) }
        var limit = timeval(tv_sec: 3, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if var mark {
            setsockopt(descriptor, SOL_SOCKET, SO_MARK, &mark, socklen_t(MemoryLayout<UInt32>.size))
        }
    }

    func bind(_ address: SocketAddress) throws {
        let result = withKernelForm(of: address) { Glibc.bind(descriptor, $0, $1) }
        guard result == 0 else { throw Conversation.Broken(code: errno) }
    }

    /// Connects, so that answers from another address are not taken.
    func connect(_ address: SocketAddress) throws {
        let result = withKernelForm(of: address) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else { throw Conversation.Broken(code: errno) }
    }

    func send(_ bytes: [UInt8]) throws {
        guard Glibc.send(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw Conversation.Broken(code: errno)
        }
    }

    func receive() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 2048)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw Conversation.Broken(code: errno) }
        return Array(bytes.prefix(count))
    }

    /// Answers one datagram with these words.
    func answerOne(_ words: String) throws {
        var bytes = [UInt8](repeating: 0, count: 2048)
        // Room for an address of any family.
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try withUnsafeTemporaryAllocation(byteCount: Int(size), alignment: 8) { from in
            let address = from.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            guard recvfrom(descriptor, &bytes, bytes.count, 0, address, &size) >= 0 else {
                throw Conversation.Broken(code: errno)
            }
            let answer = Array(words.utf8)
            guard sendto(descriptor, answer, answer.count, 0, address, size) == answer.count else {
                throw Conversation.Broken(code: errno)
            }
        }
    }

    func end() { close(descriptor) }

    private func withKernelForm(of address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32)
        -> Int32
    {
        if family == .v4 {
            var kernel = sockaddr_in()
            kernel.sin_family = sa_family_t(AF_INET)
            kernel.sin_port = address.port.bigEndian
            kernel.sin_addr.s_addr = address.ip.v4.bigEndian
            return withUnsafePointer(to: &kernel) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var kernel = sockaddr_in6()
        kernel.sin6_family = sa_family_t(AF_INET6)
        kernel.sin6_port = address.port.bigEndian
        withUnsafeMutableBytes(of: &kernel.sin6_addr) { $0.copyBytes(from: address.ip.bytes) }
        return withUnsafePointer(to: &kernel) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }
}

extension NamespaceNode {
    /// Sends one datagram from inside and gives the answer.
    func askDatagram(_ target: SocketAddress, mark: UInt32? = nil) throws -> String {
        try run {
            let socket = try DatagramSocket(target.ip.isV4 ? .v4 : .v6, mark: mark)
            defer { socket.end() }
            try socket.connect(target)
            try socket.send(Array("hello".utf8))
            return String(decoding: try socket.receive(), as: UTF8.self)
        }
    }

    /// Sends an echo request from inside; whether its answer came.
    func ping(_ target: IPAddress) throws -> Bool {
        try run {
            let v4 = target.isV4
            let socket = try DatagramSocket(
                v4 ? .v4 : .v6, type: Int32(SOCK_RAW.rawValue), protocol: Int32(v4 ? 1 : 58))
            defer { socket.end() }
            try socket.connect(SocketAddress(target, 0))
            // Type, code, checksum, identifier, sequence. For IPv6 the kernel writes the checksum.
            try socket.send(v4 ? [8, 0, 0xf7, 0xfd, 0, 1, 0, 1] : [128, 0, 0, 0, 0, 1, 0, 1])
            // A raw socket also hears other ICMP of that peer, such as neighbour discovery.
            for _ in 0..<8 {
                let answer = try socket.receive()
                if v4 ? answer.dropFirst(20).first == 0 : answer.first == 129 { return true }
            }
            return false
        }
    }

    /// Listens for datagrams inside and answers the first; the thread ends with it.
    func answerDatagram(_ address: SocketAddress, _ words: String, mark: UInt32? = nil) throws -> DispatchSemaphore {
        let socket = try run {
            let socket = try DatagramSocket(address.ip.isV4 ? .v4 : .v6, mark: mark)
            try socket.bind(address)
            return socket
        }
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            try? socket.answerOne(words)
            socket.end()
            done.signal()
        }
        return done
    }
}
