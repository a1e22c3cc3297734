import Logging
import MeshCore
import MeshState
import MeshWire
import NIOCore
import Testing

@testable import MeshDNS

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Forwarding of the DNS proxy")
struct ForwardTests {
    /// Takes questions and never answers.
    private func silent() async throws -> TestUpstream { try await TestUpstream.start { _, _ in [] } }

    @Test("164: NS of a known name goes to upstream, bytes as they were but the id; the reply loses AA")
    func otherTypes() async throws {
        let upstream = try await TestUpstream.start { query, _ in [reply(to: query)] }
        try await withProxy(upstream: [upstream.address]) { (server, address) async throws in
            // An option that we do not know: type 65001, one byte.
            var asked = query("web.ns1.svc.cluster.local", .ns, edns: EDNS(payloadSize: 1232))
            asked[asked.count - 1] = 5
            asked += [0xfd, 0xe9, 0, 1, 0x7f]
            let answer = try parse(try await ask(asked, address))
            #expect(answer.header.id == 0x1234)
            #expect(!answer.header.isAuthoritative && answer.header.recursionAvailable)
            #expect(upstream.queries.map { Array($0.dropFirst(2)) } == [Array(asked.dropFirst(2))])
            let text = server.metricsText()
            let labels =
                #"{request_query_type="ns",request_protocol="udp",source_canonical_service="app","#
                + #"source_canonical_revision="v1"}"#
            #expect(text.contains("istio_dns_requests_total\(labels) 1\n"))
            #expect(text.contains("istio_dns_upstream_requests_total\(labels) 1\n"))
            #expect(!text.contains("failures"))
            #expect(text.contains("istio_dns_upstream_request_duration_seconds_count\(labels) 1\n"))
        }
        await upstream.stop()
    }

    @Test("163: upstream's NXDOMAIN is the client's")
    func nameError() async throws {
        let upstream = try await TestUpstream.start { query, _ in [reply(to: query, .nameError)] }
        try await withProxy(upstream: [upstream.address]) { (server, address) async throws in
            #expect(try parse(try await ask(query("hidden.ns2"), address)).header.code == .nameError)
            #expect(!server.metricsText().contains("failures"))
        }
        await upstream.stop()
    }

    @Test("only a reply with the right id, name and type, and the response bit, is taken")
    func forged() async throws {
        let upstream = try await TestUpstream.start { asked, _ in
            let right = reply(to: asked, .noError, ["1.1.1.1"])
            var wrongID = reply(to: asked, .noError, ["6.6.6.6"])
            wrongID[0] ^= 0x55
            var wrongName = reply(to: asked, .noError, ["6.6.6.6"])
            wrongName[13] ^= 1
            var wrongType = reply(to: asked, .noError, ["6.6.6.6"])
            wrongType[12 + 11 + 1] = 28
            return [wrongID, wrongName, wrongType, asked, [1, 2], right]
        }
        try await withProxy(upstream: [upstream.address]) { (_, address) async throws in
            let answer = try parse(try await ask(query("a.example"), address))
            #expect(answer.answers.map(\.content) == [.a(IPAddress(v4: 0x0101_0101))])
        }
        await upstream.stop()
    }

    @Test("ids and ports are different each time")
    func randomness() async throws {
        let upstream = try await TestUpstream.start { query, _ in [reply(to: query)] }
        try await withProxy(upstream: [upstream.address]) { (_, address) async throws in
            for _ in 0..<20 { _ = try await ask(query("a.example"), address) }
        }
        #expect(Set(upstream.queries.map { Array($0.prefix(2)) }).count > 15)
        await upstream.stop()
    }

    @Test("a server that is silent, refuses the port, or cannot say gives way to the next")
    func nextServer() async throws {
        let silent = try await silent(), gone = try await TestUpstream.start { _, _ in [] }
        let failing = try await TestUpstream.start { query, _ in [reply(to: query, .serverFailure)] }
        let good = try await TestUpstream.start { query, _ in [reply(to: query, .noError, ["1.1.1.1"])] }
        await gone.stop()
        for bad in [silent.address, gone.address, failing.address] {
            try await withProxy(upstream: [bad, good.address]) { (_, address) async throws in
                for tcp in [false, true] {
                    #expect(try parse(try await ask(query("a.example"), address, tcp: tcp)).answers.count == 1)
                }
            }
        }
        try await withProxy(upstream: [failing.address, gone.address]) { (_, address) async throws in
            #expect(try parse(try await ask(query("a.example"), address)).header.code == .serverFailure)
        }
        for upstream in [silent, failing, good] { await upstream.stop() }
    }

    @Test("without any answer, or any server, the client gets SERVFAIL, and it is counted")
    func failure() async throws {
        let silent = try await silent()
        for servers in [[silent.address], []] {
            try await withProxy(upstream: servers) { (server, address) async throws in
                let answer = try parse(try await ask(query("a.example"), address))
                #expect(answer.header.code == .serverFailure && answer.questions.count == 1)
                #expect(server.metricsText().contains("istio_dns_upstream_failures_total"))
            }
        }
        // Two attempts.
        #expect(silent.queries.count == 2)
        await silent.stop()
    }

