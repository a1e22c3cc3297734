import MeshCore
import MeshTLS
import Testing

@Suite("TLS with the openssl command")
struct ForeignPeerTests {
    static let alpn = ["-alpn", "h2", "-tls1_3"]

    /// What makes a foreign peer unacceptable in either role.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let name: String
        let reason: HandshakeFailure
    }

    static let refused = [
        Case(
            testDescription: "expired", name: "expired",
            reason: .expired(certificate: "spiffe://cluster.local/ns/web/sa/expired", notAfter: 1_609_459_200)),
        Case(
            testDescription: "not yet valid", name: "early",
            reason: .notYetValid(certificate: "spiffe://cluster.local/ns/web/sa/early", notBefore: 4_701_974_400)),
        Case(
            testDescription: "without a SPIFFE ID", name: "no-identity",
            reason: .notASPIFFEID(["https://example.org/front"])),
        Case(testDescription: "of an unknown issuer", name: "stranger", reason: .unknownIssuer("O=other root")),
    ]

    private func server(facing arguments: [String], options: TLSOptions = TLSOptions()) throws -> (Side, ForeignPeer) {
        let side = try Side(.server, Fixture.credential("front", options: options), expecting: Fixture.cluster)
        return try (side, ForeignPeer(client: arguments))
    }

    private func client(
        facing arguments: [String], expecting: PeerExpectation? = nil, options: TLSOptions = TLSOptions()
    ) throws -> (Side, ForeignPeer) {
        let side = try Side(
            .client, Fixture.credential("cart", options: options), expecting: expecting ?? .oneOf([Fixture.id("front")])
        )
        return try (side, ForeignPeer(server: arguments))
    }

    @Test("a server refuses a client", arguments: refused)
    func refusesClient(peer: Case) throws {
        let (side, peerProcess) = try server(facing: ForeignPeer.identity(peer.name) + Self.alpn)
        peerProcess.settle(side) { false }
        #expect(side.failure == peer.reason)
        #expect(side.session.peerIdentity == nil)
    }

    @Test("a client refuses a server", arguments: refused)
    func refusesServer(peer: Case) throws {
        let (side, peerProcess) = try client(facing: ForeignPeer.identity(peer.name) + Self.alpn)
        peerProcess.settle(side) { false }
        #expect(side.failure == peer.reason)
        #expect(side.session.peerIdentity == nil)
    }

    @Test("a client without a certificate is refused")
    func refusesNoCertificate() throws {
        let (side, peer) = try server(facing: Self.alpn)
        peer.settle(side) { false }
        #expect(side.failure == .noClientCertificate)
    }

    @Test("a client that does not offer h2 is refused", arguments: [[], ["http/1.1", "spdy/3"]])
    func refusesALPN(offer: [String]) throws {
        let alpn = offer.isEmpty ? [] : ["-alpn", offer.joined(separator: ",")]
        let (side, peer) = try server(facing: ForeignPeer.identity("cart") + ["-tls1_3"] + alpn)
        peer.settle(side) { false }
        #expect(side.failure == .noCommonALPN(offered: offer))
    }

    @Test("a server that does not choose h2 is refused")
    func refusesServerALPN() throws {
        let (side, peer) = try client(facing: ForeignPeer.identity("front") + ["-tls1_3"])
        peer.settle(side) { false }
        #expect(side.failure == .noCommonALPN(offered: []))
    }

    @Test("a server that insists on another protocol is reported")
    func reportsServerALPN() throws {
        let (side, peer) = try client(facing: ForeignPeer.identity("front") + ["-tls1_3", "-alpn", "http/1.1"])
        peer.settle(side) { false }
        #expect(side.failure == .peerAlert("no_application_protocol"))
    }

    @Test("TLS 1.2 is refused unless allowed", arguments: [false, true])
    func judgesTLS12(allowed: Bool) throws {
        var options = TLSOptions()
        options.allowsTLS12 = allowed
        let older = ["-tls1_2", "-alpn", "h2"]
        let (one, clientProcess) = try server(facing: ForeignPeer.identity("cart") + older, options: options)
        clientProcess.settle(one) { one.step == .done }
        let (other, serverProcess) = try client(facing: ForeignPeer.identity("front") + older, options: options)
        serverProcess.settle(other) { other.step == .done }
        #expect(one.failure == (allowed ? nil : .unsupportedVersion))
        #expect(other.failure == (allowed ? nil : .peerAlert("protocol_version")))
        #expect(one.session.protocolVersion == (allowed ? "TLSv1.2" : nil))
        #expect(other.session.protocolVersion == (allowed ? "TLSv1.2" : nil))
        guard allowed else { return }
        clientProcess.type("hello\n")
        clientProcess.settle(one) { one.received.count == 6 }
        #expect(one.takeReceived() == Array("hello\n".utf8))
    }

    @Test("a wrong signature of the peer is told from other faults")
    func refusesSignature() throws {
        // Only TLS 1.2 signs in the clear, where a test can reach it.
        var options = TLSOptions()
        options.allowsTLS12 = true
        let (side, peer) = try client(
            facing: ForeignPeer.identity("front") + ["-tls1_2", "-alpn", "h2"], options: options)
        side.begin()
        peer.send(side.takeOutput())
        var flight: [UInt8] = []
        let helloDone: [UInt8] = [14, 0, 0, 0]
        while flight.suffix(4) != helloDone[...] {
            let more = peer.receive()
            try #require(!more.isEmpty)
            flight += more
        }
        var start = 0
        while start + 5 < flight.count {
            let end = start + 5 + Int(flight[start + 3]) << 8 + Int(flight[start + 4])
            // ServerKeyExchange ends with the signature.
            if flight[start + 5] == 12 { flight[end - 1] ^= 1 }
            start = end
        }
        side.receive(flight)
        #expect(side.failure == .badSignature)
    }

    @Test("without a common cipher suite there is no handshake")
    func refusesCipherSuites() throws {
        let (side, peer) = try server(
            facing: ForeignPeer.identity("cart") + Self.alpn + ["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"])
        peer.settle(side) { false }
        guard case .protocolError? = side.failure else {
            Issue.record("\(String(describing: side.failure))")
            return
        }
    }

    @Test("the first of two SPIFFE IDs is the identity where the trust domain counts")
    func takesFirstIdentity() throws {
        let (side, peer) = try server(facing: ForeignPeer.identity("twice") + Self.alpn)
        peer.settle(side) { side.step == .done }
        #expect(side.session.peerIdentity?.description == "spiffe://example.org/ns/web/sa/first")
    }

    @Test("the expected one of two SPIFFE IDs is the identity where names count")
    func takesExpectedIdentity() throws {
        let expected = try Fixture.id("second")
        let (side, peer) = try client(facing: ForeignPeer.identity("twice") + Self.alpn, expecting: .oneOf([expected]))
        peer.settle(side) { side.step == .done }
        #expect(side.session.peerIdentity == expected)
    }

    /// Data both ways, then again after each kind of KeyUpdate: with and without an answer of ours.
    private func exchange(_ side: Side, _ peer: ForeignPeer) {
        for letter in ["", "K", "k"] {
            if !letter.isEmpty {
                // The command reads a letter alone, so the text waits until the KeyUpdate has come.
                let before = side.cipherBytes
                peer.type("\(letter)\n")
                peer.settle(side) { side.cipherBytes > before }
            }
            peer.type("hello\n")
            peer.settle(side) { side.received.count >= 6 }
            #expect(side.takeReceived() == Array("hello\n".utf8))
            #expect(side.seal(Array("answer \(letter)\n".utf8)) == .sealed)
            peer.settle(side) { true }
            #expect(peer.reads("answer \(letter)\n"))
        }
    }

    @Test("data, tickets and KeyUpdates of a foreign server are taken")
    func talksToServer() throws {
        let (side, peer) = try client(facing: ForeignPeer.identity("front") + Self.alpn + ["-Verify", "1"])
        peer.settle(side) { side.step == .done }
        exchange(side, peer)
    }

    @Test("data and KeyUpdates of a foreign client are taken")
    func talksToClient() throws {
        let (side, peer) = try server(facing: ForeignPeer.identity("cart") + Self.alpn)
        peer.settle(side) { side.step == .done }
        #expect(try side.session.peerIdentity == Fixture.id("cart", namespace: "shop"))
        exchange(side, peer)
        peer.type("Q\n")
        peer.settle(side) { false }
        #expect(side.ending == .closed)
    }
}
