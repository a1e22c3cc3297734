import Foundation
import MeshCore
import MeshLinux
import MeshTLS
import MeshTestSupport

/// The certificates of Tests/Fixtures/pki; its README says what each one proves.
enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/pki")

    static func path(_ name: String) -> String { folder.appending(path: name).path }
    static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }

    static func client(_ name: String) throws -> HandshakeProbe.ClientCertificate {
        try HandshakeProbe.ClientCertificate(chain: bytes("\(name).pem"), key: bytes("\(name).key.pem"))
    }
}

struct Unavailable: Error { let what: String }

/// Something that listens on loopback while it lives.
protocol LoopbackListener: AnyObject, Sendable { var port: UInt16 { get } }

/// `openssl s_server` on a port of the kernel's choice. Waits until it is there, so it is made on a thread of its own.
final class OpenSSLServer: LoopbackListener {
    let port: UInt16
    private let process: NamespaceProcess

    init(_ arguments: [String]) throws {
        // As a web server: otherwise it reads what it has to say from its standard input, and ends when that does.
        process = try NamespaceProcess(["openssl", "s_server", "-www", "-accept", "127.0.0.1:0"] + arguments)
        let mark = "ACCEPT 127.0.0.1:"
        guard process.waitFor(mark, seconds: 60),
            let line = process.output.split(separator: "\n").first(where: { $0.hasPrefix(mark) }),
            let port = UInt16(line.dropFirst(mark.count))
        else { throw Unavailable(what: "s_server: \(process.output)\(process.errors)") }
        self.port = port
    }
}

/// A listener on loopback whose one connection is given to `serve` on a thread of its own. Nobody waits for that thread.
final class LoopbackServer: LoopbackListener {
    let port: UInt16

    /// The longest that a server of a test waits for anything.
    static let patience: Int32 = 60_000

    init(_ serve: @escaping @Sendable (Int32) -> Void) throws {
        let address = SocketAddress(.loopbackV4, 0)
        let (listener, _) = try TCPSocket.listen(
            address, reusePort: false, transparent: false, options: SocketOptions())
        port = TCPSocket.localAddress(listener)?.port ?? 0
        try KernelThread.start("server") {
            defer { Kernel.close(listener) }
            guard Kernel.wait(listener, writable: false, milliseconds: Self.patience) else { return }
            let (connection, _) = TCPSocket.accept(listener)
            guard connection >= 0 else { return }
            serve(connection)
            Kernel.close(connection)
        }.detach()
    }

    /// What comes next; empty when the other side is done.
    static func receive(_ connection: Int32) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        guard Kernel.wait(connection, writable: false, milliseconds: patience) else { return [] }
        let count = Kernel.receive(connection, &buffer, buffer.count)
        return Array(buffer.prefix(max(0, count)))
    }

    static func send(_ connection: Int32, _ bytes: [UInt8]) { _ = Kernel.send(connection, bytes, bytes.count) }

    /// Reads until the client has given up.
    static func swallow(_ connection: Int32) { while !receive(connection).isEmpty {} }

    /// A relay to another server that passes on the first bytes of its answer, and then does as `after` says.
    static func relay(
        to port: UInt16, answering count: Int, _ after: @escaping @Sendable (Int32) -> Void = { _ in }
    ) throws -> LoopbackServer {
        try LoopbackServer { client in
            let (server, _) = TCPSocket.connect(SocketAddress(.loopbackV4, port), from: nil, options: SocketOptions())
            guard server >= 0, Kernel.wait(server, writable: true, milliseconds: patience) else { return }
            defer { Kernel.close(server) }
            send(server, receive(client))
            var rest = count
            while rest > 0 {
                let bytes = receive(server).prefix(rest)
                guard !bytes.isEmpty else { return }
                send(client, Array(bytes))
                rest -= bytes.count
            }
            after(client)
        }
    }
}

/// A port of loopback at which nobody answers.
final class DeadPort: LoopbackListener {
    let port: UInt16
    private let descriptors: [Int32]

    /// - Parameter isFull: connections are neither taken nor refused: the queue of a listener that never accepts is
    ///   full. Otherwise they are refused: the port is taken, and nobody listens.
    init(isFull: Bool) throws {
        let holder = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(holder, $0, size) }
        }
        guard bound == 0, let port = TCPSocket.localAddress(holder)?.port else { throw Unavailable(what: "a port") }
        self.port = port
        guard isFull else {
            descriptors = [holder]
            return
        }
        listen(holder, 0)
        // More than a queue of length 0 takes.
        descriptors =
            [holder]
            + (0..<4).map { _ in
                TCPSocket.connect(SocketAddress(.loopbackV4, port), from: nil, options: SocketOptions()).descriptor
            }
    }

    deinit { for descriptor in descriptors where descriptor >= 0 { Kernel.close(descriptor) } }
}

/// Our own TLS, as the server of a tunnel, on one connection: handshake, then a word when the client is accepted.
enum TunnelServer {
    static func serve(_ connection: Int32, _ credential: TLSCredential) {
        guard
            let session = try? TLSSession(
                credential: credential, role: .server, expecting: .trustDomain(credential.identity.trustDomain))
        else { return }
        let room = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 17)
        let window = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 14)
        defer {
            room.deallocate()
            window.deallocate()
        }
        session.output = CipherQueue(room, capacity: 1 << 17)
        func flush() {
            while !session.output.isEmpty, let base = session.output.base {
                let sent = Kernel.send(connection, base + session.output.start, session.output.count)
                if sent == -Kernel.again {
                    Kernel.wait(connection, writable: true)
                } else if sent > 0 {
                    session.output.consume(sent)
                } else {
                    return
                }
            }
        }
        while true {
            guard Kernel.wait(connection, writable: false, milliseconds: LoopbackServer.patience) else { return }
            let count = Kernel.receive(connection, window, 1 << 14)
            guard count > 0 else { return }
            let step = session.handshake(window, count)
            flush()
            switch step {
            case .wantsInput: session.endInput()
            case .failed: return drain(connection)
            case .done:
                session.endInput()
                // An empty SETTINGS frame, the first word of an HTTP/2 server, and the byte that sealing borrows.
                var settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0]
                _ = session.seal(&settings, 9)
                flush()
                return drain(connection)
            }
        }
    }

    /// Closing with unread bytes would reset the connection, and the alert could be lost with it.
    private static func drain(_ connection: Int32) {
        Kernel.shutdownWrite(connection)
        LoopbackServer.swallow(connection)
    }
}
