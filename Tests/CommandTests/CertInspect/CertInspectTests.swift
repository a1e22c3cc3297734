import ArgumentParser
import Foundation
import MeshCertificates
import MeshCore
import MeshReport
import Testing

@testable import MeshCommands

@Suite("meshctl cert-inspect")
struct CertInspectTests {
    private static let pki = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Fixtures/pki").standardized.path

    /// Every report is made as of this time.
    private static let at = ["--at", "2026-11-25T12:00:00Z"]

    private func files(_ names: String) -> [String] {
        names.split(separator: " ").map { $0.hasPrefix("-") || !$0.hasSuffix("pem") ? String($0) : "\(Self.pki)/\($0)" }
    }

    private func parse<Command>(_ verb: String, _ arguments: [String], as type: Command.Type) throws -> Command {
        try #require(try Meshctl.parseAsRoot(["cert-inspect", verb] + arguments + Self.at) as? Command)
    }

    private func show(_ arguments: [String]) throws -> (CertificateShow, InspectionReport) {
        let command = try parse("show", arguments, as: CertificateShow.self)
        return (
            command, try command.judging.report(command.input, expiresIn: command.expiresIn?.seconds, doing: "test")
        )
    }

    /// The text of a report, with files named from the folder of the certificates.
    private func render(_ report: some Report, _ format: OutputFormat) throws -> String {
        try format.render(report, style: TextStyle(colour: false))
            .replacing("\(Self.pki)/", with: "").replacing(Self.pki, with: "pki")
    }

    static let cases: [(String, String)] = [
        ("chain", "chained.pem chained.key.pem --root root.pem --trust-domain cluster.local --expires-in 30d"),
        ("unjudged", "front.pem"),
        (
            "mistakes",
            "twice.pem server-only.pem expired.pem front.pem cart.key.pem --root root.pem --trust-domain cluster.local"
        ),
        ("renewed", "renewed.pem --root root.pem"),
        ("authority", "root.pem --root root.pem"),
    ]

    @Test("show prints trees, verdicts and mistakes", arguments: cases, [OutputFormat.text, .json])
    func shows(example: (name: String, arguments: String), format: OutputFormat) throws {
        let (_, report) = try show(files(example.arguments))
        let suffix = format == .text ? "txt" : "json"
        try Golden.check("cert-inspect/show-\(example.name).\(suffix)", render(report, format))
    }

    @Test("the default verb is show")
    func defaultVerb() throws {
        let command = try Meshctl.parseAsRoot(["cert-inspect", "a.pem", "--verify", "--root", "b.pem"])
        #expect(command is CertificateShow)
    }

    @Test("PEM comes out in the order of the chain, without keys")
    func pem() throws {
        let (_, report) = try show(files("chained.key.pem chained.pem"))
        let file = try String(contentsOfFile: "\(Self.pki)/chained.pem", encoding: .utf8)
        #expect(report.pem + "\n" == file)
    }

    static let checks: [(String, Bool)] = [
        ("front.pem --root root.pem --verify", false), ("chained.pem --root root.pem --verify", false),
        ("expired.pem --root root.pem --verify", true), ("stranger.pem --root root.pem --verify", true),
        ("server-only.pem --root root.pem --verify", true), ("front.pem cart.key.pem --root root.pem --verify", true),
        ("foreign.pem --root root.pem --verify", false),
        ("foreign.pem --root root.pem --verify --trust-domain cluster.local", true),
        ("front.pem root.pem --verify", false), ("expired.pem --root root.pem", false),
        ("front.pem --expires-in 24h", false), ("expired.pem --expires-in 24h", true),
        ("front.pem --expires-in 40000d", true),
    ]

    @Test("a check says no by its exit status", arguments: checks)
    func verifies(arguments: String, isBad: Bool) throws {
        let (command, report) = try show(files(arguments))
        #expect(try command.isBad(report) == isBad, "\(report.findings)")
    }

    @Test("nothing is verified without a bundle")
    func needsBundle() throws {
        let (command, report) = try show(files("front.pem --verify"))
        let failure = #expect(throws: MeshFailure.self) { try command.isBad(report) }
        #expect(failure?.exitStatus == 64)
    }

    @Test("lint prints what is wrong and the remedy", arguments: [OutputFormat.text, .json])
    func lints(format: OutputFormat) throws {
        let arguments = files("twice.pem server-only.pem no-identity.pem chained.pem --trust-domain cluster.local")
        let command = try parse("lint", arguments, as: CertificateLintCommand.self)
        let report = CertificateLintReport(try command.judging.report(command.input, doing: "test"))
        try Golden.check("cert-inspect/lint.\(format == .text ? "txt" : "json")", render(report, format))
    }

    @Test("diff prints what changed", arguments: [OutputFormat.text, .json])
    func diffs(format: OutputFormat) throws {
        let report = try parse("diff", files("front.pem chained.pem"), as: CertificateDiffCommand.self).report()
        try Golden.check("cert-inspect/diff.\(format == .text ? "txt" : "json")", render(report, format))
        #expect(!report.same)
        let same = try parse("diff", files("chained.pem chained.pem"), as: CertificateDiffCommand.self).report()
        #expect(same.same && same.leaf?.isEmpty == true && same.sameKey == true)
        #expect(try render(same, .text).contains("the same certificates"))
    }

    static let refused: [(String, Int32)] = [
        ("missing.pem", 66), ("front.pem --cert front.pem", 64), ("front.pem --trust-domain A/B", 64),
        ("front.pem --root front.key.pem", 65), ("tls://127.0.0.1:1", 69),
    ]

    @Test("what cannot be read is told by its status", arguments: refused)
    func refuses(arguments: String, status: Int32) throws {
        let failure = #expect(throws: MeshFailure.self) { try show(files(arguments)) }
        #expect(failure?.exitStatus == status)
    }

    @Test("no key is printed in any format", arguments: [OutputFormat.text, .json, .yaml])
    func keysStaySecret(format: OutputFormat) throws {
        let (_, report) = try show(files("front.pem front.key.pem rsa.key.pem front.encrypted.key.pem ed25519.key.pem"))
        let text = try render(report, format)
        for name in ["front.key.pem", "rsa.key.pem", "front.encrypted.key.pem", "ed25519.key.pem"] {
            let lines = try String(contentsOfFile: "\(Self.pki)/\(name)", encoding: .utf8).split(separator: "\n")
            for line in lines where !line.hasPrefix("-----") { #expect(!text.contains(line.prefix(24))) }
        }
    }

    @Test(
        "times are read strictly",
        arguments: [
            ("2026-11-25T12:00:00Z", 1_795_608_000), ("2026-02-30T00:00:00Z", nil), ("2026-11-25", nil),
            ("2026-11-25T12:00:00+01:00", nil), ("2026-11-25t12:00:00z", nil),
        ] as [(String, Int64?)])
    func times(text: String, seconds: Int64?) { #expect(TimeArgument(argument: text)?.seconds == seconds) }

    @Test(
        "the bar shows how much is over",
        arguments: [(0.0, 0), (0.04, 0), (0.05, 1), (0.5, 10), (1, 20)] as [(Double, Int)])
    func bars(elapsed: Double, cells: Int) {
        #expect(CertificateText.bar(elapsed).count { $0 == "#" } == cells)
        #expect(CertificateText.bar(elapsed).count == 22)
    }
}
