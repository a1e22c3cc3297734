import ArgumentParser
import FoundationEssentials
import MeshCA
import MeshCore
import MeshReport

struct AuthorityStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how an authority is doing, and what somebody has to see to.",
        discussion: """
            Exit status: 0 all is well, 1 something has to be seen to.

            Example: meshctl ca status --dir ca
            """)

    @OptionGroup var place: AuthorityPlace
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try await place.with(doing: "look at the authority") { authority in
            AuthorityStatusReport(try await AuthorityStatus.read(authority), place: authority.store.place)
        }
        try output.emit(report)
        if !report.problems.isEmpty { throw ExitCode(1) }
    }
}

/// What `ca status` found.
struct AuthorityStatusReport: Report {
    struct Rotation: Encodable, Sendable {
        /// `distributing` or `retiring`.
        let phase: String
        let until: Date
    }
    struct Audit: Encodable, Sendable {
        let records: Int
        /// `number:hash`, to be noted elsewhere.
        let head: String
    }

    /// The folder, or namespace and name of the secret.
    let directory: String
    let trustDomain: String
    let aliases: [String]
    let signer: AuthorityCertificateReport
    let roots: [AuthorityCertificateReport]
    let rotation: Rotation?
    let revoked: Int
    /// None where there is no log, or a broken one.
    let audit: Audit?
    let isAuditBroken: Bool
    /// Number of the process that serves the folder.
    let server: String?
    let problems: [String]

    init(_ status: AuthorityStatus, place: String) {
        directory = place
        trustDomain = status.authority.trustDomain.name
        aliases = status.authority.aliases.map(\.name)
        signer = AuthorityCertificateReport(status.authority.signerSummary)
        roots = status.authority.rootSummaries.map(AuthorityCertificateReport.init)
        rotation = status.state.rotation.map {
            Rotation(phase: $0.phase.rawValue, until: UnixTime.date($0.until))
        }
        revoked = Set(status.authority.material.revocations.flatMap(\.entries).map(\.serial)).count
        audit = status.audit.map { Audit(records: $0.records, head: "\($0.chain)") }
        isAuditBroken = status.isAuditBroken
        server = status.server
        problems = status.problems
    }

    func text(_ style: TextStyle) -> String {
        let names = ([trustDomain] + aliases).joined(separator: ", also known as ")
        var lines = ["authority of \(style.bold(names)) in \(directory)"]
        lines.append("signer    \(Self.line(signer))")
        for root in roots { lines.append("root      \(Self.line(root))") }
        if let rotation {
            lines.append("rotation  \(rotation.phase), next step \(rotation.until.formatted(.iso8601))")
        }
        lines.append("revoked   \(revoked)")
        let noAudit = isAuditBroken ? "broken" : "no log yet"
        lines.append("audit     " + (audit.map { "\($0.records) records, head \($0.head)" } ?? noAudit))
        lines.append("server    " + (server.map { "process \($0)" } ?? "none"))
        for problem in problems { lines.append(style.bad("problem   \(problem)")) }
        if problems.isEmpty { lines.append(style.good("all is well")) }
        return lines.joined(separator: "\n")
    }

    private static func line(_ certificate: AuthorityCertificateReport) -> String {
        "\(certificate.subject), serial \(certificate.serial), until \(certificate.notAfter.formatted(.iso8601))"
    }
}
