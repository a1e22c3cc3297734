import Foundation
import MeshCertificates
import MeshCore
import MeshInspect
import MeshLinux
import MeshTLS
import Testing

@Suite("Live endpoints")
struct EndpointTests {
    private func options(_ change: (inout EndpointProbe.Options) throws -> Void = { _ in }) rethrows
        -> EndpointProbe.Options
    {
        var options = EndpointProbe.Options()
        // Long enough for a machine with other work; tests that wait for the end of it set their own.
        options.timeout = .seconds(20)
        try change(&options)
        return options
    }

    private func probe(
        _ scheme: String, _ server: some LoopbackListener,
        _ change: (inout EndpointProbe.Options) throws -> Void = { _ in }
    ) throws -> Inspection.Subject {
        try withExtendedLifetime(server) { try probe(scheme, port: server.port, change) }
    }

    private func probe(
        _ scheme: String, port: UInt16, _ change: (inout EndpointProbe.Options) throws -> Void = { _ in }
    ) throws -> Inspection.Subject {
        let address = try #require(EndpointAddress("\(scheme)://127.0.0.1:\(port)"))
        return try EndpointProbe.run(address, options(change), doing: "test")
    }

    private func openssl(_ name: String, _ more: [String] = []) throws -> OpenSSLServer {
        try OpenSSLServer(["-cert", Fixture.path("\(name).pem"), "-key", Fixture.path("\(name).key.pem")] + more)
    }

    private func sent(_ name: String) throws -> [ParsedCertificate] {
        try CertificateBytes.read(Fixture.bytes("\(name).pem"), file: name)[0].certificates
    }

    @Test(
        "the certificate of openssl's server is taken, whatever it is worth",
        arguments: [
            "front", "rsa", "ed25519", "expired", "early", "stranger", "no-identity", "server-only",
        ])
    func takes(name: String) throws {
        let server = try openssl(name)
        let subject = try probe("tls", server)
        #expect(try subject.set.certificates == sent(name))
        let facts = try #require(subject.endpoint)
        #expect(facts.protocolVersion == "TLSv1.3")
        #expect(facts.clientCertificate == .notAsked && facts.failure == nil)
        #expect(facts.cipherSuite?.hasPrefix("TLS_") == true)
    }

    @Test("the whole chain is taken, over TLS 1.2 too", arguments: ["-tls1_2", "-tls1_3"])
    func takesChain(version: String) throws {
        let rest = FileManager.default.temporaryDirectory.appending(path: "meshctl-\(UUID().uuidString)")
        try Data(sent("chained")[1].pem.utf8).write(to: rest)
        defer { try? FileManager.default.removeItem(at: rest) }
        let server = try openssl("chained", ["-cert_chain", rest.path, version])
        let subject = try probe("tls", server)
        #expect(try subject.set.certificates == sent("chained"))
        #expect(subject.endpoint?.protocolVersion == (version == "-tls1_2" ? "TLSv1.2" : "TLSv1.3"))
    }

    @Test("HTTP/2 is offered, and what the server chose is told")
    func tellsALPN() throws {
        let server = try openssl("front", ["-alpn", "h2"])
        #expect(try probe("grpc", server).endpoint?.applicationProtocol == "h2")
    }

    @Test("a server that insists on a certificate gives its own all the same", arguments: ["-tls1_2", "-tls1_3"])
    func insists(version: String) throws {
        let server = try openssl(
            "front", ["-Verify", "1", "-verify_return_error", "-CAfile", Fixture.path("root.pem"), version])
        let subject = try probe("tls", server)
        #expect(try subject.set.certificates == sent("front"))
        #expect(subject.endpoint?.clientCertificate == .refused)
        #expect(subject.endpoint?.failure?.contains("alert") == true)
    }

