import Foundation
import MeshCertificates
import MeshCore
import MeshInspect
import MeshTLS
import MeshTestSupport
import Testing

/// Servers and probes block, so both have threads of their own: the tests beside these need theirs.
@Suite("Live endpoints")
struct EndpointTests {
    private func probe(
        _ scheme: String, _ server: some LoopbackListener, host: String = "127.0.0.1",
        _ change: (inout EndpointProbe.Options) throws -> Void = { _ in }
    ) async throws -> Inspection.Subject {
        let address = try #require(EndpointAddress("\(scheme)://\(host):\(server.port)"))
        var options = EndpointProbe.Options()
        // Long enough for a machine with other work; tests that wait for the end of it set their own.
        options.timeout = .seconds(60)
        try change(&options)
        return try await apart { [options] in
            try withExtendedLifetime(server) { try EndpointProbe.run(address, options, doing: "test") }
        }
    }

    private func openssl(_ name: String, _ more: [String] = []) async throws -> OpenSSLServer {
        let (certificate, key) = (Fixture.path("\(name).pem"), Fixture.path("\(name).key.pem"))
        return try await apart { try OpenSSLServer(["-cert", certificate, "-key", key] + more) }
    }

    private func sent(_ name: String) throws -> [ParsedCertificate] {
        try CertificateBytes.read(Fixture.bytes("\(name).pem"), file: name)[0].certificates
    }

    // MARK: What is taken

    @Test(
        "the certificate of openssl's server is taken, whatever it is worth",
        arguments: [
            "front", "rsa", "ed25519", "expired", "early", "stranger", "no-identity", "server-only",
        ])
    func takes(name: String) async throws {
        let subject = try await probe("tls", openssl(name))
        #expect(try subject.set.certificates == sent(name))
        let facts = try #require(subject.endpoint)
        #expect(facts.protocolVersion == "TLSv1.3")
        #expect(facts.clientCertificate == .notAsked && facts.failure == nil)
        #expect(facts.cipherSuite?.hasPrefix("TLS_") == true)
    }

    @Test("the whole chain is taken, over TLS 1.2 too", arguments: ["-tls1_2", "-tls1_3"])
    func takesChain(version: String) async throws {
        let folder = try TemporaryFolder()
        let rest = try folder.write("rest.pem", sent("chained")[1].pem)
        let subject = try await probe("tls", openssl("chained", ["-cert_chain", rest, version]))
        #expect(try subject.set.certificates == sent("chained"))
        #expect(subject.endpoint?.protocolVersion == (version == "-tls1_2" ? "TLSv1.2" : "TLSv1.3"))
    }

    @Test("HTTP/2 is offered, and what the server chose is told")
    func tellsALPN() async throws {
        let subject = try await probe("grpc", openssl("front", ["-alpn", "h2"]))
        #expect(subject.endpoint?.applicationProtocol == "h2")
    }

    @Test("a host that has a name is looked up, and its name expected")
    func looksUp() async throws {
        let subject = try await probe("tls", openssl("front"), host: "localhost")
        #expect(subject.expectedName == "localhost" && subject.endpoint?.serverName == "localhost")
    }

