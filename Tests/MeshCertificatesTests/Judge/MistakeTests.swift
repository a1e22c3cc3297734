import Crypto
import Foundation
import MeshCore
import SwiftASN1
import Testing
import X509

@testable import MeshCertificates

@Suite("Mistakes that meshes are known for")
struct MistakeTests {
    @Test("a good chain has none, by its own words and by a bundle")
    func good() throws {
        let chain = try Chain()
        let report = try inspect([part([chain.leaf, chain.intermediate])], roots: [chain.root]) {
            $0.trustDomain = try TrustDomain(parsing: "cluster.local")
        }
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(report.trusted == true)
        let alone = try inspect([part([chain.leaf, chain.intermediate])])
        #expect(alone.findings.isEmpty && alone.trusted == nil)
    }

    /// A leaf with one thing changed, and what must be said of it.
    static let leaves: [(CertificateFinding.Check, @Sendable (inout Recipe) throws -> Void)] = [
        (.namesNotCritical, { $0.namesAreCritical = false }),
        (.missingClientUsage, { $0.extendedUsage = [.serverAuth] }),
        (.missingServerUsage, { $0.extendedUsage = [.clientAuth] }),
        (.missingDigitalSignature, { $0.usage = KeyUsage(keyEncipherment: true) }),
        (.severalIdentities, { $0.names.append(.uniformResourceIdentifier("spiffe://cluster.local/ns/a/sa/b")) }),
        (.severalIdentities, { $0.names.append(.uniformResourceIdentifier("https://example.org/x")) }),
        (.malformedIdentity, { $0.names = [.uniformResourceIdentifier("spiffe://cluster.local/ns/a")] }),
        (.malformedIdentity, { $0.names = [.uniformResourceIdentifier("spiffe://Cluster.Local/ns/a/sa/b")] }),
        (.wrongTrustDomain, { $0.names = [.uniformResourceIdentifier("spiffe://example.org/ns/a/sa/b")] }),
        (.noIdentity, { $0.names = [.dnsName("a.example")] }),
        (.noName, { $0.names = [] }),
        (.leafIsAuthority, { $0.isAuthority = true }),
        (
            .expired,
            {
                $0.notAfter = noon - 1; $0.notBefore = noon - 3600
            }
        ),
        (.notYetValid, { $0.notBefore = noon + 60 }),
        (
            .validityReversed,
            {
                $0.notBefore = noon + 3600; $0.notAfter = noon - 3600
            }
        ),
        (.longLived, { $0.notAfter = noon + 91 * day }),
        (
            .unknownCriticalExtension,
            {
                $0.more = [Certificate.Extension(oid: [1, 2, 3], critical: true, value: [5, 0][...])]
            }
        ),
        (
            .malformedExtension,
            { $0.more = [Certificate.Extension(oid: [2, 5, 29, 31], critical: false, value: [5][...])] }
        ),
    ]

    @Test("each is named, with a remedy", arguments: leaves)
    func leaf(check: CertificateFinding.Check, change: @Sendable (inout Recipe) throws -> Void) throws {
        let root = try Recipe.authority("cluster.local").make()
        let leaf = try Recipe.leaf().with(change).make(by: root)
        let report = try inspect([part([leaf])], roots: [root]) {
            $0.trustDomain = try TrustDomain(parsing: "cluster.local")
        }
        let finding = try #require(report.findings.first { $0.check == check }, "\(report.findings)")
        #expect(!finding.message.isEmpty && !finding.remedy.isEmpty)
        #expect(finding.place == "chain.pem #1")
        #expect(finding.severity == (check == .longLived ? .warning : .error))
    }

    @Test("a clock that is off by minutes is called a matter of clocks, a begin next year is not")
    func clocks() throws {
        func remedy(_ begin: Int64) throws -> String? {
            let leaf = try Recipe.leaf().with {
                $0.notBefore = begin; $0.notAfter = begin + 3600
            }.make()
            return try inspect([part([leaf])]).findings.first { $0.check == .notYetValid }?.remedy
        }
        #expect(try remedy(noon + 300)?.contains("clock") == true)
        #expect(try remedy(noon + 300 * day)?.contains("clock") == false)
    }

    @Test("a name in the common name alone is told, and that of a workload is no matter")
    func commonName() throws {
        let made = try Recipe().with { $0.subject = try DistinguishedName { CommonName("a.example") } }.make()
        #expect(try inspect([part([made])]).checks == [.commonNameOnly])
    }

    @Test(
        "chains in every order",
        arguments: [
            ([0, 1, 2], []), ([0, 1], []), ([0], []), ([2], []), ([1, 0, 2], [.chainOrder]),
            ([0, 2, 1], [.chainOrder]),
            ([2, 1, 0], [.chainOrder]), ([0, 1, 1], [.duplicate]), ([0, 1, 3], [.unrelated]),
            ([3, 0, 1], [.unrelated]), ([2, 3], []),
        ] as [([Int], [CertificateFinding.Check])])
    func order(order: [Int], checks: [CertificateFinding.Check]) throws {
        let chain = try Chain()
        let all = [chain.leaf, chain.intermediate, chain.root, try Recipe.authority("stranger").make()]
        #expect(try inspect([part(order.map { all[$0] })]).checks == checks)
    }

