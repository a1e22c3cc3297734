import ArgumentParser
import MeshCertificates
import MeshInspect
import MeshReport

struct CertificateLintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Print only what is wrong, each with its remedy.",
        discussion: """
            Exit status: 0 no errors, 1 errors; with --strict warnings count too.
            Example: meshctl cert-inspect lint cacerts/ --trust-domain cluster.local
            """)

    @Argument(help: "File, folder, server, or - for standard input.")
    var input: [String]

    @OptionGroup var judging: CertificateArguments
    @Flag(help: "Let warnings fail too.") var strict = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        let report = CertificateLintReport(try judging.report(input, doing: "lint certificates"))
        try output.emit(report)
        if report.errors > 0 || (strict && report.warnings > 0) { throw ExitCode(1) }
    }
}

struct CertificateDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Print how two credentials or trust bundles differ.",
        discussion: """
            Exit status: 0 the same, 1 different.
            Example: meshctl cert-inspect diff old/ hbone://10.0.0.7
            """)

    @Argument(help: "File, folder or server before the change.") var old: String
    @Argument(help: "File, folder or server after the change.") var new: String
    @OptionGroup var judging: CertificateArguments
    @OptionGroup var output: OutputOptions

    func run() throws {
        let report = try report()
        try output.emit(report)
        if !report.same { throw ExitCode(1) }
    }

    func report() throws -> CertificateDiff {
        let doing = "compare certificates"
        let sources = try judging.sources(doing)
        let options = try judging.options(sources)
        return CertificateDiff(old: try sources.read([old]), new: try sources.read([new]), options)
    }
}
