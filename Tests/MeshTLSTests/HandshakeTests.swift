import MeshCore
import MeshTLS
import Testing

@Suite("TLS handshake")
struct HandshakeTests {
    @Test("a client and a server agree and know each other")
    func agrees() throws {
        let pair = try Pair.established()
        #expect(pair.client.step == .done)
        #expect(pair.server.step == .done)
        #expect(pair.client.session.isEstablished)
        #expect(try pair.client.session.peerIdentity == Fixture.id("front"))
        #expect(try pair.server.session.peerIdentity == Fixture.id("cart", namespace: "shop"))
        #expect(pair.client.session.cipherSuite == "TLS_AES_128_GCM_SHA256")
        #expect(pair.server.session.protocolVersion == "TLSv1.3")
        #expect(pair.client.seal(Array("ping".utf8)) == .sealed)
        #expect(pair.server.seal(Array("pong".utf8)) == .sealed)
        pair.settle()
        #expect(pair.server.takeReceived() == Array("ping".utf8))
        #expect(pair.client.takeReceived() == Array("pong".utf8))
    }

    @Test("works when every byte comes alone", arguments: [1, 2, 5, 7, 100, 1000])
    func survivesSmallReads(chunk: Int) throws {
        let pair = try Pair(client: Fixture.credential("chained"), server: Fixture.credential("front"))
        pair.settle(chunk: chunk)
        #expect(pair.client.step == .done)
        #expect(pair.server.step == .done)
        #expect(pair.client.seal(Array("ping".utf8)) == .sealed)
        pair.settle(chunk: chunk)
        #expect(pair.server.takeReceived() == Array("ping".utf8))
    }

    @Test(
        "every kind of key and chain serves in both roles",
        arguments: ["chained", "rsa", "ed25519", "no-usage", "mixed"])
    func accepts(name: String) throws {
        for (client, server) in [(name, "front"), ("front", name)] {
            let pair = try Pair(client: Fixture.credential(client), server: Fixture.credential(server))
            pair.settle()
            #expect(pair.client.failure == nil)
            #expect(pair.server.failure == nil)
            #expect(try pair.client.session.peerIdentity == Fixture.id(server))
            #expect(try pair.server.session.peerIdentity == Fixture.id(client))
        }
    }

    @Test("the cipher suites of the options are used", arguments: TLSOptions.CipherSuite.allCases)
    func usesCipherSuite(suite: TLSOptions.CipherSuite) throws {
        var options = TLSOptions()
        options.cipherSuites = [suite]
        let pair = try Pair.established(options: options)
        #expect(pair.client.session.cipherSuite == suite.rawValue)
        #expect(pair.server.session.cipherSuite == suite.rawValue)
    }

    @Test("TLS 1.3 is used although 1.2 is allowed")
    func prefersTLS13() throws {
        var options = TLSOptions()
        options.allowsTLS12 = true
        let pair = try Pair.established(options: options)
        #expect(pair.server.session.protocolVersion == "TLSv1.3")
    }

    @Test("facts of the peer's certificate can be read")
    func readsPeerCertificate() throws {
        let pair = try Pair.established()
        let facts = try #require(pair.client.session.peerCertificate)
        #expect(facts.uris == ["spiffe://cluster.local/ns/web/sa/front"])
        #expect(facts.issuer == "O=cluster.local")
        #expect(facts.subject == "")
        #expect(facts.notBefore == 1_577_836_800)
        #expect(facts.notAfter == 4_733_510_400)
        #expect(try facts == Fixture.credential("front").facts)
    }

