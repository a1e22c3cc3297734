import ArgumentParser
import MeshCertificates
import MeshCore
import MeshReport

struct CertificateShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print chains from leaf to root, with verdict and mistakes. The default verb.",
        discussion: """
            With --verify and --expires-in it is a check for monitoring. --verify fails for what does not lead to the
            trust bundle (--root, or the roots of the same Secret or folder) and for every error that is found.
            Exit status: 0 good, 1 a check says no.
            Example: meshctl cert-inspect hbone://10.0.0.7 --cert cert-chain.pem --key key.pem --root root-cert.pem \
            --verify --expires-in 6h
            """)

    @Argument(help: "File, folder, server, or - for standard input.")
    var input: [String]

    @OptionGroup var judging: CertificateArguments

    @Flag(help: "Fail unless everything verifies and has no error.")
    var verify = false

    @Option(help: "Fail when something ends within this time, such as 24h or 30d.")
    var expiresIn: LifetimeArgument?

    @Option(name: .shortAndLong, help: "How to print the result: text, json, yaml, or pem (chains in order, no keys).")
    var output = CertificateFormat.text

    func run() throws {
        let report = try judging.report(input, expiresIn: expiresIn?.seconds, doing: "inspect certificates")
        switch output {
        case .pem: OutputOptions.emit(text: report.pem)
        case .text: try OutputOptions.emit(report, .text)
        case .json: try OutputOptions.emit(report, .json)
        case .yaml: try OutputOptions.emit(report, .yaml)
        }
        if try isBad(report) { throw ExitCode(1) }
    }

    /// Whether a check that was asked for says no.
    func isBad(_ report: InspectionReport) throws(MeshFailure) -> Bool {
        if report.expiring?.isEmpty == false { return true }
        guard verify else { return false }
        guard let trusted = report.trusted else {
            throw MeshFailure(
                .usage, doing: "verify certificates",
                reason: "there is nothing to verify, or no trust bundle to verify by; give one by --root")
        }
        return !trusted || report.errors > 0
    }
}

enum CertificateFormat: String, CaseIterable, ExpressibleByArgument { case text, json, yaml, pem }
