import Logging
import MeshCA
import MeshCore
import MeshTestSupport
import SwiftASN1
import Testing
import X509

/// The pipeline of `CreateCertificate` without its transport.
@Suite("Who gets which certificate")
struct IssuanceDecisionTests {
    struct World {
        let issuance: CertificateIssuance
        let clock = ManualClock()
        let log = RecordedLog()
        private let folder: TemporaryFolder

        init(callers: String = ServedAuthority.callers, root: TestIssuer? = nil) throws {
            folder = try TemporaryFolder()
            try folder.write("callers.yaml", callers)
            try folder.write("cart.token", "cart-secret")
            try folder.write("node.token", "node-secret")
            let path = folder.file("callers.yaml")
            issuance = CertificateIssuance(
                slot: AuthoritySlot(try .test(root: root)),
                callers: try CallerDirectory(path: path, trustDomain: try domain(), logger: log.logger),
                clock: clock, logger: log.logger)
        }

        func ask(
            _ authorization: [String] = [], certificate: Certificate? = nil, for identity: String? = nil,
            csr: String? = nil, lifetime: Int64 = 0
        ) async throws -> IstioCertificateResponse {
            var credentials = PresentedCredentials()
            credentials.authorization = authorization
            credentials.certificate = certificate
            let request = IstioCertificateRequest(
                csr: try csr ?? signingRequest(), validityDuration: lifetime, impersonatedIdentity: identity)
            return try await issuance.create(request, by: credentials)
        }

        func identity(of response: IstioCertificateResponse) throws -> String {
            let leaf = try #require(try PEM.certificates(response.certChain.first ?? "").first)
            return "\(try PeerCertificate.identity(of: leaf))"
        }

        /// A certificate of this authority with any names.
        func certificate(_ names: [SubjectName], lifetime: Int64 = 3600) throws -> Certificate {
            try issuance.authority.issue(
                SigningRequest(pem: signingRequest()), names: names, lifetime: lifetime, now: clock.seconds
            ).certificate
        }
    }

    static let cart = "spiffe://cluster.local/ns/shop/sa/cart"
    static let unauthenticated = "request authenticate failure"
    static let impersonation = "request impersonation authentication failure"

    @Test(
        "nobody without a known token (C11, C25)",
        arguments: [
            [], ["Basic cart-secret"], ["bearer cart-secret"], ["Bearer  cart-secret"], ["Bearer wrong"], ["Bearer "],
            ["cart-secret"], ["Bearer wrong", "Bearer cart-secret"],
        ])
    func unknown(authorization: [String]) async throws {
        let world = try World()
        let error = await #expect(throws: Refusal.self) { try await world.ask(authorization) }
        #expect(error?.status.code == .unauthenticated)
        #expect(error?.status.message == Self.unauthenticated)
        #expect(world.log.lines.last?.level == .warning)
        #expect(!world.log.text.contains("secret"))
    }

    @Test("the first bearer value counts, whatever stands before it (C25)")
    func laterBearer() async throws {
        let world = try World()
        let response = try await world.ask(["Basic x", "Bearer cart-secret"])
        #expect(try world.identity(of: response) == Self.cart)
    }

    @Test("a caller of several identities must name one")
    func unnamed() async throws {
        let world = try World()
        let error = await #expect(throws: Refusal.self) { try await world.ask(["Bearer node-secret"]) }
        #expect(error?.status.message == Self.unauthenticated)
        #expect(error?.reason.contains("names no identity") == true)
    }

    @Test("a caller gets what is on its list (C21)", arguments: ["cart", "node"])
    func listed(caller: String) async throws {
        let world = try World()
        #expect(try world.identity(of: await world.ask(["Bearer \(caller)-secret"], for: Self.cart)) == Self.cart)
    }

    @Test(
        "a caller gets nothing else, and learns nothing from it (C3, C20, C49)",
        arguments: [
            "spiffe://cluster.local/ns/shop/sa/other", "spiffe://cluster.local/ns/shop/sa/",
            "spiffe://other/ns/shop/sa/cart",
            "spiffe://cluster.local./ns/shop/sa/cart", "spiffe://CLUSTER.LOCAL/ns/shop/sa/cart", "cart",
            "spiffe://cluster.local/ns//sa/", "spiffe://cluster.local/ns/shop/sa/cart,spiffe://cluster.local/ns/a/sa/b",
            "spiffe://cluster.local/ns/web/sa/*", "spiffe://cluster.local/ns/web/../shop/sa/x",
            "spiffe://cluster.local/ns/shop/sa/cart\0", "spiffe://cluster.local/ns/shop/sa/cart/",
            " spiffe://cluster.local/ns/shop/sa/cart", "spiffe://cluster.local/ns/shop%2fx/sa/cart",
        ])
    func unlisted(asked: String) async throws {
        let world = try World()
        let error = await #expect(throws: Refusal.self) { try await world.ask(["Bearer node-secret"], for: asked) }
        #expect(error?.status.code == .unauthenticated)
        #expect(error?.status.message == Self.impersonation)
        #expect(world.log.lines.last?.metadata["caller.name"] == "node")
    }