    @Test("an intermediate that only another file has is missing from what peers get")
    func missingIntermediate() throws {
        let chain = try Chain()
        let parts = try [
            part([chain.leaf], "tls.crt"), part([chain.intermediate], "ca-cert.pem"), part([chain.root], "ca.crt"),
        ]
        let report = try inspect(parts)
        #expect(report.checks == [.intermediateMissing])
        #expect(report.findings[0].message.contains("O=intermediate"))
        // The set's own bundle judges.
        #expect(report.sets[0].bundle == "ca.crt" && report.trusted == true)
    }

    @Test("keys that belong to nothing are told, those of other sets are found")
    func keys() throws {
        let (chain, other) = (try Chain(), try Recipe.leaf().make())
        func keyPart(_ made: Made) throws -> CertificatePart {
            CertificateBytes.part(Array(try made.keyPEM.utf8), name: "tls.key")
        }
        let certificates = try part([chain.leaf, chain.intermediate], "tls.crt")
        let fits = try inspect([certificates, keyPart(chain.leaf)])
        #expect(fits.findings.isEmpty)
        #expect(
            fits.sets[0].keys == [
                SetReport.Key(place: "tls.key", kind: "EC 256", certificate: try chain.leaf.parsed.label)
            ])
        let mismatch = try inspect([certificates, keyPart(other)])
        #expect(mismatch.checks == [.keyMismatch])
        #expect(mismatch.sets[0].keys[0].certificate == nil)
        #expect(try inspect([keyPart(other)]).findings.isEmpty)
        let sets = try [
            CertificateSet(name: "a", parts: [certificates]), CertificateSet(name: "b", parts: [keyPart(chain.leaf)]),
            CertificateSet(name: "c", parts: [keyPart(other)]),
        ]
        let report = Inspection(Inspection.Options(now: noon)).report(sets.map { Inspection.Subject($0) })
        #expect(report.findings.map(\.set) == ["c"] && report.checks == [.keyMismatch])
    }

    @Test("an expired root in the bundle is told, and so is a leaf there")
    func bundle() throws {
        let chain = try Chain()
        let old = try Recipe.authority("old").with { $0.notAfter = noon - day }.make()
        let report = try inspect([part([chain.leaf, chain.intermediate])], roots: [chain.root, old, chain.leaf])
        #expect(report.checks == [.rootExpired, .rootIsNoAuthority])
        #expect(report.findings.allSatisfy { $0.set == "roots.pem" })
        #expect(report.trusted == true)
    }

    @Test("what is untrusted is said once, by the rule that stops it")
    func untrusted() throws {
        let chain = try Chain()
        let stranger = try Recipe.authority("stranger").make()
        let report = try inspect([part([chain.leaf, chain.intermediate])], roots: [stranger])
        #expect(report.checks == [.untrusted])
        let expired = try inspect([part([chain.leaf, chain.intermediate])], roots: [chain.root]) {
            $0.now = noon + 2 * day
        }
        #expect(expired.checks == [.expired] && expired.trusted == false)
    }

    @Test("what ends soon is listed, the first to end first")
    func expiring() throws {
        let chain = try Chain()
        func ending(_ seconds: Int64?) throws -> [String]? {
            try inspect([part([chain.leaf, chain.intermediate])]) { $0.expiresIn = seconds }.expiring?.map(
                \.certificate)
        }
        #expect(try ending(nil) == nil)
        #expect(try ending(3600) == [])
        #expect(try ending(24 * 3600) == [chain.leaf.parsed.label])
        #expect(try ending(4000 * day)?.count == 2)
    }

    @Test("control characters of names reach no text of a report")
    func printable() throws {
        let evil = "\u{1b}]0;x\u{7}\n\u{202e}"
        let root = try Recipe.authority(evil).make()
        let leaf = try Recipe.leaf("spiffe://\u{1b}]0;x\u{7}\n/ns/a/sa/b").with {
            $0.subject = try DistinguishedName { CommonName(evil) }
        }.make(by: root)
        var parts = try [part([leaf], "a\(evil)")]
        parts[0].problems = []
        var options = Inspection.Options(now: noon)
        options.bundle = try part([Recipe.authority("other\(evil)").make()], "b\(evil)")
        options.trustDomain = try TrustDomain(parsing: "cluster.local")
        let subject = Inspection.Subject(CertificateSet(name: "s\(evil)", parts: parts), expectedName: "h\(evil)")
        let report = Inspection(options).report([subject])
        #expect(report.errors > 1)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        var all = String(decoding: try encoder.encode(report), as: UTF8.self)
        // PEM has lines; nothing else may.
        for record in report.sets.flatMap(\.certificates) {
            all = all.replacing(record.pem.replacing("\n", with: "\\n"), with: "")
        }
        #expect(
            !all.contains("\\u001b") && !all.contains("\\n") && !all.contains("\u{202e}") && !all.contains("\\u0007"))
    }

    @Test(
        "the name of a server is looked for",
        arguments: [
            ("a.example", nil), ("b.a.example", nil), ("c.b.a.example", .nameMismatch), ("10.0.0.1", nil),
            ("10.0.0.2", .nameMismatch), ("example", .nameMismatch),
        ] as [(String, CertificateFinding.Check?)])
    func serverName(name: String, check: CertificateFinding.Check?) throws {
        let made = try Recipe.leaf().with {
            $0.names = [
                .dnsName("A.example"), .dnsName("*.a.example"), .ipAddress(.init(contentBytes: [10, 0, 0, 1])),
            ]
        }.make()
        let set = CertificateSet(name: "a", parts: [try part([made])])
        let report = Inspection(Inspection.Options(now: noon)).report([Inspection.Subject(set, expectedName: name)])
        #expect(report.checks.first { $0 == .nameMismatch } == check)
    }
}