    @Test("weak certificates are taken too")
    func takesWeak() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "meshctl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (key, certificate) = (folder.appending(path: "k").path, folder.appending(path: "c").path)
        let make = Process()
        make.executableURL = URL(filePath: "/usr/bin/openssl")
        make.arguments = [
            "req", "-x509", "-new", "-nodes", "-newkey", "rsa:1024", "-sha1", "-subj", "/CN=weak", "-keyout", key,
            "-out",
            certificate,
        ]
        make.standardError = FileHandle.nullDevice
        try make.run()
        make.waitUntilExit()
        let server = try OpenSSLServer(["-cert", certificate, "-key", key, "-cipher", "ALL:@SECLEVEL=0"])
        #expect(try probe("tls", server).set.certificates.count == 1)
    }

    @Test(
        "our own tunnel server says what it thinks of a client",
        arguments: [
            (nil, .refused), ("front", .accepted), ("stranger", .refused), ("foreign", .refused), ("expired", .refused),
        ] as [(String?, EndpointFacts.ClientCertificate)])
    func tunnel(client: String?, judgement: EndpointFacts.ClientCertificate) throws {
        let pem = try CredentialPEM(
            certificateChain: Fixture.bytes("cart.pem"), privateKey: Fixture.bytes("cart.key.pem"),
            trustBundle: Fixture.bytes("root.pem"))
        let credential = try TLSCredential(pem)
        let server = try LoopbackServer { TunnelServer.serve($0, credential) }
        let subject = try probe("hbone", server) { $0.certificate = try client.map(Fixture.client) }
        #expect(try subject.set.certificates == sent("cart"))
        let facts = try #require(subject.endpoint)
        #expect(facts.clientCertificate == judgement)
        #expect(facts.applicationProtocol == "h2" && facts.protocolVersion == "TLSv1.3")
        #expect((facts.failure == nil) == (judgement == .accepted))
        #expect(subject.expectedName == nil)
    }

    @Test("the name that was asked for is sent and looked for")
    func serverName() throws {
        let server = try openssl(
            "no-identity",
            [
                "-servername", "front.example.org", "-servername_fatal",
                "-cert2", Fixture.path("front.pem"), "-key2", Fixture.path("front.key.pem"),
            ])
        let subject = try probe("tls", server) { $0.serverName = "front.example.org" }
        #expect(try subject.set.certificates == sent("front"))
        #expect(subject.expectedName == "front.example.org")
        #expect(throws: MeshFailure.self) { try probe("tls", server) { $0.serverName = "other.example.org" } }
    }

    @Test("what is no TLS, hangs up, or is not there, is told")
    func tellsNoTLS() throws {
        let plain = try LoopbackServer { connection in
            var greeting = [UInt8](repeating: 0, count: 4096)
            _ = Kernel.wait(connection, writable: false, milliseconds: 20_000)
            _ = Kernel.receive(connection, &greeting, greeting.count)
            let answer = Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
            _ = Kernel.send(connection, answer, answer.count)
        }
        let failure = #expect(throws: MeshFailure.self) { try probe("tls", plain) }
        #expect(failure?.kind == .unavailable && failure?.reason.contains("HTTP/1") == true)
        let silent = try LoopbackServer { _ in }
        let hungUp = #expect(throws: MeshFailure.self) { try probe("tls", silent) }
        #expect(hungUp?.kind == .unavailable)
        let closed = try LoopbackServer(connections: 0) { _ in }
        let port = closed.port
        _ = consume closed
        let refused = #expect(throws: MeshFailure.self) { try probe("tls", port: port) }
        #expect(refused?.exitStatus == 69)
    }

    @Test("a server that says nothing costs the time limit and no more")
    func timeout() throws {
        let server = try LoopbackServer { connection in
            // Until the client has given up.
            var buffer = [UInt8](repeating: 0, count: 4096)
            while Kernel.wait(connection, writable: false, milliseconds: 20_000),
                Kernel.receive(connection, &buffer, buffer.count) > 0
            {}
        }
        let failure = #expect(throws: MeshFailure.self) {
            try probe("tls", server) { $0.timeout = .milliseconds(200) }
        }
        #expect(failure?.kind == .timeout && failure?.exitStatus == 75)
    }

    @Test("a handshake that comes in pieces, or is garbage behind its first record, ends well", arguments: [0, 1, 7])
    func garbage(seed: UInt8) throws {
        let server = try LoopbackServer { connection in
            var bytes: [UInt8] = [22, 3, 3, 0, 40, 2, 0, 0, 36]
            bytes += (0..<80).map { UInt8(truncatingIfNeeded: $0) &* 31 &+ seed }
            for byte in bytes { _ = withUnsafePointer(to: byte) { Kernel.send(connection, $0, 1) } }
        }
        let failure = #expect(throws: MeshFailure.self) { try probe("tls", server) }
        #expect(failure?.kind == .unavailable)
    }

    @Test("a client certificate that does not fit its key is a matter of usage")
    func badClient() throws {
        let mixed = try HandshakeProbe.ClientCertificate(
            chain: Fixture.bytes("front.pem"), key: Fixture.bytes("cart.key.pem"))
        let server = try openssl("front")
        let failure = #expect(throws: MeshFailure.self) { try probe("tls", server) { $0.certificate = mixed } }
        #expect(failure?.kind == .usage)
        var shown = ""
        dump(mixed, to: &shown)
        #expect(!shown.contains("45"))
    }

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
            "[1.2.3.4]:1",
            "a b:1", "a:1:2", "tls://a/b", "a\u{0}:1", "C:\\x",
        ])
    func refuses(text: String) { #expect(EndpointAddress(text) == nil) }
}
