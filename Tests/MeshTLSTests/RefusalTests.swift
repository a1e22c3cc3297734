import MeshCore
import MeshTLS
import Testing

/// A handshake in memory that ends badly, and what each side says of it.
struct Refusal: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var client = "cart"
    var clientRoots = "root.pem"
    var server = "front"
    var serverRoots = "root.pem"
    /// Accounts of the namespace web that the client expects; `nil` means whoever the server is.
    var expecting: [String]?
    let clientSays: HandshakeFailure
    let serverSays: HandshakeFailure

    static func identity(_ text: String) -> SPIFFEID {
        do { return try SPIFFEID(parsing: text) } catch { preconditionFailure("\(error)") }
    }
    static let front = identity("spiffe://cluster.local/ns/web/sa/front")
    static let foreign = identity("spiffe://example.org/ns/web/sa/foreign")

    static let all = [
        Refusal(
            testDescription: "server of an unknown issuer", server: "stranger",
            clientSays: .unknownIssuer("O=other root"), serverSays: .peerAlert("unknown_ca")),
        Refusal(
            testDescription: "client of an unknown issuer", client: "stranger",
            clientSays: .peerAlert("unknown_ca"), serverSays: .unknownIssuer("O=other root")),
        Refusal(
            testDescription: "server of a root named alike", server: "impostor",
            clientSays: .badCertificateSignature(issuer: "O=cluster.local"), serverSays: .peerAlert("decrypt_error")),
        Refusal(
            testDescription: "client of a renewed root", client: "renewed",
            clientSays: .peerAlert("unknown_ca"), serverSays: .badCertificateSignature(issuer: "O=cluster.local")),
        Refusal(
            testDescription: "client of another trust domain", client: "foreign",
            clientSays: .peerAlert("bad_certificate"),
            serverSays: .wrongTrustDomain(found: foreign, expected: Fixture.domain("cluster.local"))),
        Refusal(
            testDescription: "server of another name", expecting: ["back", "side"],
            clientSays: .unexpectedIdentity(
                found: front,
                expected: [
                    identity("spiffe://cluster.local/ns/web/sa/back"),
                    identity("spiffe://cluster.local/ns/web/sa/side"),
                ]), serverSays: .peerAlert("bad_certificate")),
        Refusal(
            testDescription: "client that expects nobody", expecting: [],
            clientSays: .unexpectedIdentity(found: front, expected: []), serverSays: .peerAlert("bad_certificate")),
        Refusal(
            testDescription: "client whose certificate is for servers", client: "server-only",
            clientSays: .peerAlert("unsupported_certificate"),
            serverSays: .certificateRejected(
                certificate: "spiffe://cluster.local/ns/web/sa/server-only", reason: "unsuitable certificate purpose")),
    ]
}

@Suite("TLS refusals")
struct RefusalTests {
    @Test("both sides say why", arguments: Refusal.all)
    func saysWhy(refusal: Refusal) throws {
        let pair = try Pair(
            client: Fixture.credential(refusal.client, roots: refusal.clientRoots),
            server: Fixture.credential(refusal.server, roots: refusal.serverRoots),
            expecting: refusal.expecting.map { accounts in try .oneOf(accounts.map { try Fixture.id($0) }) })
        pair.settle()
        #expect(pair.client.failure == refusal.clientSays)
        #expect(pair.server.failure == refusal.serverSays)
    }

    @Test("a refused client learns it from open, after its own handshake")
    func refusedClientLearnsLate() throws {
        let pair = try Pair(client: Fixture.credential("stranger"), server: Fixture.credential("front"))
        pair.settle()
        #expect(pair.client.step == .done)
        #expect(pair.client.ending == .failed(.peerAlert("unknown_ca")))
        #expect(!pair.client.session.isEstablished)
        #expect(pair.client.seal([1]) == .failed(.peerAlert("unknown_ca")))
    }

    static let plaintext: [(bytes: [UInt8], looksLike: String)] = [
        (Array("GET / HTTP/1.1\r\n\r\n".utf8), "an HTTP/1 request"),
        (Array("CONNECT a:1 HTTP/1.1\r\n\r\n".utf8), "an HTTP/1 request"),
        (Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), "HTTP/2 without TLS"),
        ([0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3], "HTTP/2 without TLS"),
        (Array("HTTP/1.1 400 Bad Request\r\n".utf8), "an HTTP/1 response"),
        (Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), "SSH"),
        (Array("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".utf8), "the PROXY protocol"),
        ([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 33], "the PROXY protocol version 2"),
        ([0x80, 0x2E, 1, 0, 2], "something else (80 2e 01 00 02)"),
        (Array("x".utf8), "something else (\"x\")"),
        ([22, 2], "something else (16 02)"),
    ]

    @Test("plaintext sent to a server is recognised", arguments: plaintext)
    func recognisesPlaintext(bytes: [UInt8], looksLike: String) throws {
        let server = try Side(.server, Fixture.credential("front"), expecting: Fixture.cluster)
        server.receive(bytes)
        guard case .failed(.plaintextToTLSPort(let what)) = server.step else {
            Issue.record("\(server.step)")
            return
        }
        #expect(what.hasPrefix(looksLike))
        #expect(server.takeOutput().isEmpty)
    }

    @Test("plaintext answered to a client is recognised", arguments: plaintext)
    func recognisesPlaintextAnswer(bytes: [UInt8], looksLike: String) throws {
        let client = try Side(.client, Fixture.credential("cart"), expecting: .oneOf([Fixture.id("front")]))
        client.begin()
        _ = client.takeOutput()
        client.receive(bytes)
        guard case .failed(.tlsToPlaintextPort(let what)) = client.step else {
            Issue.record("\(client.step)")
            return
        }
        #expect(what.hasPrefix(looksLike))
        #expect(client.takeOutput().isEmpty)
    }

    @Test("an alert instead of a hello is reported")
    func reportsAlert() throws {
        let client = try Side(.client, Fixture.credential("cart"), expecting: .oneOf([Fixture.id("front")]))
        client.begin()
        client.receive([21, 3, 3, 0, 2, 2, 40])
        #expect(client.step == .failed(.peerAlert("handshake_failure")))
    }

    @Test("an altered handshake fails at every byte", arguments: [0, 1, 2])
    func refusesAlteredFlight(stride offset: Int) throws {
        let (client, server) = try (Fixture.credential("cart"), Fixture.credential("front"))
        let probe = try Pair(client: client, server: server)
        probe.client.begin()
        probe.server.receive(probe.client.takeOutput())
        let length = probe.server.takeOutput().count
        for index in stride(from: 6 + offset, to: length, by: 29) {
            let pair = try Pair(client: client, server: server)
            pair.client.begin()
            pair.server.receive(pair.client.takeOutput())
            var flight = pair.server.takeOutput()
            guard index < flight.count else { continue }
            flight[index] ^= 0x10
            pair.client.receive(flight)
            #expect(pair.client.step != .done, "byte \(index)")
        }
    }
}