    @Test("the name that was asked for is sent and looked for")
    func serverName() async throws {
        let server = try await openssl(
            "no-identity",
            [
                "-servername", "front.example.org", "-servername_fatal",
                "-cert2", Fixture.path("front.pem"), "-key2", Fixture.path("front.key.pem"),
            ])
        let subject = try await probe("tls", server) { $0.serverName = "front.example.org" }
        #expect(try subject.set.certificates == sent("front"))
        #expect(subject.expectedName == "front.example.org")
        await #expect(throws: MeshFailure.self) {
            try await probe("tls", server) { $0.serverName = "other.example.org" }
        }
    }

    // MARK: Client certificates

    @Test("a server that insists on a certificate gives its own all the same", arguments: ["-tls1_2", "-tls1_3"])
    func insists(version: String) async throws {
        let server = try await openssl(
            "front", ["-Verify", "1", "-verify_return_error", "-verifyCAfile", Fixture.path("root.pem"), version])
        let subject = try await probe("tls", server)
        #expect(try subject.set.certificates == sent("front"))
        #expect(subject.endpoint?.clientCertificate == .refused)
        #expect(subject.endpoint?.failure?.contains("alert") == true)
    }

    @Test(
        "our own tunnel server says what it thinks of a client",
        arguments: [
            (nil, .refused), ("front", .accepted), ("stranger", .refused), ("foreign", .refused), ("expired", .refused),
        ] as [(String?, EndpointFacts.ClientCertificate)])
    func tunnel(client: String?, judgement: EndpointFacts.ClientCertificate) async throws {
        let pem = try CredentialPEM(
            certificateChain: Fixture.bytes("cart.pem"), privateKey: Fixture.bytes("cart.key.pem"),
            trustBundle: Fixture.bytes("root.pem"))
        let credential = try TLSCredential(pem)
        let server = try LoopbackServer { TunnelServer.serve($0, credential) }
        let subject = try await probe("hbone", server) { $0.certificate = try client.map(Fixture.client) }
        #expect(try subject.set.certificates == sent("cart"))
        let facts = try #require(subject.endpoint)
        #expect(facts.clientCertificate == judgement)
        #expect(facts.applicationProtocol == "h2" && facts.protocolVersion == "TLSv1.3")
        #expect((facts.failure == nil) == (judgement == .accepted))
        #expect(subject.expectedName == nil)
    }

    @Test("a server that says nothing of a certificate leaves it open, and that costs the time limit")
    func unanswered() async throws {
        let server = try await openssl("front", ["-verify", "1"])
        let subject = try await probe("tls", server) {
            $0.certificate = try Fixture.client("front")
            $0.timeout = .seconds(4)
        }
        #expect(subject.endpoint?.clientCertificate == .unanswered)
        #expect(try subject.set.certificates == sent("front"))
    }

    @Test("a client certificate that does not fit its key is a matter of usage")
    func badClient() async throws {
        let mixed = try HandshakeProbe.ClientCertificate(
            chain: Fixture.bytes("front.pem"), key: Fixture.bytes("cart.key.pem"))
        let server = try DeadPort(isFull: false)
        let failure = await #expect(throws: MeshFailure.self) {
            try await probe("tls", server) { $0.certificate = mixed }
        }
        #expect(failure?.kind == .usage)
        var shown = ""
        dump(mixed, to: &shown)
        #expect(!shown.contains("45"))
    }

    // MARK: Mistakes

    /// What a server of the mesh shows, the errors that must be named, and the rule that stops its way to the root.
    static let mistakes: [(name: String, errors: [CertificateFinding.Check], rule: TrustVerdict.Rule?)] = [
        ("front", [], nil), ("no-usage", [], nil),
        ("expired", [.expired], .expired), ("early", [.notYetValid], .notYetValid),
        ("stranger", [.untrusted], .issuerMissing), ("impostor", [.untrusted], .signature),
        ("chained", [.untrusted], .issuerMissing), ("foreign", [.wrongTrustDomain], nil),
        ("twice", [.wrongTrustDomain, .severalIdentities], nil), ("mixed", [.severalIdentities, .nameMismatch], nil),
        ("server-only", [.missingClientUsage], .extendedKeyUsage),
        ("no-identity", [.noIdentity, .nameMismatch], nil),
    ]

    private func inspect(_ subject: Inspection.Subject) throws -> InspectionReport {
        // 2026-11-25T12:00:00Z, within the life of the fixtures.
        var options = Inspection.Options(now: 1_795_608_000)
        options.bundle = try CertificateSources(doing: "test").bundle([Fixture.path("root.pem")])
        options.trustDomain = try TrustDomain(parsing: "cluster.local")
        return Inspection(options).report([subject])
    }

    @Test("each mistake of a server is named", arguments: mistakes)
    func names(name: String, errors: [CertificateFinding.Check], rule: TrustVerdict.Rule?) async throws {
        let report = try inspect(await probe("tls", openssl(name)))
        #expect(report.findings.filter { $0.severity == .error }.map(\.check) == errors, "\(report.findings)")
        #expect(report.sets[0].verdicts.map(\.rule) == [rule])
        #expect(report.trusted == (rule == nil))
    }

    @Test("a root that is sent along is told")
    func rootSent() async throws {
        let report = try inspect(await probe("tls", openssl("front", ["-cert_chain", Fixture.path("root.pem")])))
        #expect(report.findings.contains { $0.check == .rootSent })
        #expect(report.trusted == true)
    }

    @Test("weak keys and names that are not critical are taken and told")
    func weak() async throws {
        let folder = try TemporaryFolder()
        let (key, certificate) = (folder.file("key.pem"), folder.file("certificate.pem"))
        let made = try await runApart([
            "openssl", "req", "-x509", "-new", "-nodes", "-newkey", "rsa:1024", "-sha1", "-subj", "/", "-addext",
            "subjectAltName=URI:spiffe://cluster.local/ns/web/sa/front", "-keyout", key, "-out", certificate,
        ])
        #expect(made.status == 0, "\(made.output)")
        let server = try await apart {
            try OpenSSLServer(["-cert", certificate, "-key", key, "-cipher", "ALL:@SECLEVEL=0"])
        }
        let checks = try Set(inspect(await probe("tls", server)).findings.map(\.check))
        #expect(checks.isSuperset(of: [.weakKey, .namesNotCritical, .leafIsAuthority]), "\(checks)")
    }

    // MARK: What is no server

    @Test("what is no TLS is told by its first words")
    func tellsNoTLS() async throws {
        let plain = try LoopbackServer { connection in
            _ = LoopbackServer.receive(connection)
            LoopbackServer.send(connection, Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        }
        let failure = await #expect(throws: MeshFailure.self) { try await probe("tls", plain) }
        #expect(failure?.kind == .unavailable && failure?.reason.contains("HTTP/1") == true)
    }

    @Test("a port that refuses is told at once, and one that never answers when the time is over")
    func deadPorts() async throws {
        let refused = await #expect(throws: MeshFailure.self) { try await probe("tls", DeadPort(isFull: false)) }
        #expect(refused?.exitStatus == 69 && refused?.reason.contains("refused") == true)
        let late = await #expect(throws: MeshFailure.self) {
            try await probe("tls", DeadPort(isFull: true)) { $0.timeout = .milliseconds(300) }
        }
        #expect(late?.exitStatus == 75 && late?.reason.contains("connect to") == true)
    }

    @Test("a server that hangs up in the handshake is told, wherever it does so", arguments: [0, 1, 5, 90, 400])
    func hangsUp(bytes: Int) async throws {
        let server = try await openssl("front")
        let cut = try LoopbackServer.relay(to: server.port, answering: bytes)
        let failure = await #expect(throws: MeshFailure.self) { try await probe("tls", cut) }
        withExtendedLifetime(server) {}
        #expect(failure?.kind == .unavailable && failure?.reason.contains("hung up") == true)
    }

    @Test("a server that falls silent costs the time limit and no more", arguments: [0, 90])
    func fallsSilent(bytes: Int) async throws {
        let server = try await openssl("front")
        let silent = try LoopbackServer.relay(to: server.port, answering: bytes) { LoopbackServer.swallow($0) }
        let begun = ContinuousClock.now
        let failure = await #expect(throws: MeshFailure.self) {
            try await probe("tls", silent) { $0.timeout = .milliseconds(200) }
        }
        withExtendedLifetime(server) {}
        #expect(failure?.kind == .timeout && failure?.exitStatus == 75, "\(String(describing: failure))")
        // Far below the patience of the server.
        #expect(ContinuousClock.now - begun < .seconds(30))
    }

    @Test("a handshake that comes in pieces, or is garbage behind its first record, ends well", arguments: [0, 1, 7])
    func garbage(seed: UInt8) async throws {
        let server = try LoopbackServer { connection in
            _ = LoopbackServer.receive(connection)
            var bytes: [UInt8] = [22, 3, 3, 0, 40, 2, 0, 0, 36]
            bytes += (0..<80).map { UInt8(truncatingIfNeeded: $0) &* 31 &+ seed }
            for byte in bytes { LoopbackServer.send(connection, [byte]) }
        }
        let failure = await #expect(throws: MeshFailure.self) { try await probe("tls", server) }
        #expect(failure?.kind == .unavailable && failure?.reason.contains("hung up") == false)
    }

    // MARK: Addresses

    static let addresses: [(String, EndpointAddress.Scheme, String, UInt16)] = [
        ("a.example:8443", .tls, "a.example", 8443), ("10.0.0.1:1", .tls, "10.0.0.1", 1),
        ("[::1]:443", .tls, "::1", 443), ("tls://a.example", .tls, "a.example", 443),
        ("hbone://10.0.0.1", .hbone, "10.0.0.1", 15008), ("hbone://10.0.0.1:1/", .hbone, "10.0.0.1", 1),
        ("grpc://istiod.istio-system.svc:15012", .grpc, "istiod.istio-system.svc", 15012),
        ("grpc://[2001:db8::1]", .grpc, "2001:db8::1", 15012),
    ]

    @Test("addresses are read", arguments: addresses)
    func reads(text: String, scheme: EndpointAddress.Scheme, host: String, port: UInt16) throws {
        let address = try #require(EndpointAddress(text))
        #expect((address.scheme, address.host, address.port) == (scheme, host, port))
        #expect(EndpointAddress(address.description) == address)
    }

    @Test(
        "what is no address is not taken for one",
        arguments: [
            "a.pem", "a/b.pem", "-", "a", "a:", ":443", "a:0", "a:65536", "http://a", "tls://", "::1:443",
            "[1.2.3.4]:1", "a b:1", "a:1:2", "tls://a/b", "a\u{0}:1", "C:\\x",
        ])
    func refuses(text: String) { #expect(EndpointAddress(text) == nil) }
}
