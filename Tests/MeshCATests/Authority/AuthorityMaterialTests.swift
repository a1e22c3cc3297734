import MeshCA
import MeshTestSupport
import Testing
import X509

@Suite("Plug-in certificates")
struct AuthorityMaterialTests {
    static let now = ManualClock.start

    /// Root, intermediate and signing certificate.
    struct Chain {
        let root: TestIssuer
        let middle: TestIssuer
        let signing: TestIssuer

        init(_ kind: TestKey = .p256) throws {
            root = try TestIssuer("root", key: kind)
            middle = try TestIssuer("middle", issuer: root, key: kind)
            signing = try TestIssuer("signing", issuer: middle, key: kind)
        }

        func texts() throws -> AuthorityMaterial.Texts {
            AuthorityMaterial.Texts(
                certificate: try signing.pem, key: try signing.keyPEM, chain: try signing.pem + middle.pem,
                roots: try root.pem)
        }
    }

    @Test(
        "of three levels load, and the reply has each intermediate apart and the roots last (C15, C16, C71)",
        arguments: [TestKey.p256, .p384, .rsa])
    func threeLevels(kind: TestKey) throws {
        let chain = try Chain(kind)
        var texts = try chain.texts()
        texts.roots += try TestIssuer("old root").pem
        let authority = CertificateAuthority(
            trustDomain: try domain(), material: try AuthorityMaterial(texts, now: Self.now),
            lifetimes: LifetimePolicy(), now: Self.now)
        let leaf = try authority.issue(signingRequest(), to: [identity("a", "b")])
        let reply = authority.reply(for: leaf)
        #expect(try reply.map { try PEM.certificates($0).count } == [1, 1, 1, 2])
        #expect(reply[1] == (try chain.signing.pem))
        #expect(reply[3] == texts.roots)
        #expect(chain.signing.certificate.publicKey.isValidSignature(leaf.certificate.signature, for: leaf.certificate))
    }

    @Test("of two levels may leave the chain empty, and the signing certificate still goes along (C71)")
    func twoLevels() throws {
        let chain = try Chain()
        var texts = try chain.texts()
        (texts.certificate, texts.key, texts.chain) = (try chain.middle.pem, try chain.middle.keyPEM, "")
        #expect(try AuthorityMaterial(texts, now: Self.now).chainPEM == [try chain.middle.pem])
    }

    @Test("of three levels without the chain are refused (C71)")
    func missingLink() throws {
        var texts = try Chain().texts()
        texts.chain = ""
        #expect(throws: MaterialError.noPath(subject: "O=signing")) { try AuthorityMaterial(texts, now: Self.now) }
    }

    @Test("of one level are a root that signs (C71)")
    func oneLevel() throws {
        let authority = try CertificateAuthority.test()
        #expect(authority.reply(for: try authority.issue(signingRequest(), to: [identity("a", "b")])).count == 2)
    }

    @Test("that do not fit are refused (C72)")
    func misfits() throws {
        let chain = try Chain()
        let good = try chain.texts()
        func refused(_ expected: MaterialError, _ change: (inout AuthorityMaterial.Texts) throws -> Void) throws {
            var texts = good
            try change(&texts)
            #expect(throws: expected) { try AuthorityMaterial(texts, now: Self.now) }
        }
        try refused(.keyMismatch) { $0.key = try TestIssuer("x").keyPEM }
        try refused(.noPath(subject: "O=middle")) { $0.roots = try TestIssuer("root").pem }
        try refused(.part(.roots, "holds no certificate")) { $0.roots = "" }
        try refused(.part(.certificate, "holds no certificate")) { $0.certificate = "junk" }
        let leaf = try TestIssuer("leaf", issuer: chain.root, isAuthority: false)
        try refused(.notAuthority(subject: "O=leaf")) { ($0.certificate, $0.key) = (try leaf.pem, try leaf.keyPEM) }
        for key in ["", "junk", try chain.root.pem] {
            let error = #expect(throws: MaterialError.self) {
                var texts = good
                texts.key = key
                return try AuthorityMaterial(texts, now: Self.now)
            }
            guard case .part(.key, _) = error else { Issue.record("\(String(describing: error))"); continue }
        }
    }

    @Test("with an expired certificate in the chain are refused; a short-lived one shortens the default (C62)")
    func chainLifetimes() throws {
        let root = try TestIssuer("root")
        let expired = try TestIssuer("old", issuer: root, notAfter: Self.now - 1)
        var texts = AuthorityMaterial.Texts(
            certificate: try root.pem, key: try root.keyPEM, chain: try expired.pem, roots: try root.pem)
        #expect(throws: MaterialError.self) { try AuthorityMaterial(texts, now: Self.now) }

        let short = try TestIssuer("short", issuer: root, notAfter: Self.now + 1800)
        (texts.certificate, texts.key, texts.chain) = (try short.pem, try short.keyPEM, try short.pem)
        let authority = CertificateAuthority(
            trustDomain: try domain(), material: try AuthorityMaterial(texts, now: Self.now),
            lifetimes: LifetimePolicy(), now: Self.now)
        #expect(authority.lifetimes.standard == 1800)
    }

    @Test("made by openssl load, in all three key formats", arguments: ["PKCS#8", "PKCS#1", "SEC1"])
    func foreign(format: String) throws {
        let folder = try TemporaryFolder()
        let type = format == "PKCS#1" ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        let (key, certificate) = (folder.file("key"), folder.file("cert"))
        #expect(
            try openssl(
                [
                    "req", "-x509", "-nodes", "-days", "30", "-subj", "/O=foreign", "-keyout", key,
                    "-out", certificate, "-newkey",
                ] + type
            ).status == 0)
        if format == "PKCS#1" { #expect(try openssl(["rsa", "-traditional", "-in", key, "-out", key]).status == 0) }
        if format == "SEC1" { #expect(try openssl(["ec", "-in", key, "-out", key]).status == 0) }
        let pem = try folder.read("cert")
        let texts = AuthorityMaterial.Texts(certificate: pem, key: try folder.read("key"), chain: "", roots: pem)
        _ = try AuthorityMaterial(texts, now: SystemWallClock().seconds)
    }
}
