import Foundation
import MeshCA
import MeshCore
import MeshTestSupport
import SwiftASN1
import Testing
import X509

@Suite("A workload certificate")
struct LeafTests {
    static let now = ManualClock.start

    @Test("is written as PEM as others write it, whatever its length")
    func pem() throws {
        let authority = try CertificateAuthority.test()
        for count in 1...49 {
            let id = try identity("shop", String(repeating: "a", count: count))
            let leaf = try authority.issue(try signingRequest(key: TestKey.p256.make()), to: [id])
            #expect(try leaf.pem == leaf.certificate.serializeAsPEM().pemString + "\n")
        }
    }

    @Test("has the authorized names and the profile, whatever the request says (C51, C53)", arguments: TestKey.allCases)
    func profile(kind: TestKey) throws {
        let key = try kind.make()
        let subject = try DistinguishedName { OrganizationName("evil") }
        let authority = try CertificateAuthority.test()
        let id = try identity("shop", "cart")
        let leaf = try authority.issue(try signingRequest(key: key, subject: subject), to: [id]).certificate
        #expect(leaf.version == .v3)
        #expect(leaf.subject.isEmpty)
        #expect(leaf.publicKey == key.publicKey)
        #expect(leaf.issuer == authority.material.signing.subject)
        #expect(leaf.extensions.count == 5)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true, keyEncipherment: true))
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth, .clientAuth]))
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.subjectKeyIdentifier == nil)
        let issuer = try authority.material.signing.extensions.subjectKeyIdentifier?.keyIdentifier
        #expect(try leaf.extensions.authorityKeyIdentifier?.keyIdentifier == issuer)
        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(Array(names) == [.uniformResourceIdentifier("\(id)")])
        for oid in [
            ASN1ObjectIdentifier.X509ExtensionID.subjectAlternativeName, .X509ExtensionID.keyUsage,
            .X509ExtensionID.basicConstraints,
        ] {
            #expect(leaf.extensions[oid: oid]?.critical == true)
        }
        #expect((1...16).contains(leaf.serialNumber.bytes.count))
        #expect(leaf.serialNumber.bytes.first.map { (1...127).contains($0) } == true)
    }

    @Test("has a common name only if the request has one and it fits (C52)", arguments: [(64, "CN=%"), (65, "")])
    func commonName(length: Int, expected: String) throws {
        let account = String(repeating: "a", count: length - "spiffe://cluster.local/ns/shop/sa/".count)
        let id = try identity("shop", account)
        let subject = try DistinguishedName { CommonName("anybody") }
        let leaf = try CertificateAuthority.test().issue(signingRequest(subject: subject), to: [id]).certificate
        #expect("\(leaf.subject)" == expected.replacingOccurrences(of: "%", with: "\(id)"))
        #expect(leaf.extensions[oid: .X509ExtensionID.subjectAlternativeName]?.critical == true)
    }

    @Test("keeps several names in order, each by its kind (C54, C55)")
    func names() throws {
        let names: [SubjectName] = [
            .spiffe(try identity("b", "z")), .spiffe(try identity("a", "y")), .dns("ca.example"),
            .ip(try #require(IPAddress("10.1.2.3"))), .ip(try #require(IPAddress("2001:db8::1"))),
            .ip(try #require(IPAddress("::ffff:10.1.2.3"))),
        ]
        let leaf = try CertificateAuthority.test().issue(
            SigningRequest(pem: signingRequest()), names: names, lifetime: 60, now: Self.now)
        let got = try #require(try leaf.certificate.extensions.subjectAlternativeNames)
        let v6: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        #expect(
            Array(got) == [
                .uniformResourceIdentifier("spiffe://cluster.local/ns/b/sa/z"),
                .uniformResourceIdentifier("spiffe://cluster.local/ns/a/sa/y"), .dnsName("ca.example"),
                .ipAddress(ASN1OctetString(contentBytes: [10, 1, 2, 3])),
                .ipAddress(ASN1OctetString(contentBytes: v6[...])),
                .ipAddress(ASN1OctetString(contentBytes: [10, 1, 2, 3])),
            ])
    }

    @Test(
        "lives as long as asked, two minutes backdated (C57, C58, C59)",
        arguments: [
            (1800, 1800), (0, 24 * 3600), (-1, 24 * 3600), (Int64.min, 24 * 3600), (90 * 24 * 3600, 90 * 24 * 3600),
        ] as [(Int64, Int64)])
    func lifetime(asked: Int64, given: Int64) throws {
        let leaf = try CertificateAuthority.test().issue(signingRequest(), to: [identity("a", "b")], lifetime: asked)
        #expect(leaf.notBefore == Self.now - 120)
        #expect(leaf.notAfter == Self.now + given)
        #expect(leaf.certificate.notValidBefore.timeIntervalSince1970 == Double(leaf.notBefore))
        #expect(leaf.certificate.notValidAfter.timeIntervalSince1970 == Double(leaf.notAfter))
    }

    @Test(
        "is refused for a longer life than allowed, without wrap-around (C59, C66)",
        arguments: [90 * 24 * 3600 + 1, Int64.max / 1_000_000_000 + 1, Int64.max] as [Int64])
    func tooLong(asked: Int64) throws {
        let expected = IssueError.lifetime(requested: asked, limit: 90 * day)
        #expect(throws: expected) {
            try CertificateAuthority.test().issue(signingRequest(), to: [identity("a", "b")], lifetime: asked)
        }
    }

    @Test("ends with its issuer, and is refused after that (C60, C61)")
    func issuerEnd() throws {
        let end = Self.now + 3600
        let authority = try CertificateAuthority.test(root: TestIssuer("root", notAfter: end))
        #expect(try authority.issue(signingRequest(), to: [identity("a", "b")], lifetime: 7200).notAfter == end)
        #expect(throws: IssueError.expired(notAfter: end)) {
            try authority.issue(signingRequest(), to: [identity("a", "b")], now: end)
        }
    }

    @Test("is dated past 2050 in the longer form, which others read too")
    func farFuture() throws {
        let end = Self.now + 40 * 365 * day
        let authority = try CertificateAuthority.test(
            root: TestIssuer("root", notAfter: end), lifetimes: LifetimePolicy(standard: day, longest: 50 * 365 * day))
        let leaf = try authority.issue(signingRequest(), to: [identity("a", "b")], lifetime: 40 * 365 * day)
        let folder = try TemporaryFolder()
        let text = try openssl(["asn1parse", "-in", folder.write("leaf", leaf.pem)]).output
        #expect(text.contains("UTCTIME") && text.contains("GENERALIZEDTIME"))
    }

    @Test(
        "is signed with the algorithm of the authority's key (C63)",
        arguments: [
            (TestKey.rsa, Certificate.SignatureAlgorithm.sha256WithRSAEncryption), (.p256, .ecdsaWithSHA256),
            (.p384, .ecdsaWithSHA384), (.ed25519, .ed25519),
        ])
    func algorithm(kind: TestKey, expected: Certificate.SignatureAlgorithm) throws {
        let authority = try CertificateAuthority.test(root: TestIssuer("root", key: kind))
        for workload in TestKey.allCases {
            let leaf = try authority.issue(try signingRequest(key: workload.make()), to: [identity("a", "b")])
                .certificate
            #expect(leaf.signatureAlgorithm == expected)
            #expect(authority.material.signing.publicKey.isValidSignature(leaf.signature, for: leaf))
        }
    }

    @Test("satisfies openssl as a client's and as a server's", arguments: TestKey.allCases, ["sslclient", "sslserver"])
    func foreignView(kind: TestKey, purpose: String) throws {
        let authority = try CertificateAuthority.test(root: .live("root", key: kind), now: SystemWallClock().seconds)
        let leaf = try authority.issue(signingRequest(), to: [identity("shop", "cart")], now: SystemWallClock().seconds)
        let folder = try TemporaryFolder()
        let (root, file) = (try folder.write("root", authority.material.rootPEM), try folder.write("leaf", leaf.pem))
        let verified = try openssl(["verify", "-x509_strict", "-purpose", purpose, "-CAfile", root, file])
        #expect(verified.status == 0, "\(verified.output)")
        let text = try openssl(["x509", "-noout", "-text", "-in", file]).output
        #expect(text.contains("X509v3 Subject Alternative Name: critical"))
        #expect(text.contains("URI:spiffe://cluster.local/ns/shop/sa/cart"))
    }
}
