import MeshCore
import MeshState
import MeshWire
import NIOCore
import Testing

@testable import MeshDNS

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Answers of the DNS proxy")
struct AnswerTests {
    @Test("156: a name of the mesh, under the name asked for in its own case", arguments: [false, true])
    func meshName(tcp: Bool) async throws {
        try await withProxy { (_, address) async throws in
            let edns = EDNS(payloadSize: 1400, wantsDNSSEC: true)
            for name in ["WEB", "web.ns1", "web.ns1.svc", "web.ns1.svc.cluster.local"] {
                let answer = try parse(try await ask(query(name, edns: edns), address, tcp: tcp))
                #expect(answer.header.id == 0x1234)
                #expect(answer.header.isResponse && answer.header.isAuthoritative && answer.header.recursionAvailable)
                #expect(answer.questions.first?.name.description == name)
                #expect(answer.answers.map(\.name.description) == [name])
                #expect(answer.answers.map(\.timeToLive) == [30])
                #expect(answer.answers.map(\.content) == [.a(IPAddress(v4: 0x0909_0909))])
                #expect(answer.edns == edns)
            }
        }
    }

    @Test("157: a name with a search domain is an alias")
    func alias() async throws {
        try await withProxy { (_, address) async throws in
            let answer = try parse(try await ask(query("www.example.com.svc.cluster.local"), address))
            let target = try #require(DNSName("www.example.com"))
            #expect(answer.answers.map(\.content) == [.cname(target), .a(IPAddress(v4: 0x0202_0202))])
            #expect(answer.answers.last?.name == target)
        }
    }

    @Test("159: IPv6 of a service with IPv4 only: no error, nothing, with authority")
    func empty() async throws {
        try await withProxy { (_, address) async throws in
            let answer = try parse(try await ask(query("web", .aaaa), address))
            #expect(answer.header.code == .noError && answer.header.isAuthoritative && answer.answers.isEmpty)
        }
    }

    @Test("165: 256 addresses are whole over TCP, and cut with TC over UDP to what the client takes")
    func truncation() async throws {
        try await withProxy { (_, address) async throws in
            let whole = try parse(try await ask(query("many"), address, tcp: true))
            #expect(Set(whole.answers).count == 256 && !whole.header.isTruncated)
            for (edns, limit) in [(nil, 512), (EDNS(payloadSize: 1232), 1232), (EDNS(payloadSize: 100), 512)] {
                let bytes = try await ask(query("many", edns: edns), address)
                #expect(bytes.count <= limit && bytes.count > limit - 16)
                #expect(try parse(bytes).header.isTruncated)
            }
            let large = try parse(try await ask(query("many", edns: EDNS(payloadSize: 8192)), address))
            #expect(large.answers.count == 256 && !large.header.isTruncated)
        }
    }

    @Test("a client that is not known gets SERVFAIL")
    func unknownClient() async throws {
        try await withProxy(state: testState(client: false)) { (_, address) async throws in
            let answer = try parse(try await ask(query("web"), address))
            #expect(answer.header.code == .serverFailure)
        }
    }

    static let refused: [(String, [UInt8], DNSResponseCode)] = [
        ("another opcode", edit(query("web")) { $0[2] = 0x28 }, .notImplemented),
        ("no question", edit(query("web")) { $0[5] = 0 }, .formatError),
        ("two questions", edit(query("web")) { $0[5] = 2 } + query("web").dropFirst(12), .formatError),
        ("a cut question", Array(query("web").dropLast()), .formatError),
        ("a name that points to itself", Array(query("web").prefix(12)) + [0xc0, 12, 0, 1, 0, 1], .formatError),
    ]

    static func edit(_ bytes: [UInt8], _ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes = bytes
        change(&bytes)
        return bytes
    }

    @Test("refuses what is no proper request", arguments: refused)
    func refuses(what: String, bytes: [UInt8], code: DNSResponseCode) async throws {
        try await withProxy { (_, address) async throws in
            for tcp in [false, true] {
                let answer = try parse(try await ask(bytes, address, tcp: tcp))
                #expect(answer.header.code == code)
                #expect(answer.header.id == 0x1234)
            }
        }
    }

    @Test("an EDNS version that does not exist gets BADVERS")
    func badVersion() async throws {
        try await withProxy { (_, address) async throws in
            let answer = try parse(try await ask(query("web", edns: EDNS(payloadSize: 512, version: 1)), address))
            #expect(answer.header.code == .noError && answer.edns?.codeHigh == 1 && answer.edns?.version == 0)
        }
    }

    @Test("Deviation: a response as request is dropped over UDP, and refused over TCP")
    func response() async throws {
        try await withProxy { (_, address) async throws in
            let response = reply(to: query("web"))
            #expect(try parse(try await ask(response, address, tcp: true)).header.code == .formatError)
            let client = try await TestClient.connect(address)
            try await client.send(ByteBuffer(bytes: response))
            try await client.send(ByteBuffer(bytes: [1, 2, 3]))
            try await client.send(ByteBuffer(bytes: query("web", id: 99)))
            #expect(try parse(try await client.reply()).header.id == 99)
            client.channel.close(promise: nil)
        }
    }

    @Test("listens on IPv6 too")
    func ipv6() async throws {
        try await withProxy({ $0.listen = [Address(.loopbackV4, 0), Address(.loopbackV6, 0)] }) {
            (server, _) async throws in
            let bound = try await testLoop.submit { server.service.value?.source.listeners ?? [] }.get()
            for address in bound { #expect(try parse(try await ask(query("web"), address)).answers.count == 1) }
        }
    }

    @Test("names for our own parts: from the mesh, else from upstream with aliases followed")
    func resolve() async throws {
        let upstream = try await TestUpstream.start { query, _ in
            guard var message = try? parse(query), let target = DNSName("b.example") else { return [] }
            message.header = message.header.reply(.noError)
            message.answers = [
                DNSRecord(name: message.questions[0].name, timeToLive: 1, content: .cname(target)),
                DNSRecord(name: target, timeToLive: 1, content: .a(IPAddress(v4: 5))),
                DNSRecord(name: .root, timeToLive: 1, content: .a(IPAddress(v4: 6))),
            ]
            return [message.encoded()]
        }
        try await withProxy(upstream: [upstream.address]) { (server, _) async throws in
            #expect(await server.resolve("web", .v4).addresses == [IPAddress(v4: 0x0909_0909)])
            #expect(await server.resolve("web", .v6).addresses.isEmpty)
            #expect(await server.resolve("a.example.", .v4).addresses == [IPAddress(v4: 5)])
            #expect(await server.resolve("a..b", .v4).reason == "\"a..b\" is no DNS name")
        }
        await upstream.stop()
    }
}
