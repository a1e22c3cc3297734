import Testing

@testable import MeshTLS

@Suite("Chains that were verified before")
struct VerifiedChainsTests {
    private func handshake(
        _ client: TLSCredential, _ server: TLSCredential, expecting: PeerExpectation? = nil
    ) throws -> Pair {
        let pair = try Pair(client: client, server: server, expecting: expecting)
        pair.settle()
        return pair
    }

    @Test("need no verification a second time, in either role", arguments: ["cart", "chained"])
    func again(name: String) throws {
        let (client, server) = try (Fixture.credential(name), Fixture.credential("front"))
        for hits in 0..<3 {
            let pair = try handshake(client, server)
            #expect(pair.client.failure == nil && pair.server.failure == nil)
            #expect(pair.server.session.peerIdentity == client.identity)
            #expect(pair.client.session.peerIdentity == server.identity)
            #expect(client.client.chains.hits == hits && server.server.chains.hits == hits)
        }
    }

    @Test("say nothing of others")
    func others() throws {
        let server = try Fixture.credential("front")
        _ = try handshake(Fixture.credential("cart"), server)
        _ = try handshake(Fixture.credential("chained"), server)
        #expect(server.server.chains.hits == 0)
        for name in ["stranger", "impostor", "renewed", "early"] {
            #expect(try handshake(Fixture.credential(name), server).server.failure != nil)
        }
        #expect(server.server.chains.hits == 0)
    }

    @Test("do not make anybody welcome: the identity is judged each time, with the same words")
    func identity() throws {
        let (client, server) = try (Fixture.credential("cart"), Fixture.credential("front"))
        let other = try PeerExpectation.oneOf([Fixture.id("back")])
        let first = try handshake(Fixture.credential("cart"), server, expecting: other)
        _ = try handshake(client, server)
        let known = try handshake(client, server, expecting: other)
        #expect(client.client.chains.hits == 1)
        #expect(known.client.failure != nil && known.client.failure == first.client.failure)
        #expect(known.server.failure == first.server.failure)
    }

    @Test("are of one role: who may serve may not call")
    func role() throws {
        let (server, peer) = try (Fixture.credential("server-only"), Fixture.credential("front"))
        #expect(try handshake(peer, server).client.failure == nil)
        #expect(try handshake(peer, server).client.failure == nil && peer.client.chains.hits == 1)
        #expect(try handshake(server, peer).server.failure != nil)
    }

    @Test("are of one set of roots")
    func roots() throws {
        let client = try Fixture.credential("cart")
        _ = try handshake(client, Fixture.credential("front"))
        #expect(try handshake(client, Fixture.credential("front", roots: "other-root.pem")).server.failure != nil)
    }

    @Test("are forgotten when one of their certificates runs out, or when they are too many")
    func forgotten() {
        let chains = VerifiedChains()
        chains.note([1], until: 100)
        #expect(chains.holds([1], now: 99) && !chains.holds([1], now: 100) && !chains.holds([1], now: 99))
        for number in 0..<VerifiedChains.most { chains.note([UInt8(number >> 8), UInt8(number & 255)], until: 100) }
        #expect(chains.holds([0, 0], now: 0))
        chains.note([1, 2, 3], until: 100)
        #expect(!chains.holds([0, 0], now: 0) && chains.holds([1, 2, 3], now: 0))
    }
}
