import Foundation
import Logging
import MeshCA
import MeshCore
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix
import Testing

@testable import MeshControl

@Suite("Admin server and client")
struct AdminServerTests {
    @Test("the client reads what the pages say")
    func calls() async throws {
        let fixture = try AdminFixture()
        try await fixture.served { address async throws in
            let client = AdminClient(address)
            #expect(try await client.connections() == [AdminFixture.connection])
            #expect(try await client.tunnels().isEmpty)
            #expect(try await client.status() == ProxyStatus())
            #expect(try await client.dump() == DumpFixture.dump())
            #expect(try await client.logLevel("access=debug,info", reset: false) == "access=debug,info")
            #expect(try await client.explain(ConnectionQuestion(from: "shop/cart", to: "web:80")).verdict == .allowed)
            #expect(try await client.drain() == ProxyStatus())
        }
        #expect(fixture.drains == ["admin port"])
    }

    @Test("the server's refusals become failures of their kind, with its words")
    func refusals() async throws {
        try await AdminFixture().served { address in
            let client = AdminClient(address)
            await #expect { try await client.logLevel("loud", reset: false) } throws: {
                ($0 as? MeshFailure)?.kind == .usage && "\($0)".contains("\"loud\" is no level")
            }
            await #expect { try await client.explain(ConnectionQuestion(to: "nobody:80")) } throws: {
                ($0 as? MeshFailure)?.kind == .notFound && "\($0)".contains("no service is called nobody")
            }
        }
    }

    @Test("where no proxy is, the failure says what to try")
    func nobody() async throws {
        let server = try await ServerBootstrap(group: ControlEventLoop.group).bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(try #require(server.localAddress?.port))
        try await server.close()
        await #expect { try await AdminClient(MeshCore.SocketAddress(.loopbackV4, port)).status() } throws: {
            ($0 as? MeshFailure)?.kind == .unavailable
                && "\($0)".contains("is it running, in this network namespace? --address names another port")
        }
    }

    @Test("where another server answers, the failure says so, and not what its page says")
    func otherServer() async throws {
        try await AdminFixture().served({ _ in
            .init(status: 404, contentType: "text/html;charset=utf-8", bytes: Array("<!DOCTYPE HTML>\n".utf8))
        }) { address in
            let client = AdminClient(address)
            await #expect { try await client.drain() } throws: {
                ($0 as? MeshFailure)?.kind == .corrupt
                    && "\($0)".hasPrefix("begin the drain of the proxy at \(address): what listens there is no proxy")
            }
        }
    }

    @Test("who accepts and says nothing is given up on")
    func silent() async throws {
        let server = try await ServerBootstrap(group: ControlEventLoop.group).bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(try #require(server.localAddress?.port))
        await #expect {
            try await AdminClient(MeshCore.SocketAddress(.loopbackV4, port), timeout: .milliseconds(100)).status()
        } throws: {
            ($0 as? MeshFailure)?.kind == .timeout
        }
        try await server.close()
    }

    @Test("an address that is taken is a failure that names it")
    func taken() async throws {
        try await AdminFixture().served { address in
            let second = AdminServer(address, purpose: "admin", logger: .init(label: "test")) { _ in .init(text: "") }
            await #expect { try await second.run { _ in } } throws: {
                ($0 as? MeshFailure)?.kind == .unavailable && "\($0)".contains("listen on \(address) for admin")
            }
        }
    }

    @Test("two processes share a port; the one that drains gives it up to the other, and not before there is one")
    func handOver() async throws {
        let address = try await Self.freeAddress()
        let leaving = AsyncStream<Never>.makeStream()
        let (bound, isBound) = AsyncStream.makeStream(of: Int.self)
        var ports = bound.makeAsyncIterator()
        func start(_ name: String, _ leaving: AsyncStream<Never>) -> Task<Void, any Error> {
            let server = AdminServer(address, purpose: name, logger: .init(label: "test")) { _ in .init(text: name) }
            return Task { try await server.run(leaving: leaving) { isBound.yield($0) } }
        }
        let old = start("old", leaving.stream)
        defer { old.cancel() }
        #expect(await ports.next() == Int(address.port))
        leaving.continuation.finish()

        // Draining, and alone: it still tells what it is doing.
        try await Self.connect(address).executeThenClose { inbound, outbound in
            var parts = inbound.makeAsyncIterator()
            func ask() async throws -> String {
                try await outbound.write(ByteBuffer(string: "GET / HTTP/1.1\r\nhost: x\r\n\r\n"))
                var text = ""
                while !text.hasSuffix("old"), let part = try await parts.next() { text += String(buffer: part) }
                return text
            }
            #expect(try await ask().hasPrefix("HTTP/1.1 200"))
            let new = start("new", AsyncStream { _ in })
            defer { new.cancel() }
            #expect(await ports.next() == Int(address.port))
            // Both listen until the old one has seen the other.
            while ListeningSockets.count(on: address) > 1 { try await Task.sleep(for: .milliseconds(20)) }
            for _ in 0..<20 { #expect(try await Self.get(address, acceptEncoding: "").bytes == Array("new".utf8)) }
            // Who was connected to the old one before is answered by it.
            #expect(try await ask().hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("at the end nobody is accepted; what was asked, or is being asked, is answered, and the rest is let go")
    func ending() async throws {
        let address = try await Self.freeAddress()
        let ending = AsyncStream<Never>.makeStream()
        let (asked, isAsked) = AsyncStream.makeStream(of: String.self)
        let gate = AsyncStream<Never>.makeStream()
        let (bound, isBound) = AsyncStream.makeStream(of: Int.self)
        let server = AdminServer(address, purpose: "test", logger: .init(label: "test")) { question in
            isAsked.yield(question.path)
            if question.path == "/slow" { for await _ in gate.stream {} }
            return .init(text: String(repeating: question.path, count: 100_000))
        }
        let running = Task { try await server.run(ending: ending.stream) { isBound.yield($0) } }
        defer { running.cancel() }
        for await _ in bound { break }

        let (idle, fresh, slow) = (
            try await Self.connect(address), try await Self.connect(address), try await Self.connect(address)
        )
        func request(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nhost: x\r\n\r\n" }
        async let idleText = Self.exchange(idle, request("/idle"))
        async let slowText = Self.exchange(slow, request("/slow"))
        var paths = Set<String>()
        for await path in asked {
            paths.insert(path)
            if paths.count == 2 { break }
        }
        ending.continuation.finish()
        // The idle one is closed after its answer, without its client having to say a word.
        #expect(try await idleText.hasSuffix("/idle"))
        while ListeningSockets.count(on: address) > 0 { try await Task.sleep(for: .milliseconds(5)) }
        gate.continuation.finish()
        #expect(try await slowText.hasSuffix("/slow"))
        #expect(try await Self.exchange(fresh, request("/fresh")).hasSuffix("/fresh"))
        try await running.value
    }

    @Test(
        "listeners are counted by address and port",
        arguments: [
            ("127.0.0.1:15000", 2), ("127.0.0.1:15001", 0), ("0.0.0.0:15000", 1), ("[::1]:15000", 1), ("[::]:15000", 0),
        ])
    func counting(text: String, count: Int) throws {
        // Lines of the kernel's two tables, from a little-endian machine; the last one is no listener.
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:3A98 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
               1: 0100007F:3A98 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
               2: 00000000:3A98 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
               3: 00000000000000000000000001000000:3A98 00000000000000000000000000000000:0000 0A 00000000:00000000 0 0
               4: 0100007F:3A99 0100007F:E1A2 01 00000000:00000000 00:00000000 00000000     0        0 4 1
            """
        try #require(1.littleEndian == 1)
        let parsed: MeshCore.SocketAddress? = .init(text)
        let address = try #require(parsed)
        #expect(ListeningSockets.count(on: address, in: table) == count)
    }

    @Test("176: gzip and deflate decode to the same text", arguments: ["gzip", "deflate", "gzip, br, zstd", "br", ""])
    func compression(accepted: String) async throws {
        let text = String(repeating: "istio_tcp_sent_bytes_total 1\n", count: 1000)
        let (encoding, bytes) = try await AdminFixture().served({ _ in .init(text: text) }) { address in
            try await Self.get(address, acceptEncoding: accepted)
        }
        #expect(encoding == ["gzip", "deflate"].first { accepted.hasPrefix($0) })
        #expect(bytes == Array(text.utf8))
    }

    @Test("a request that is too slow, or has too much in front or behind, is cut off")
    func limits() async throws {
        try await AdminFixture().served { address in
            // Nothing, half a head: closed after the header timeout.
            #expect(try await Self.exchange(address, "").isEmpty)
            #expect(try await Self.exchange(address, "GET / HTTP/1.1\r\nhost: x\r\n").isEmpty)
            // A body that is announced and never comes.
            let late = try await Self.exchange(
                address, "POST /logging HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n")
            #expect(late.hasPrefix("HTTP/1.1 200"))
            let long = "GET / HTTP/1.1\r\nhost: x\r\nlong: \(String(repeating: "a", count: 9000))\r\n\r\n"
            #expect(try await Self.exchange(address, long).hasPrefix("HTTP/1.1 400"))
            #expect(try await Self.exchange(address, "no HTTP\r\n\r\n").hasPrefix("HTTP/1.1 400"))
            let second = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\nno HTTP\r\n\r\n"
            _ = try await Self.exchange(address, second)
            let last = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            #expect(try await Self.exchange(address, last).hasPrefix("HTTP/1.1 200"))
            let big = "POST /logging HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\n"
            #expect(try await Self.exchange(address, big).hasPrefix("HTTP/1.1 413"))
        }
    }

    // MARK: A client of another make

    /// Sends bytes and returns what comes back until the server closes.
    private static func exchange(_ address: MeshCore.SocketAddress, _ request: String) async throws -> String {
        try await exchange(connect(address), request)
    }

    private static func connect(_ address: MeshCore.SocketAddress) async throws -> NIOAsyncChannel<
        ByteBuffer, ByteBuffer
    > {
        try await ClientBootstrap(group: ControlEventLoop.group)
            .connect(host: "\(address.ip)", port: Int(address.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// An address that was free a moment ago.
    private static func freeAddress() async throws -> MeshCore.SocketAddress {
        let probe = try await ServerBootstrap(group: ControlEventLoop.group).bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(try #require(probe.localAddress?.port))
        try await probe.close()
        return MeshCore.SocketAddress(.loopbackV4, port)
    }

    private static func exchange(
        _ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ request: String
    ) async throws -> String {
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var text = ""
            do { for try await part in inbound { text += String(buffer: part) } } catch is IOError {}
            return text
        }
    }

    /// The content encoding of an answer, and its bytes decoded.
    private static func get(
        _ address: MeshCore.SocketAddress, acceptEncoding: String
    ) async throws -> (encoding: String?, bytes: [UInt8]) {
        let channel = try await ClientBootstrap(group: ControlEventLoop.group)
            .connect(host: "\(address.ip)", port: Int(address.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(NIOHTTPResponseDecompressor(limit: .none))
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let head = HTTPRequestHead(
                version: .http1_1, method: .GET, uri: "/", headers: ["host": "x", "accept-encoding": acceptEncoding])
            try await outbound.write(contentsOf: [.head(head), .end(nil)])
            var (encoding, bytes): (String?, [UInt8]) = (nil, [])
            for try await part in inbound {
                switch part {
                case .head(let head): encoding = head.headers.first(name: "content-encoding")
                case .body(let buffer): bytes += buffer.readableBytesView
                case .end: return (encoding, bytes)
                }
            }
            return (encoding, bytes)
        }
    }
}
