import Foundation
import MeshTLS

/// A command as the other end of a loopback connection, most often `openssl`: another driver of TLS, able to misbehave.
final class ForeignPeer {
    struct Unavailable: Error { let what: String }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var descriptor: Int32 = -1
    private var printed = ""

    /// `openssl s_client` with more arguments, connected.
    convenience init(client arguments: [String]) throws {
        try self.init(client: "/usr/bin/openssl") { ["s_client", "-connect", "127.0.0.1:\($0)"] + arguments }
    }

    /// A command that connects to the port which it is given.
    init(client program: String, _ arguments: (UInt16) -> [String]) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(listener) }
        var address = Self.loopback(port: 0)
        guard Self.with(&address, { bind(listener, $0, $1) }) == 0, listen(listener, 1) == 0 else {
            throw Unavailable(what: "listen: errno \(errno)")
        }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
        }
        Self.limitWait(listener)
        try start(program, arguments(UInt16(bigEndian: address.sin_port)))
        descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { throw Unavailable(what: "accept: errno \(errno)") }
        Self.limitWait(descriptor)
    }

    /// `openssl s_server` with more arguments, connected to.
    init(server arguments: [String]) throws {
        try start("/usr/bin/openssl", ["s_server", "-accept", "127.0.0.1:0", "-naccept", "1"] + arguments)
        guard reads("ACCEPT 127.0.0.1:"), let port = listeningPort() else { throw Unavailable(what: printed) }
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        Self.limitWait(descriptor)
        var address = Self.loopback(port: port)
        guard Self.with(&address, { connect(descriptor, $0, $1) }) == 0 else {
            throw Unavailable(what: "connect: errno \(errno)")
        }
    }

    /// The number behind ACCEPT, once its line is complete.
    private func listeningPort() -> UInt16? {
        while true {
            guard let line = printed.split(separator: "ACCEPT 127.0.0.1:").last else { return nil }
            if line.contains("\n") { return UInt16(line.prefix { $0.isNumber }) }
            guard readMore() else { return nil }
        }
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
        try? input.fileHandleForWriting.close()
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }

    /// Presents this certificate and verifies by the root of the tests.
    static func identity(_ name: String) -> [String] {
        [
            "-cert", Fixture.path("\(name).pem"), "-key", Fixture.path("\(name).key.pem"), "-CAfile",
            Fixture.path("root.pem"),
        ]
    }

    /// Types into the command, which sends it, or obeys it when it is a line of one letter (K, k: KeyUpdate; Q: quit).
    func type(_ text: String) { input.fileHandleForWriting.write(Data(text.utf8)) }

    /// Whether the command prints `text`; waits for it until the command ends.
    func reads(_ text: String) -> Bool {
        while !printed.contains(text) {
            guard readMore() else { return false }
        }
        return true
    }

    private func readMore() -> Bool {
        let more = output.fileHandleForReading.availableData
        printed += String(decoding: more, as: UTF8.self)
        return !more.isEmpty
    }

    /// What the command sends next; empty when it has hung up, or says nothing for too long.
    func receive() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : []
    }

    func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Carries bytes both ways until `done`, or until either side has ended.
    func settle(_ side: Side, until done: () -> Bool) {
        if side.session.role == .client, side.step == .wantsInput { side.begin() }
        while true {
            send(side.takeOutput())
            if done() || side.failure != nil || side.ending != nil { return }
            let bytes = receive()
            if bytes.isEmpty { return }
            side.receive(bytes)
        }
    }

    private func start(_ program: String, _ arguments: [String]) throws {
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func with(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// A test that hangs fails instead.
    private static func limitWait(_ descriptor: Int32) {
        var wait = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    }
}
