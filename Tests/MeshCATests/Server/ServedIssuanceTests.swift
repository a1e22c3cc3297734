import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import Logging
import MeshCA
import MeshCore
import MeshTestSupport
import Testing
import X509

/// The whole way: client, TLS on loopback, server, certificate.
@Suite("A served authority")
struct ServedIssuanceTests {
    @Test("issues the caller's one identity when none is named (C17)")
    func issuesOwn() async throws {
        try await ServedAuthority.serving { served in
            let wanted = try identity("shop", "cart")
            let got = try await served.client(token: "cart").issue(
                identity: wanted, ttl: .seconds(600), impersonate: false)
            #expect(got.notAfter - got.notBefore == 720)
            #expect(got.identity == wanted)
            #expect(got.trustBundlePEM == served.authority.material.rootPEM)
            #expect(try PEM.certificates(got.certificateChainPEM).count == 1)
            #expect(got.privateKeyPEM.hasPrefix("-----BEGIN PRIVATE KEY-----"))
            let line = try #require(served.log.lines.first { $0.message == "certificate issued" })
            #expect(line.level == .info)
            #expect(line.metadata["caller.name"] == "cart")
            #expect(line.metadata["certificate.serial"] == got.serial)
            #expect(line.metadata["identity"] == "\(wanted)")
        }
    }

    @Test("issues an identity on the caller's list (C21)", arguments: [("shop", "cart"), ("web", "any.account")])
    func impersonates(namespace: String, account: String) async throws {
        try await ServedAuthority.serving { served in
            let wanted = try identity(namespace, account)
            let got = try await served.client(token: "node").issue(identity: wanted, ttl: .zero, impersonate: true)
            let leaf = try #require(try PEM.certificates(got.certificateChainPEM).first)
            #expect(try PeerCertificate.identity(of: leaf) == wanted)
            #expect(got.notAfter - got.notBefore == day + 120)
        }
    }

    @Test("refuses alike what is not on the list, and keeps the reason (C20)")
    func refusesImpersonation() async throws {
        try await ServedAuthority.serving { served in
            let client = try served.client(token: "node")
            let asked = [try identity("shop", "other"), try identity("shop", "cart", "other.local")]
            for id in asked {
                let error = await #expect(throws: CertificateError.self) {
                    try await client.issue(identity: id, ttl: .zero, impersonate: true)
                }
                guard case .unauthenticated(_, let message) = error else {
                    Issue.record("unexpected \(String(describing: error))")
                    continue
                }
                #expect(message == "request impersonation authentication failure")
            }
            let reasons = served.log.lines.filter { $0.level == .warning }.compactMap { $0.metadata["reason"] }
            #expect(reasons.count == 2)
            #expect(reasons.last?.contains("another trust domain") == true)
        }
    }
}

