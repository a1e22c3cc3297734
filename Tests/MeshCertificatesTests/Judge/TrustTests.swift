import Crypto
import Foundation
import SwiftASN1
import Testing
import X509
import _CryptoExtras

@testable import MeshCertificates

@Suite("Trust verdicts")
struct TrustTests {
    private func verdict(_ sent: [Made], roots: [Made], at now: Int64 = noon) throws -> TrustVerdict {
        try #require(try inspect([part(sent)], roots: roots) { $0.now = now }.verdict)
    }

    private func expect(
        _ rule: TrustVerdict.Rule?, of failing: Made? = nil, _ sent: [Made], roots: [Made], at now: Int64 = noon,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let verdict = try verdict(sent, roots: roots, at: now)
        #expect(verdict.rule == rule, "\(verdict.reason)", sourceLocation: sourceLocation)
        #expect(verdict.trusted == (rule == nil), sourceLocation: sourceLocation)
        if let failing { #expect(try verdict.failing == failing.parsed.label, sourceLocation: sourceLocation) }
    }

    @Test("a chain that leads to the bundle is trusted, and its path is told")
    func trusts() throws {
        let chain = try Chain()
        let verdict = try verdict([chain.leaf, chain.intermediate], roots: [chain.root])
        #expect(verdict.trusted && verdict.rule == nil)
        #expect(verdict.path == ["spiffe://cluster.local/ns/shop/sa/cart", "O=intermediate", "O=cluster.local"])
        try expect(nil, [chain.leaf, chain.intermediate, chain.root], roots: [chain.root])
        // As libssl does here, an intermediate in the bundle is an anchor.
        try expect(nil, [chain.leaf], roots: [chain.intermediate])
    }

    @Test("keys of every kind verify", arguments: ["P-384", "RSA", "Ed25519"])
    func kinds(name: String) throws {
        let key: Certificate.PrivateKey =
            switch name {
            case "P-384": .init(P384.Signing.PrivateKey())
            case "RSA": .init(try _RSA.Signing.PrivateKey(keySize: .bits2048))
            default: .init(Curve25519.Signing.PrivateKey())
            }
        let root = try Recipe.authority("cluster.local").with { $0.key = key }.make()
        try expect(nil, [Recipe.leaf().make(by: root)], roots: [root])
    }

    @Test("signatures that the X.509 library does not know are verified too")
    func foreignSignature() throws {
        let openssl = try OpenSSL()
        let extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"]
        for (name, key) in [
            ("pss", ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"]), ("448", ["-newkey", "ed448"]),
        ] {
            try openssl.selfSigned(name, key: key, extensions)
            var found = CertificatePart(name: name)
            found.certificates = try CertificateBytes.read(openssl.bytes("\(name).pem"), file: name)[0].certificates
            let report = try inspect([found]) {
                $0.bundle = found
                $0.now = found.certificates[0].notBefore
            }
            #expect(report.verdict?.trusted == true, "\(name): \(report.verdict?.reason ?? "")")
            #expect(report.sets[0].certificates[0].role == .root)
        }
    }

    @Test("times are judged on every certificate of the path")
    func times() throws {
        let chain = try Chain()
        let sent = [chain.leaf, chain.intermediate]
        try expect(.expired, of: chain.leaf, sent, roots: [chain.root], at: noon + 2 * day)
        try expect(.notYetValid, of: chain.leaf, sent, roots: [chain.root], at: noon - 2 * 3600)
        try expect(nil, sent, roots: [chain.root], at: try chain.leaf.parsed.notAfter)
        let old = try Recipe.authority("old").with { $0.notAfter = noon - 60 }.make()
        try expect(.expired, of: old, [Recipe.leaf().make(by: old)], roots: [old])
        let middle = try Recipe.authority("middle").with { $0.notAfter = noon - 60 }.make(by: chain.root)
        try expect(.expired, of: middle, [Recipe.leaf().make(by: middle), middle], roots: [chain.root])
    }

    @Test("a missing issuer, a strange root and a renewed root are told apart")
    func unknown() throws {
        let chain = try Chain()
        let other = try Recipe.authority("other").make()
        let renewed = try Recipe.authority("cluster.local").make()
        try expect(.issuerMissing, of: chain.leaf, [chain.leaf], roots: [chain.root])
        try expect(.issuerMissing, of: chain.intermediate, [chain.leaf, chain.intermediate], roots: [other])
        try expect(.unknownRoot, of: chain.root, [chain.leaf, chain.intermediate, chain.root], roots: [other])
        try expect(.signature, of: chain.intermediate, [chain.leaf, chain.intermediate], roots: [renewed])
        try expect(.unknownRoot, of: chain.root, [chain.leaf, chain.intermediate, chain.root], roots: [renewed])
        try expect(nil, [chain.leaf, chain.intermediate], roots: [renewed, chain.root, other])
    }

    @Test("an altered certificate fails by its signature")
    func altered() throws {
        let chain = try Chain()
        var der = try chain.leaf.der
        let range = try #require(der.firstRange(of: Array("/sa/cart".utf8)))
        der.replaceSubrange(range, with: Array("/sa/root".utf8))
        var sent = CertificatePart(name: "a")
        sent.certificates = [try ParsedCertificate(der: der), try chain.intermediate.parsed]
        let report = try inspect([sent], roots: [chain.root])
        let judged = report.sets[0].verdicts.first { $0.certificate.hasSuffix("/sa/root") }
        #expect(judged?.rule == .signature && judged?.trusted == false)
    }

    @Test("authorities must be authorities, and within their path length")
    func authorities() throws {
        let chain = try Chain()
        let impostor = try Recipe.leaf().with { $0.subject = try DistinguishedName { CommonName("impostor") } }.make(
            by: chain.root)
        try expect(.notAnAuthority, of: impostor, [Recipe.leaf().make(by: impostor), impostor], roots: [chain.root])
        let mute = try Recipe.authority("mute").with { $0.usage = KeyUsage(digitalSignature: true) }.make(
            by: chain.root)
        try expect(.keyUsage, of: mute, [Recipe.leaf().make(by: mute), mute], roots: [chain.root])
        let short = try Recipe.authority("short", pathLength: 0).make()
        let below = try Recipe.authority("below").make(by: short)
        try expect(nil, [Recipe.leaf().make(by: short)], roots: [short])
        try expect(.pathLength, of: short, [Recipe.leaf().make(by: below), below], roots: [short])
        let server = try Recipe.authority("server").with { $0.extendedUsage = [.serverAuth] }.make(by: chain.root)
        try expect(.extendedKeyUsage, of: server, [Recipe.leaf().make(by: server), server], roots: [chain.root])
    }

    @Test(
        "usages of a workload's certificate",
        arguments: [
            ([.serverAuth, .clientAuth], nil), ([], nil), ([.any], nil), ([.serverAuth], .extendedKeyUsage),
            ([.clientAuth], .extendedKeyUsage), ([.codeSigning], .extendedKeyUsage),
        ] as [([ExtendedKeyUsage.Usage], TrustVerdict.Rule?)])
    func usages(usages: [ExtendedKeyUsage.Usage], rule: TrustVerdict.Rule?) throws {
        let root = try Recipe.authority("cluster.local").make()
        try expect(rule, [Recipe.leaf().with { $0.extendedUsage = usages }.make(by: root)], roots: [root])
    }

    @Test("critical extensions that nobody knows are refused, others are not", arguments: [true, false])
    func critical(isCritical: Bool) throws {
        let root = try Recipe.authority("cluster.local").make()
        let leaf = try Recipe.leaf().with {
            $0.more = [Certificate.Extension(oid: [1, 2, 3, 4], critical: isCritical, value: [5, 0][...])]
        }.make(by: root)
        try expect(isCritical ? .criticalExtension : nil, [leaf], roots: [root])
    }

    static let limits: [(permitted: [String], excluded: [String], uri: String, isGood: Bool)] = [
        (["cluster.local"], [], "spiffe://cluster.local/ns/a/sa/b", true),
        (["cluster.local"], [], "spiffe://example.org/ns/a/sa/b", false),
        ([".local"], [], "spiffe://cluster.local/ns/a/sa/b", true),
        ([".cluster.local"], [], "spiffe://cluster.local/ns/a/sa/b", false),
        ([], ["cluster.local"], "spiffe://cluster.local/ns/a/sa/b", false),
        ([], ["example.org"], "spiffe://cluster.local/ns/a/sa/b", true),
        (["example.org", "cluster.local"], ["cluster.local"], "spiffe://cluster.local/ns/a/sa/b", false),
    ]

    @Test("name constraints hold for trust domains", arguments: limits)
    func nameLimits(permitted: [String], excluded: [String], uri: String, isGood: Bool) throws {
        let root = try Recipe.authority("cluster.local").with {
            let limits = NameConstraints(
                permittedSubtrees: permitted.map { .uniformResourceIdentifier($0) },
                excludedSubtrees: excluded.map { .uniformResourceIdentifier($0) })
            $0.more = [try Certificate.Extension(limits, critical: true)]
        }.make()
        try expect(isGood ? nil : .nameConstraint, [Recipe.leaf(uri).make(by: root)], roots: [root])
    }

    @Test("weak keys and signatures fail, but not the signature of a root")
    func weakness() throws {
        let openssl = try OpenSSL()
        let extensions = ["basicConstraints=critical,CA:TRUE"]
        func rule(_ name: String) throws -> TrustVerdict.Rule? {
            var found = CertificatePart(name: name)
            found.certificates = try CertificateBytes.read(openssl.bytes("\(name).pem"), file: name)[0].certificates
            return try #require(
                try inspect([found]) {
                    $0.bundle = found
                    $0.now = found.certificates[0].notBefore
                }.verdict
            ).rule
        }
        try openssl.selfSigned("short", key: ["-newkey", "rsa:1024"], extensions)
        #expect(try rule("short") == .weakKey)
        try openssl.selfSigned("old", key: ["-newkey", "rsa:2048"], digest: "sha1", extensions)
        #expect(try rule("old") == nil)
        try openssl.run(
            "req", "-new", "-nodes", "-newkey", "rsa:2048", "-subj", "/O=leaf", "-keyout", "l.key", "-out", "l.csr")
        try openssl.run("x509", "-req", "-in", "l.csr", "-CA", "old.pem", "-CAkey", "old.key", "-md5", "-out", "l.pem")
        var (leaf, root) = (CertificatePart(name: "l.pem"), CertificatePart(name: "old.pem"))
        leaf.certificates = try CertificateBytes.read(openssl.bytes("l.pem"), file: "l")[0].certificates
        root.certificates = try CertificateBytes.read(openssl.bytes("old.pem"), file: "l")[0].certificates
        let report = try inspect([leaf]) {
            $0.bundle = root
            $0.now = leaf.certificates[0].notBefore
        }
        #expect(report.verdict?.rule == .weakSignature)
        #expect(report.checks.contains(.weakSignature))
    }

    @Test("certificates that sign one another in a ring end the search")
    func ring() throws {
        let (one, two) = (
            Certificate.PrivateKey(P256.Signing.PrivateKey()), Certificate.PrivateKey(P256.Signing.PrivateKey())
        )
        let a = try Recipe.authority("a").with { $0.key = one }.make()
        let b = try Recipe.authority("b").with { $0.key = two }.make(by: a)
        let back = try Recipe.authority("a").with { $0.key = one }.make(by: b)
        let report = try inspect([part([b, back])], roots: [Recipe.authority("c").make()])
        #expect(report.trusted == false)
        #expect(report.sets[0].chains.allSatisfy { $0.count <= 2 })
    }

    @Test("many namesakes cost bounded work and do not hide the root")
    func namesakes() throws {
        let chain = try Chain()
        let fakes = try (0..<200).map { _ in
            try Recipe.authority("intermediate").make()
        }
        #expect(
            try inspect([part([chain.leaf, chain.intermediate] + fakes)], roots: [chain.root]).sets[0].verdicts[0]
                .trusted)
    }

    @Test(
        "openssl agrees on the fixtures",
        arguments: [
            "front", "cart", "chained", "rsa", "ed25519", "no-usage", "server-only", "expired", "early", "stranger",
            "impostor", "renewed", "foreign",
        ])
    func agrees(name: String) throws {
        let sent = CertificateBytes.part(try Fixture.bytes("\(name).pem"), name: "\(name).pem")
        let bundle = CertificateBytes.part(try Fixture.bytes("root.pem"), name: "root.pem")
        let now = Int64(Date().timeIntervalSince1970)
        let verdict = try #require(
            try inspect([sent]) {
                $0.bundle = bundle
                $0.now = now
            }.verdict)
        // Workloads need both usages; openssl checks one at a time.
        let trusted = try ["sslserver", "sslclient"].allSatisfy { purpose in
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/openssl")
            process.arguments = [
                "verify", "-purpose", purpose, "-CAfile", Fixture.folder.appending(path: "root.pem").path, "-untrusted",
                Fixture.folder.appending(path: "\(name).pem").path, Fixture.folder.appending(path: "\(name).pem").path,
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
        #expect(verdict.trusted == trusted, "\(verdict.reason)")
    }
}