    @Test("who is nobody is refused before the request is looked at")
    func order() async throws {
        let world = try World()
        let first = await #expect(throws: Refusal.self) { try await world.ask(csr: "junk", lifetime: .max) }
        #expect(first?.status.code == .unauthenticated)
        let second = await #expect(throws: Refusal.self) {
            try await world.ask(["Bearer node-secret"], for: "spiffe://other/ns/a/sa/b", csr: "junk")
        }
        #expect(second?.status.message == Self.impersonation)
    }

    @Test(
        "a bad request or a long life is an invalid argument (C14)",
        arguments: [("junk", 0), (nil, 90 * 24 * 3600 + 1)])
    func invalid(csr: String?, lifetime: Int64) async throws {
        let world = try World()
        let error = await #expect(throws: Refusal.self) {
            try await world.ask(["Bearer cart-secret"], csr: csr, lifetime: lifetime)
        }
        #expect(error?.status.code == .invalidArgument)
        #expect(error?.status.message.hasPrefix("CSR signing error (") == true)
        if lifetime > 0 { #expect(error?.status.message.contains("7776001") == true) }
    }

    @Test("an authority past its end is an internal error without details (C13)")
    func expired() async throws {
        let world = try World()
        world.clock.advance(.seconds(366 * day))
        let error = await #expect(throws: Refusal.self) { try await world.ask(["Bearer cart-secret"]) }
        #expect(error?.status.code == .internalError)
        #expect(error?.status.message == "CSR signing error (certificate cannot be signed)")
        #expect(error?.reason.contains("expired at 2027") == true)
    }

    @Test("a client certificate renews its own identity, and nothing else (C19)")
    func renewal() async throws {
        let world = try World()
        let own = try identity("a", "b")
        let certificate = try world.certificate([.spiffe(own)])
        #expect(try world.identity(of: await world.ask(certificate: certificate)) == "\(own)")
        #expect(try world.identity(of: await world.ask(certificate: certificate, for: "\(own)")) == "\(own)")
        // The token could have it, but the certificate comes first.
        let error = await #expect(throws: Refusal.self) {
            try await world.ask(["Bearer node-secret"], certificate: certificate, for: Self.cart)
        }
        #expect(error?.status.message == Self.impersonation)
    }

    @Test("a client certificate that a caller claims has that caller's list")
    func claimed() async throws {
        let text = """
            renewal: false
            callers:
              - name: node
                identity: spiffe://cluster.local/ns/istio-system/sa/ztunnel
                identities: ["spiffe://cluster.local/ns/istio-system/sa/ztunnel", "spiffe://cluster.local/ns/shop/sa/*"]
            """
        let world = try World(callers: text)
        let certificate = try world.certificate([.spiffe(identity("istio-system", "ztunnel"))])
        let own = "spiffe://cluster.local/ns/istio-system/sa/ztunnel"
        #expect(try world.identity(of: await world.ask(certificate: certificate)) == own)
        #expect(try world.identity(of: await world.ask(certificate: certificate, for: Self.cart)) == Self.cart)
        let stranger = try world.certificate([.spiffe(identity("a", "b"))])
        await #expect(throws: Refusal.self) { try await world.ask(certificate: stranger) }
    }

    @Test("a client certificate of no use leaves it to the token (C18, C24)")
    func useless() async throws {
        let world = try World()
        let id = try identity("a", "b")
        let foreign = try identity("a", "b", "other.local")
        let useless: [(Certificate, String)] = [
            (try world.certificate([.dns("x.example")]), "one URI"),
            (try world.certificate([.spiffe(id), .dns("x.example")]), "has 2 names"),
            (try world.certificate([.spiffe(id), .spiffe(id)]), "has 2 names"),
            (try world.certificate([.spiffe(foreign)]), "trust domain other.local"),
            (world.issuance.authority.material.signing, "no subject alternative name"),
        ]
        for (certificate, reason) in useless {
            let error = await #expect(throws: Refusal.self) { try await world.ask(certificate: certificate) }
            #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
            let response = try await world.ask(["Bearer cart-secret"], certificate: certificate)
            #expect(try world.identity(of: response) == Self.cart)
        }
    }

    @Test("a client certificate that ran out on an open connection counts no more")
    func ranOut() async throws {
        let world = try World()
        let certificate = try world.certificate([.spiffe(identity("a", "b"))], lifetime: 60)
        _ = try await world.ask(certificate: certificate)
        world.clock.advance(.seconds(60))
        let error = await #expect(throws: Refusal.self) { try await world.ask(certificate: certificate) }
        #expect(error?.reason.contains("expired") == true)
    }

    @Test(
        "names that do not parse are a reason of their own (C56)",
        arguments: [
            [0x30, 0x02, 0x82], [0x04, 0x00], [0x30, 0x00, 0x00],
        ] as [[UInt8]])
    func unreadable(bytes: [UInt8]) throws {
        let key = try TestKey.p256.make()
        let oid = ASN1ObjectIdentifier.X509ExtensionID.subjectAlternativeName
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key.publicKey, notValidBefore: UnixTime.date(0),
            notValidAfter: UnixTime.date(ManualClock.start + day), issuer: .init(), subject: .init(),
            extensions: .init([.init(oid: oid, critical: true, value: bytes[...])]), issuerPrivateKey: key)
        let error = #expect(throws: PeerCertificate.Problem.self) { try PeerCertificate.identity(of: certificate) }
        guard case .unreadable = error else { Issue.record("\(String(describing: error))"); return }
    }
}
