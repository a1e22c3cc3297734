import Foundation
import MeshCA
import MeshCore
import MeshReport
import MeshTestSupport
import Testing

@testable import MeshCommands

/// Reports of the authority in Tests/Fixtures, as of a fixed time, and of what is done to copies of it.
@Suite("What meshctl ca prints")
struct AuthorityReportTests {
    private struct FixedClock: WallClock {
        /// 2026-12-01T00:00:00Z.
        let now = Duration.seconds(1_796_083_200)
        func sleep(until deadline: Duration) async throws {}
    }

    private static let formats: [OutputFormat] = [.text, .json, .yaml]
    private let folder: TemporaryFolder
    private let authority: OfflineAuthority

    init() throws {
        folder = try TemporaryFolder()
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fixtures/authority").standardized.path
        let copy = folder.file("authority")
        try FileManager.default.copyItem(atPath: fixture, toPath: copy)
        for name in ["ca-key.pem", "next-key.pem"] {
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(copy)/\(name)")
        }
        authority = OfflineAuthority(AuthorityDirectory(copy), caller: "somebody", clock: FixedClock())
    }

    /// What is random, or elsewhere each time, under a name that stays.
    private func check(_ name: String, _ report: some Report, _ format: OutputFormat, random: [String] = []) throws {
        var text = try format.render(report, style: TextStyle(colour: false)).replacing("\(folder.path)/", with: "")
        for (number, word) in random.enumerated() { text = text.replacing(word, with: "<random \(number + 1)>") }
        let suffix = format == .text ? "txt" : format == .json ? "json" : "yaml"
        try Golden.check("ca/\(name).\(suffix)", text)
    }

    @Test("status", arguments: formats)
    func status(format: OutputFormat) async throws {
        let report = AuthorityStatusReport(try await AuthorityStatus.read(authority), place: authority.store.place)
        try check("status", report, format)
    }

    @Test("status, when there is something to see to")
    func problems() async throws {
        try folder.write("authority/audit/audit-00000000000000000001.jsonl", "{\"seq\":1}\n")
        let report = AuthorityStatusReport(try await AuthorityStatus.read(authority), place: authority.store.place)
        try check("status-problems", report, .text)
    }

    @Test("bundle and crl", arguments: formats)
    func material(format: OutputFormat) async throws {
        let opened = try await authority.open(doing: "test")
        try check("bundle", BundleReport(opened), format)
        try check("crl", RevocationsReport(opened.material), format)
    }

    @Test("init, issue and sign", arguments: formats)
    func issue(format: OutputFormat) async throws {
        let directory = AuthorityDirectory(folder.file("new"))
        let made = try await OfflineAuthority(directory, caller: "somebody", clock: FixedClock()).create(
            trustDomain: TrustDomain(parsing: "cluster.local"), aliases: [], rootLifetime: 86400)
        try check(
            "init", AuthorityReport(directory: directory.path, authority: made), format,
            random: [made.signerSummary.serial])
        let id = try SPIFFEID(parsing: AuthorityVerbTests.cart)
        let issued = try await OfflineIssuance(authority, identity: id, lifetime: 3600, request: nil)
            .run(out: folder.file("cart"))
        try check("issue", IssueReport(identity: id, made: issued), format, random: [issued.serial])
        let request = try openssl(
            "req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=cart",
            "-keyout", folder.file("key"), "-out", folder.file("csr"))
        #expect(request.status == 0, "\(request.output)")
        let signed = try await OfflineIssuance(
            authority, identity: id, lifetime: 3600, request: try folder.read("csr")
        ).chain()
        // Of the PEM text only that it is there: JSON writes its line ends otherwise.
        let report = SignReport(identity: id, leaf: signed.leaf, pem: format == .text ? signed.pem : "PEM\n")
        try check("sign", report, format, random: [signed.leaf.serial, String(signed.pem.dropLast())])
    }

    @Test("rotate, at each of its steps", arguments: formats)
    func rotate(format: OutputFormat) async throws {
        let steps: [(String, OfflineAuthority.Rotation)] = [
            ("cancelled", .cancel), ("begun", .begin(overlap: 3600, rootLifetime: nil)), ("switched", .advance),
            ("finished", .advance),
        ]
        for (name, step) in steps {
            try check("rotate-\(name)", RotationReport(try await authority.rotate(step)), format)
        }
    }

    @Test("revoke", arguments: formats)
    func revoke(format: OutputFormat) async throws {
        let issued = try await authority.revoke(["0c"], reason: .superseded)
        try check("revoke", RevokeReport(issued, file: "\(authority.store.place)/ca-crl.pem"), format)
    }

    @Test("audit verify, of a whole log and of a broken one", arguments: formats)
    func audit(format: OutputFormat) throws {
        let log = folder.file("authority/audit")
        try check("audit-verify", AuditReport(try AuditVerification.run(log)), format)
        let name = "authority/audit/audit-00000000000000000001.jsonl"
        try folder.write(name, try folder.read(name).replacing("5f3c0a9b", with: "5f3c0a9c"))
        let error = #expect(throws: AuditError.self) { try AuditVerification.run(log) }
        guard case .broken(let file, let after, let reason) = error else { return }
        try check("audit-verify-broken", AuditReport(brokenIn: file, after: after, reason: reason), format)
    }

    @Test("serve", arguments: formats)
    func serve(format: OutputFormat) throws {
        try check("serve", ListeningReport(listening: "127.0.0.1:15012", http: "127.0.0.1:8080"), format)
    }
}
