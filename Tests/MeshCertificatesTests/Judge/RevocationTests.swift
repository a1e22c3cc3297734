import Foundation
import Testing
import X509

@testable import MeshCertificates

@Suite("Revocation lists")
struct RevocationTests {
    private let lists: RevocationLists
    /// Root and intermediate may sign lists.
    private let root: Made
    private let intermediate: Made
    private let leaf: Made

    init() throws {
        lists = try RevocationLists()
        let signer = KeyUsage(keyCertSign: true, cRLSign: true)
        root = try Recipe.authority("cluster.local").with { $0.usage = signer }.make()
        intermediate = try Recipe.authority("intermediate").with { $0.usage = signer }.make(by: root)
        leaf = try Recipe.leaf().make(by: intermediate)
    }

    private func report(_ list: CertificatePart, given: Bool = true, sent: [Made]? = nil) throws -> InspectionReport {
        let chain = try part(sent ?? [leaf, intermediate])
        return try inspect(given ? [chain] : [chain, list], roots: [root]) { if given { $0.revocations = [list] } }
    }

    // MARK: Reading

    @Test("are read as openssl wrote them")
    func reads() throws {
        let other = try Recipe.leaf().make(by: intermediate)
        let part = try lists.list(
            by: intermediate, [.init(certificate: leaf, reason: "keyCompromise"), .init(certificate: other)])
        #expect(part.problems.isEmpty)
        let list = try #require(part.revocationLists.first)
        #expect(list.issuer.text == "O=intermediate" && list.number == 300)
        #expect(list.thisUpdate == noon - 3600 && list.nextUpdate == noon + 7 * day)
        #expect(list.entries.count == 2 && list.unknownCritical.isEmpty)
        #expect(try list.authorityKeyIdentifier == intermediate.parsed.extensions.subjectKeyIdentifier)
        #expect(try list.entry(of: leaf.parsed) == .init(revokedAt: noon - 60, reason: "keyCompromise"))
        #expect(try list.entry(of: other.parsed)?.reason == nil)
        #expect(try list.entry(of: intermediate.parsed) == nil)
        // In DER too.
        let again = try CertificateBytes.read(list.der, file: "ca.crl")[0].parts[0]
        #expect(again.revocationLists == [list] && again.certificates.isEmpty)
    }

    @Test("without an entry are lists too")
    func empty() throws { #expect(try lists.list(by: root, []).revocationLists.first?.entries.isEmpty == true) }

    @Test("cut short anywhere are refused")
    func truncations() throws {
        let part = try lists.list(by: root, [.init(certificate: leaf, reason: "superseded")])
        let list = try #require(part.revocationLists.first)
        for count in 0..<list.der.count {
            #expect(throws: ReadingError.self) { try ParsedRevocationList(der: list.der.prefix(count)) }
        }
        #expect(throws: ReadingError.self) { try ParsedRevocationList(der: list.der + [0]) }
    }

    // MARK: Judging

    @Test("fail the way of a certificate that they revoke, given or beside it", arguments: [true, false])
    func revoked(given: Bool) throws {
        let list = try lists.list(by: intermediate, [.init(certificate: leaf, reason: "keyCompromise")])
        let report = try report(list, given: given)
        let verdict = try #require(report.verdict)
        #expect(verdict.rule == .revoked && !verdict.trusted && report.trusted == false)
        #expect(verdict.failing == verdict.certificate)
        #expect(verdict.reason.contains("keyCompromise") && verdict.reason.contains("ca-crl.pem #1"))
        // Told once.
        #expect(report.checks == [.revoked])
        let records = given ? report.revocationLists : report.sets[0].revocationLists
        #expect(records?.map(\.revoked) == [1] && records?.first?.number == 300)
        #expect(given ? report.sets[0].revocationLists.isEmpty : report.revocationLists == nil)
    }

    @Test("fail it by an authority on the way")
    func revokedAuthority() throws {
        let report = try report(lists.list(by: root, [.init(certificate: intermediate)]))
        #expect(report.verdict?.rule == .revoked)
        #expect(report.verdict?.failing == "O=intermediate")
    }

    @Test("say nothing of others, nor of the same number by another authority")
    func others() throws {
        let other = try Recipe.leaf().make(by: intermediate)
        #expect(try report(lists.list(by: intermediate, [.init(certificate: other)])).findings.isEmpty)
        #expect(try report(lists.list(by: root, [.init(certificate: leaf)])).trusted == true)
    }

    @Test("name what they revoke where there is no bundle too")
    func unjudged() throws {
        let list = try lists.list(by: intermediate, [.init(certificate: leaf)])
        let report = try inspect([part([leaf, intermediate]), list])
        #expect(report.checks == [.revoked] && report.trusted == nil)
    }

    // MARK: Lists that do not count

    @Test("out of date are a mistake, and what they revoke stays revoked")
    func outOfDate() throws {
        let old = try lists.list(by: intermediate, [.init(certificate: leaf)], from: noon - 8 * day, until: noon - day)
        let report = try report(old)
        #expect(Set(report.checks) == [.revoked, .revocationListOutOfDate])
        let early = try lists.list(by: intermediate, [], from: noon + 60)
        #expect(try self.report(early).checks == [.revocationListOutOfDate])
        #expect(report.findings.allSatisfy { $0.severity == .error })
        // The last second belongs to it.
        let last = try lists.list(by: intermediate, [], until: noon)
        #expect(try self.report(last).findings.isEmpty)
    }

    @Test("of a stranger, of a namesake, or by an authority that may not sign them count for nothing")
    func unverified() throws {
        func expect(_ list: CertificatePart, _ words: String, sent: [Made]? = nil) throws {
            let report = try report(list, sent: sent)
            #expect(report.checks == [.revocationListUnverified] && report.trusted == true, "\(report.findings)")
            #expect(report.findings.first?.message.contains(words) == true, "\(report.findings)")
            #expect(report.findings.first?.severity == .warning)
        }
        let stranger = try Recipe.authority("stranger").make()
        try expect(lists.list(by: stranger, [.init(certificate: leaf)]), "not here")
        let namesake = try Recipe.authority("intermediate").make()
        try expect(lists.list(by: namesake, [.init(certificate: leaf)]), "not signed by the key")
        let mute = try Recipe.authority("mute").make(by: root)
        let below = try Recipe.leaf().make(by: mute)
        try expect(lists.list(by: mute, [.init(certificate: below)]), "cRLSign", sent: [below, mute])
        let partial = try lists.list(
            by: intermediate, [.init(certificate: leaf)],
            extensions: ["issuingDistributionPoint=critical,@point", "[point]", "fullname=URI:http://a.example/crl"])
        try expect(partial, "issuingDistributionPoint")
    }

    @Test("that were altered count for nothing")
    func altered() throws {
        let list = try #require(try lists.list(by: intermediate, [.init(certificate: leaf)]).revocationLists.first)
        var bytes = list.der
        // The last byte of the signature.
        bytes[bytes.count - 1] ^= 1
        var part = CertificatePart(name: "ca-crl.pem")
        part.revocationLists = [try ParsedRevocationList(der: bytes)]
        #expect(try report(part).checks == [.revocationListUnverified])
    }
}