    @Test("a session keeps its credential when a newer one takes over")
    func replacesCredential() throws {
        let client = try Fixture.credential("cart")
        var server: TLSCredential? = try Fixture.credential("front")
        let before = try Pair(client: client, server: #require(server))
        before.settle()
        weak let old = server
        server = try Fixture.credential("chained")
        #expect(old != nil)

        let after = try Pair(client: client, server: #require(server))
        after.settle()
        #expect(try after.client.session.peerIdentity == Fixture.id("chained"))
        #expect(try before.client.session.peerIdentity == Fixture.id("front"))
        #expect(before.server.seal([1, 2, 3]) == .sealed)
        before.settle()
        #expect(before.client.takeReceived() == [1, 2, 3])
    }

    @Test("data right behind the client's Finished waits for open")
    func keepsEarlyRecords() throws {
        let pair = try Pair(client: Fixture.credential("cart"), server: Fixture.credential("front"))
        pair.client.begin()
        pair.server.receive(pair.client.takeOutput())
        pair.client.receive(pair.server.takeOutput())
        #expect(pair.client.step == .done)
        #expect(pair.client.seal(Array(repeating: 7, count: 40_000)) == .sealed)
        pair.server.receive(pair.client.takeOutput(), capacity: 1000)
        #expect(pair.server.step == .done)
        #expect(pair.server.takeReceived() == Array(repeating: 7, count: 40_000))
    }

    @Test("data right behind the client's Finished survives the loss of the input buffer")
    func keepsEarlyRecordsWithoutWindow() throws {
        let pair = try Pair(client: Fixture.credential("cart"), server: Fixture.credential("front"))
        pair.client.begin()
        pair.server.receive(pair.client.takeOutput())
        pair.client.receive(pair.server.takeOutput())
        #expect(pair.client.seal(Array(repeating: 7, count: 20_000)) == .sealed)
        var flight = pair.client.takeOutput()
        let step = flight.withUnsafeMutableBufferPointer { pair.server.session.handshake($0.baseAddress, $0.count) }
        #expect(step == .done)
        #expect(pair.server.session.hasBufferedInput)
        pair.server.session.endInput()
        for index in flight.indices { flight[index] = 0 }
        #expect(pair.server.session.hasBufferedInput)

        #expect(pair.client.seal([8, 9]) == .sealed)
        var more = pair.client.takeOutput()
        var plain = [UInt8](repeating: 0, count: 50_000)
        let result = more.withUnsafeMutableBufferPointer { window in
            plain.withUnsafeMutableBufferPointer { plain in
                plain.baseAddress.map {
                    pair.server.session.open(window.baseAddress, window.count, into: $0, capacity: 50_000)
                }
            }
        }
        #expect(result == .data(20_002))
        #expect(plain[..<20_002] == Array(repeating: 7, count: 20_000)[...] + [8, 9])
        #expect(!pair.server.session.hasBufferedInput)
    }

    @Test("every truncation of a ClientHello waits for more")
    func waitsForClientHello() throws {
        let client = try Side(.client, Fixture.credential("cart"), expecting: .oneOf([Fixture.id("front")]))
        client.begin()
        let hello = client.takeOutput()
        #expect(hello.count > 100)
        let credential = try Fixture.credential("front")
        for length in 0..<hello.count {
            let server = try Side(.server, credential, expecting: Fixture.cluster)
            server.receive(Array(hello[..<length]))
            #expect(server.step == .wantsInput)
            #expect(server.takeOutput().isEmpty)
            server.receive(Array(hello[length...]))
            #expect(server.step == .wantsInput)
            #expect(!server.takeOutput().isEmpty)
        }
    }

    @Test("a ClientHello with any one byte altered never traps")
    func survivesAlteredClientHello() throws {
        let client = try Side(.client, Fixture.credential("cart"), expecting: .oneOf([Fixture.id("front")]))
        client.begin()
        let hello = client.takeOutput()
        let credential = try Fixture.credential("front")
        for index in hello.indices {
            for change: UInt8 in [0x01, 0x80, 0xFF] {
                var altered = hello
                altered[index] ^= change
                let server = try Side(.server, credential, expecting: Fixture.cluster)
                server.receive(altered)
                #expect(server.step != .done)
            }
        }
    }

    @Test("a handshake stays within the room that its credential names", arguments: ["front", "chained", "rsa"])
    func staysWithinRoom(name: String) throws {
        let credential = try Fixture.credential(name)
        let client = try Side(
            .client, credential, expecting: .oneOf([credential.identity]), room: credential.handshakeRoom)
        let server = try Side(.server, credential, expecting: Fixture.cluster, room: credential.handshakeRoom)
        client.begin()
        server.receive(client.takeOutput())
        client.receive(server.takeOutput())
        server.receive(client.takeOutput())
        #expect(server.step == .done)
    }

    @Test("a handshake without room says so", arguments: [0, 1, 100])
    func reportsMissingRoom(room: Int) throws {
        let client = try Side(.client, Fixture.credential("cart"), expecting: .oneOf([Fixture.id("front")]))
        client.begin()
        let server = try Side(.server, Fixture.credential("front"), expecting: Fixture.cluster, room: room)
        server.receive(client.takeOutput())
        #expect(server.step == .failed(.outputFull))
        #expect(server.session.handshake(nil, 0) == .failed(.outputFull))
    }
}
