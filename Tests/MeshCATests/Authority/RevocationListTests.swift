import MeshCA
import MeshCore
import MeshTestSupport
import Testing
import X509

/// The lists are made by the openssl command.
@Suite("Revocation lists")
struct RevocationListTests {
    /// A list signed by `issuer` that revokes `revoked`.
    static func list(of issuer: TestIssuer, revoking revoked: Certificate? = nil) throws -> String {
        let folder = try TemporaryFolder()
        try folder.write("cert", try issuer.pem)
        try folder.write("key", try issuer.keyPEM)
        var index = ""
        if let revoked {
            let serial = HexText.of(revoked.serialNumber.bytes).uppercased()
            index = "R\t300101000000Z\t260101000000Z\t\(serial)\tunknown\t/O=x\n"
        }
        try folder.write("index", index)
        try folder.write(
            "conf",
            """
            [ca]
            default_ca = me
            [me]
            database = \(folder.file("index"))
            certificate = \(folder.file("cert"))
            private_key = \(folder.file("key"))
            default_md = sha256
            default_crl_days = 30
            """)
        let result = try openssl(["ca", "-config", folder.file("conf"), "-gencrl", "-out", folder.file("crl")])
        try #require(result.status == 0, "\(result.output)")
        return try folder.read("crl")
    }

    @Test(
        "for every certificate of the chain are accepted; one missing or foreign is refused (C74)",
        arguments: [TestKey.p256, .rsa])
    func complete(kind: TestKey) throws {
        let chain = try AuthorityMaterialTests.Chain(kind)
        var texts = try chain.texts()
        let (first, second) = (try Self.list(of: chain.signing), try Self.list(of: chain.middle))
        texts.revocations = first + second
        #expect(try AuthorityMaterial(texts, now: ManualClock.start).revocations.count == 2)
        for incomplete in [first, try first + Self.list(of: TestIssuer("middle", key: kind))] {
            texts.revocations = incomplete
            #expect(throws: MaterialError.revocationListMissing(subject: "O=middle")) {
                try AuthorityMaterial(texts, now: ManualClock.start)
            }
        }
        texts.revocations = try chain.root.pem
        #expect(throws: MaterialError.self) { try AuthorityMaterial(texts, now: ManualClock.start) }
    }

    @Test("say which certificates are revoked")
    func revoked() throws {
        let root = try TestIssuer("root")
        let authority = try CertificateAuthority.test(root: root)
        let bad = try authority.issue(signingRequest(), to: [identity("a", "b")])
        let good = try authority.issue(signingRequest(), to: [identity("a", "b")])
        let texts = AuthorityMaterial.Texts(
            certificate: try root.pem, key: try root.keyPEM, chain: try root.pem, roots: try root.pem,
            revocations: try Self.list(of: root, revoking: bad.certificate))
        let material = try AuthorityMaterial(texts, now: ManualClock.start)
        #expect(material.revocations.map { $0.revokes(bad.certificate) } == [true])
        #expect(material.revocations.map { $0.revokes(good.certificate) } == [false])
        let strict = CertificateAuthority(
            trustDomain: try domain(), material: material, lifetimes: LifetimePolicy(), now: ManualClock.start)
        #expect(throws: PeerCertificate.Problem.revoked(serial: bad.serial)) {
            try PeerCertificate.identity(of: bad.certificate, authority: strict, now: ManualClock.start)
        }
    }
}
