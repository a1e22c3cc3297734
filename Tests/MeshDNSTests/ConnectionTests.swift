import MeshCore
import MeshWire
import NIOCore
import Testing

@testable import MeshDNS

@Suite("Connections of the DNS proxy")
struct ConnectionTests {
    @Test("questions of one connection are answered as answers come, byte by byte too")
    func pipelined() async throws {
        try await withProxy { (_, address) async throws in
            let client = try await TestClient.connect(address, tcp: true)
            var bytes = ByteBuffer()
            for id in 1...100 {
                var one = framed(query("web", id: UInt16(id)))
                bytes.writeBuffer(&one)
            }
            try await client.send(bytes)
            var ids: Set<UInt16> = []
            for _ in 1...100 { ids.insert(try parse(try await client.reply()).header.id) }
            #expect(ids.count == 100)
            for byte in framed(query("web", id: 7)).readableBytesView {
                try await client.send(ByteBuffer(bytes: [byte]))
            }
            #expect(try parse(try await client.reply()).header.id == 7)
            client.channel.close(promise: nil)
        }
    }

    @Test("more questions than may be open wait their turn, and all are answered")
    func pipelineLimit() async throws {
        let upstream = try await TestUpstream.start { query, _ in [reply(to: query)] }
        try await withProxy(upstream: [upstream.address], { $0.pipelineLimit = 2 }) { (_, address) async throws in
            let client = try await TestClient.connect(address, tcp: true)
            for id in 1...20 { try await client.send(framed(query("a.example", id: UInt16(id)))) }
            var ids: Set<UInt16> = []
            for _ in 1...20 { ids.insert(try parse(try await client.reply()).header.id) }
            #expect(ids.count == 20)
            client.channel.close(promise: nil)
        }
        await upstream.stop()
    }

    @Test("a client that has ended its side gets its answer, then the end")
    func halfClosed() async throws {
        let upstream = try await TestUpstream.start { query, _ in [reply(to: query)] }
        try await withProxy(upstream: [upstream.address]) { (_, address) async throws in
            let client = try await TestClient.connect(address, tcp: true)
            try await client.send(framed(query("a.example")))
            try await client.channel.close(mode: .output)
            #expect(try parse(try await client.reply()).header.isResponse)
            await #expect(throws: ChannelError.eof) { try await client.reply() }
        }
        await upstream.stop()
    }

    @Test("a connection that asks nothing, or only part of a question, is closed")
    func idle() async throws {
        try await withProxy({ $0.connectionIdle = .milliseconds(200) }) { (_, address) async throws in
            for part in [[], [0, 30, 1]] as [[UInt8]] {
                let client = try await TestClient.connect(address, tcp: true)
                if !part.isEmpty { try await client.send(ByteBuffer(bytes: part)) }
                await #expect(throws: ChannelError.eof) { try await client.reply() }
            }
        }
    }

    @Test("one connection more than may be is closed, and there is room again when one ends")
    func connectionLimit() async throws {
        try await withProxy({ $0.connectionLimit = 2 }) { (_, address) async throws in
            let held = [
                try await TestClient.connect(address, tcp: true), try await TestClient.connect(address, tcp: true),
            ]
            for client in held {
                try await client.send(framed(query("web")))
                _ = try await client.reply()
            }
            let third = try await TestClient.connect(address, tcp: true)
            await #expect(throws: (any Error).self) { try await third.reply() }
            // Ends the first in order: the proxy closes when we do.
            try await held[0].channel.close(mode: .output)
            await #expect(throws: ChannelError.eof) { try await held[0].reply() }
            #expect(try parse(try await ask(query("web"), address, tcp: true)).answers.count == 1)
        }
    }

    @Test("a successor binds the same port before its predecessor leaves, and then answers alone")
    func handOver() async throws {
        let address = try await freeAddress()
        try await withProxy({ $0.listen = [address] }) { (first, _) async throws in
            try await withProxy({ $0.listen = [address] }) { (second, _) async throws in
                await first.stop(graceful: true)
                for tcp in [false, true] {
                    #expect(try parse(try await ask(query("web"), address, tcp: tcp)).answers.count == 1)
                }
                #expect(second.metricsText().contains("\"udp\"") && second.metricsText().contains("\"tcp\""))
            }
        }
    }

    @Test("a graceful stop waits for the answer that is due; another does not", arguments: [false, true])
    func gracefulStop(graceful: Bool) async throws {
        let loop = testLoop
        let arrived = loop.makePromise(of: Void.self)
        let upstream = try await TestUpstream.start { query, _ in
            arrived.succeed(())
            return []
        }
        try await withProxy(upstream: [upstream.address]) { (server, address) async throws in
            for tcp in [true] {
                let client = try await TestClient.connect(address, tcp: tcp)
                try await client.send(framed(query("a.example")))
                try await arrived.futureResult.soon()
                await server.stop(graceful: graceful)
                if graceful {
                    #expect(try parse(try await client.reply()).header.code == .serverFailure)
                } else {
                    _ = try? await client.reply()
                }
                await #expect(throws: (any Error).self) { try await TestClient.connect(address, tcp: true).reply() }
            }
        }
        await upstream.stop()
    }
}
