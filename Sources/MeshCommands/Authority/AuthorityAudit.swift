import ArgumentParser
import MeshCA
import MeshCore
import MeshReport

struct AuthorityAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check an authority's audit log.",
        discussion: """
            The log is JSON lines, audit/audit-*.jsonl in the folder of the authority; read it with jq.

            Example: meshctl ca audit verify --dir ca
            """,
        subcommands: [AuthorityAuditVerify.self])
}

struct AuthorityAuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Follow the hash chain of an audit log, and name the first broken record.",
        discussion: """
            Whoever rewrites the log to its end can hide it from this, but not from a head that was noted elsewhere \
            before: keep the one that is printed, and give it with --head the next time.

            Exit status: 0 the chain is whole, 1 it is broken.

            Example: meshctl ca audit verify --dir ca
            """)

    @Option(help: "Folder of the authority, or the one that was given to ca serve with --state.")
    var dir: String
    @Option(help: ArgumentHelp("Where the log stood before, as printed then.", valueName: "number:hash"))
    var head: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let doing = "verify the audit log"
        let noted = try head.map { text throws(MeshFailure) in
            guard let chain = AuditChain(text) else {
                throw MeshFailure(
                    .usage, doing: doing,
                    reason: "\"\(text)\" is no head; it is a number, a colon and 64 hexadecimal digits")
            }
            return chain
        }
        let report: AuditReport
        do {
            report = AuditReport(try AuditVerification.run("\(dir)/\(AuditFolder.folder)", noted: noted))
        } catch .broken(let file, let after, let reason) {
            report = AuditReport(brokenIn: file, after: after, reason: reason)
        } catch {
            throw error.failure(doing: doing)
        }
        try output.emit(report)
        if !report.whole { throw ExitCode(1) }
    }
}

/// What `ca audit verify` found.
struct AuditReport: Report {
    let whole: Bool
    let files: Int?
    let records: Int?
    /// Number of the first record at hand.
    let first: UInt64?
    let head: String?
    /// Bytes of a write that a crash cut short; the next start sets them aside.
    let tornBytes: Int?
    let brokenFile: String?
    /// Number of the last record before the break.
    let brokenAfter: UInt64?
    let reason: String?

    init(_ found: AuditVerification) {
        whole = true
        files = found.files
        records = found.records
        first = found.first
        head = "\(found.chain)"
        tornBytes = found.tornBytes
        (brokenFile, brokenAfter, reason) = (nil, nil, nil)
    }

    init(brokenIn file: String, after: UInt64, reason: String) {
        whole = false
        (files, records, first, head, tornBytes) = (nil, nil, nil, nil, nil)
        (brokenFile, brokenAfter) = (file, after)
        self.reason = reason
    }

    func text(_ style: TextStyle) -> String {
        guard whole else {
            return style.bad("broken") + " \(brokenFile ?? ""): what follows record \(brokenAfter ?? 0) \(reason ?? "")"
        }
        let count = files == 1 ? "1 file" : "\(files ?? 0) files"
        var lines = ["\(style.good("whole")), \(records ?? 0) records in \(count)", "head \(head ?? "")"]
        if let first, first > 1 { lines.append("begins with record \(first); earlier files are not here") }
        if let tornBytes, tornBytes > 0 {
            lines.append("\(tornBytes) bytes of a write that a crash cut short follow; the next start sets them aside")
        }
        return lines.joined(separator: "\n")
    }
}