    @Test("a reply cut by upstream is asked for over TCP when the client came by TCP, and handed on else")
    func truncatedReply() async throws {
        let upstream = try await TestUpstream.start { asked, overTCP in
            var cut = reply(to: asked, .noError, overTCP ? ["1.1.1.1", "1.1.1.2"] : [])
            if !overTCP { cut[2] |= 2 }
            return [cut]
        }
        try await withProxy(upstream: [upstream.address]) { (server, address) async throws in
            let whole = try parse(try await ask(query("a.example"), address, tcp: true))
            #expect(whole.answers.count == 2 && !whole.header.isTruncated)
            let cut = try parse(try await ask(query("a.example"), address))
            #expect(cut.header.isTruncated)
            #expect(await server.resolve("a.example", .v4).addresses.count == 2)
        }
        await upstream.stop()
    }

    @Test("a reply longer than the client takes becomes its question with TC")
    func longReply() async throws {
        let upstream = try await TestUpstream.start { asked, _ in
            [reply(to: asked, .noError, (1...40).map { "1.1.1.\($0)" })]
        }
        try await withProxy(upstream: [upstream.address]) { (_, address) async throws in
            let whole = try parse(try await ask(query("a.example", edns: EDNS(payloadSize: 4096)), address))
            #expect(whole.answers.count == 40 && !whole.header.isTruncated)
            let cut = try parse(try await ask(query("a.example"), address))
            #expect(cut.header.isTruncated && cut.answers.isEmpty && cut.questions.count == 1)
            #expect(try parse(try await ask(query("a.example"), address, tcp: true)).answers.count == 40)
        }
        await upstream.stop()
    }

    @Test("one question more than may wait is refused at once, and counted")
    func outstandingLimit() async throws {
        let silent = try await silent()
        try await withProxy(upstream: [silent.address], { $0.outstandingLimit = 3 }) { (server, address) async throws in
            let waiting = try await TestClient.connect(address)
            for id in 1...3 { try await waiting.send(ByteBuffer(bytes: query("a.example", id: UInt16(id)))) }
            try await waiting.send(ByteBuffer(bytes: query("b.example", id: 4)))
            let first = try parse(try await waiting.reply())
            #expect(first.header.id == 4 && first.header.code == .serverFailure)
            #expect(server.metricsText().contains("istio_dns_upstream_failures_total"))
            for _ in 1...3 { #expect(try parse(try await waiting.reply()).header.code == .serverFailure) }
            waiting.channel.close(promise: nil)
        }
        await silent.stop()
    }

    @Test("a question of our own that comes back is refused, and does not go round")
    func loop() async throws {
        try await withProxy { (server, address) async throws in
            try await testLoop.submit {
                var conf = ResolvConf()
                conf.servers = [address]
                conf.attempts = 1
                server.service.value?.source.replace(conf)
            }.get()
            let answer = try parse(try await ask(query("a.example"), address))
            #expect(answer.header.code == .serverFailure)
            #expect(server.metricsText().contains("istio_dns_requests_total{request_query_type=\"a\""))
            #expect(server.metricsText().contains("\"v1\"} 2\n"))
        }
    }

    @Test("an upstream server that is the proxy itself is refused at start, and the port is free again")
    func loopAtStart() async throws {
        let port = try await freeAddress().port
        for listen in [IPAddress.loopbackV4, .anyV4, .anyV6] {
            var settings = DNSSettings()
            settings.listen = [Address(listen, port)]
            var conf = ResolvConf()
            conf.servers = [Address(.loopbackV4, port)]
            settings.upstream = .fixed(conf)
            settings.reusePort = false
            for _ in 0..<2 {
                let server = DNSServer(settings, slot: DNSStateSlot(), logger: .init(label: "dns"), eventLoop: testLoop)
                let failure = await startFailure(server)
                #expect(failure?.kind == .usage)
            }
        }
    }

    @Test("169: an address that cannot be listened on fails the start, naming it")
    func unusableAddress() async throws {
        var settings = DNSSettings()
        settings.listen = [Address(IPAddress(v4: 0xc000_0201), 0)]  // 192.0.2.1, of no host
        settings.upstream = .fixed(ResolvConf())
        let server = DNSServer(settings, slot: DNSStateSlot(), logger: .init(label: "dns"), eventLoop: testLoop)
        let failure = await startFailure(server)
        #expect(failure?.kind == .unavailable)
        #expect(failure?.description.contains("192.0.2.1") == true)
    }

    @Test("a port that the kernel chose is not shared")
    func chosenPort() async throws {
        try await withProxy { (_, bound) async throws in
            var settings = DNSSettings()
            settings.upstream = .fixed(ResolvConf())
            settings.listen = [bound]
            let second = DNSServer(settings, slot: DNSStateSlot(), logger: .init(label: "dns"), eventLoop: testLoop)
            #expect(await startFailure(second)?.kind == .unavailable)
            await second.stop(graceful: false)
        }
    }
}
