import Foundation
import MeshCore
import MeshLinux
import MeshTLS

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
protocol LoopbackListener: AnyObject { var port: UInt16 { get } }

/// `openssl s_server` on a port of the kernel's choice.
final class OpenSSLServer: LoopbackListener {
    let port: UInt16
    private let process = Process()
    private let output = Pipe()

    init(_ arguments: [String]) throws {
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = ["s_server", "-accept", "127.0.0.1:0"] + arguments
        process.standardInput = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var printed = ""
        while true {
            if let mark = printed.firstRange(of: "ACCEPT 127.0.0.1:"), printed[mark.upperBound...].contains("\n"),
                let number = UInt16(printed[mark.upperBound...].prefix { $0.isNumber })
            {
                port = number
                return
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Unavailable(what: "s_server: \(printed)") }
            printed += String(decoding: more, as: UTF8.self)
        }
    }

    deinit {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }
}

/// A listener on loopback whose connections, one after the other, are given to `serve` on a thread of its own.
final class LoopbackServer: LoopbackListener {
    let port: UInt16
    private let listener: Int32
    private let thread: KernelThread

    init(connections: Int = 1, _ serve: @escaping @Sendable (Int32) -> Void) throws {
        let address = SocketAddress(.loopbackV4, 0)
        let (listener, _) = try TCPSocket.listen(
            address, reusePort: false, transparent: false, options: SocketOptions())
        self.listener = listener
        port = TCPSocket.localAddress(listener)?.port ?? 0
        thread = try KernelThread.start("server") {
            for _ in 0..<connections {
                guard Kernel.wait(listener, writable: false, milliseconds: 20_000) else { return }
                let (connection, _) = TCPSocket.accept(listener)
                guard connection >= 0 else { return }
                serve(connection)
                Kernel.close(connection)
            }
        }
    }

    deinit {
        thread.join()
        Kernel.close(listener)
    }
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
            guard Kernel.wait(connection, writable: false, milliseconds: 20_000) else { return }
            let count = Kernel.receive(connection, window, 1 << 14)
            guard count > 0 else { return }
            let step = session.handshake(window, count)
            flush()
            switch step {
            case .wantsInput: session.endInput()
            case .failed: return drain(connection, window)
            case .done:
                session.endInput()
                // An empty SETTINGS frame, the first word of an HTTP/2 server, and the byte that sealing borrows.
                var settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0]
                _ = session.seal(&settings, 9)
                flush()
                return drain(connection, window)
            }
        }
    }

    /// Closing with unread bytes would reset the connection, and the alert could be lost with it.
    private static func drain(_ connection: Int32, _ window: UnsafeMutablePointer<UInt8>) {
        Kernel.shutdownWrite(connection)
        while Kernel.wait(connection, writable: false, milliseconds: 5000),
            Kernel.receive(connection, window, 1 << 14) > 0
        {}
    }
}