@Suite("The door of a served authority")
struct ServedTransportTests {
    /// One call with everything about the connection in the test's hands.
    func call(
        _ served: ServedAuthority, security: HTTP2ClientTransport.Posix.TransportSecurity, csr: String,
        token: String? = nil
    ) async throws -> IstioCertificateResponse {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: Int(served.address.port)), transportSecurity: security,
            eventLoopGroup: ControlEventLoop.group)
        return try await withGRPCClient(transport: transport) { client in
            var metadata: Metadata = [:]
            if let token { metadata.addString("Bearer \(token)", forKey: "authorization") }
            var options = CallOptions.defaults
            options.waitForReady = false
            options.maxRequestMessageBytes = 16 << 20
            let message = IstioCertificateRequest(csr: csr, validityDuration: 0, impersonatedIdentity: nil)
            return try await client.unary(
                request: ClientRequest(message: message, metadata: metadata),
                descriptor: CreateCertificateMethod.descriptor,
                serializer: ProtobufSerializer<IstioCertificateRequest>(),
                deserializer: ProtobufDeserializer<IstioCertificateResponse>(), options: options
            ) { try $0.message }
        }
    }

    func trusting(_ served: ServedAuthority) -> HTTP2ClientTransport.Posix.TransportSecurity {
        .tls { $0.trustRoots = Self.roots(served) }
    }

    static func roots(_ served: ServedAuthority) -> TLSConfig.TrustRootsSource {
        .certificates([.bytes(Array(served.authority.material.rootPEM.utf8), format: .pem)])
    }

    func mutual(
        _ served: ServedAuthority, _ chain: String, _ key: String
    ) -> HTTP2ClientTransport.Posix.TransportSecurity {
        .mTLS(
            certificateChain: [.bytes(Array(chain.utf8), format: .pem)],
            privateKey: .bytes(Array(key.utf8), format: .pem)
        ) { $0.trustRoots = Self.roots(served) }
    }

    @Test("renews by client certificate alone")
    func clientCertificate() async throws {
        try await ServedAuthority.serving { served in
            let id = try identity("shop", "cart")
            let held = try await served.client(token: "cart").issue(identity: id, ttl: .zero, impersonate: false)
            let security = mutual(served, held.certificateChainPEM, held.privateKeyPEM)
            let reply = try await call(served, security: security, csr: signingRequest())
            let leaf = try #require(try PEM.certificates(reply.certChain[0]).first)
            #expect(try PeerCertificate.identity(of: leaf) == id)
            #expect(served.log.lines.last?.metadata["caller.name"] == "renewal")
        }
    }

    @Test("ends the handshake with a client certificate of other roots, whatever the token (C8)")
    func foreignClientCertificate() async throws {
        try await ServedAuthority.serving { served in
            let stranger = try CertificateAuthority.test(root: .live("cluster.local"), now: SystemWallClock().seconds)
            let key = try TestKey.p256.make()
            let leaf = try stranger.issue(
                try signingRequest(key: key), to: [try identity("shop", "cart")], now: SystemWallClock().seconds)
            let security = mutual(served, leaf.pem, try key.pem)
            let error = await #expect(throws: RPCError.self) {
                try await call(served, security: security, csr: signingRequest(), token: "cart-secret")
            }
            #expect(error?.code == .unavailable)
            #expect(!served.log.lines.contains { $0.message == "certificate issued" })
        }
    }

    @Test("does not speak without TLS (C12)")
    func plaintext() async throws {
        try await ServedAuthority.serving { served in
            let error = await #expect(throws: RPCError.self) {
                try await call(served, security: .plaintext, csr: signingRequest(), token: "cart-secret")
            }
            #expect(error?.code == .unavailable)
        }
    }

    @Test("refuses a large signing request as an invalid argument")
    func largeRequest() async throws {
        try await ServedAuthority.serving { served in
            let error = await #expect(throws: RPCError.self) {
                try await call(
                    served, security: trusting(served), csr: String(repeating: "x", count: 100 << 10),
                    token: "cart-secret")
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    /// Deviation: istiod's limit is 4 MiB.
    @Test("refuses a message above its limit unread, and goes on (C22)", arguments: [200 << 10, 5 << 20])
    func tooLarge(size: Int) async throws {
        try await ServedAuthority.serving { served in
            let error = await #expect(throws: RPCError.self) {
                try await call(
                    served, security: trusting(served), csr: String(repeating: "x", count: size),
                    token: "cart-secret")
            }
            #expect(error?.code == .resourceExhausted)
            #expect(!served.log.lines.contains { $0.level == .warning })
            _ = try await call(served, security: trusting(served), csr: signingRequest(), token: "cart-secret")
        }
    }

    @Test(
        "speaks TLS 1.2 and 1.3 with openssl, and nothing older",
        arguments: [
            ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true),
        ])
    func versions(option: String, speaks: Bool) async throws {
        try await ServedAuthority.serving { served in
            let roots = try served.folder.write("roots", served.authority.material.rootPEM)
            let result = try openssl([
                "s_client", "-connect", "\(served.address)", option, "-alpn", "h2", "-CAfile", roots,
                "-verify_return_error", "-verify_ip", "127.0.0.1", "-cipher", "ALL:@SECLEVEL=0",
            ])
            #expect(result.output.contains("ALPN protocol: h2") == speaks, "\(result.output)")
            if speaks { #expect(result.output.contains("Verify return code: 0 (ok)")) }
        }
    }

    @Test("takes changed callers from the next request on, without a restart")
    func reload() async throws {
        try await ServedAuthority.serving { served in
            let id = try identity("shop", "cart")
            let client = try served.client(token: "cart")
            _ = try await client.issue(identity: id, ttl: .zero, impersonate: false)
            try served.folder.write("callers.yaml", "callers: []")
            served.events.yield(.reload)
            await #expect(throws: CertificateError.self) {
                try await client.issue(identity: id, ttl: .zero, impersonate: false)
            }
        }
    }

    @Test("is refused for a name that is none", arguments: ["", "a b", "-x", "x..y", "*.example"])
    func names(name: String) async throws {
        await #expect(throws: MeshFailure.self) {
            try await ServedAuthority.serving(serverNames: [name]) { _ in }
        }
    }

    @Test("says when its address is taken")
    func taken() async throws {
        try await ServedAuthority.serving { served in
            let log = RecordedLog()
            let callers = try CallerDirectory(
                path: served.folder.file("callers.yaml"), trustDomain: try domain(), logger: log.logger)
            let issuance = CertificateIssuance(
                slot: AuthoritySlot(served.authority), callers: callers, clock: SystemWallClock(), logger: log.logger)
            var configuration = AuthorityServer.Configuration()
            configuration.listen = served.address
            let second = try AuthorityServer(issuance: issuance, configuration: configuration)
            let failure = await #expect(throws: MeshFailure.self) {
                try await second.run(events: AsyncStream { _ in }) { _ in }
            }
            #expect(failure?.kind == .unavailable)
            #expect(failure.map { "\($0)" }?.contains("already") == true, "\(String(describing: failure))")
        }
    }
}
