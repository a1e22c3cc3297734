import ArgumentParser
import FoundationEssentials
import MeshCA
import MeshCore
import MeshReport

struct AuthorityIssue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Make one certificate with an authority's key, without a server.",
        discussion: """
            Writes cert-chain.pem, key.pem and root-cert.pem; with --csr no key, since its owner has it.

            Example: meshctl ca issue --dir ca spiffe://cluster.local/ns/shop/sa/cart --out cart
            """)

    @Argument(help: "Identity of the certificate.")
    var identity: String
    @OptionGroup var place: AuthorityPlace
    @Option(help: "Folder for the files; those of an earlier run are replaced.")
    var out: String
    @Option(help: "How long the certificate is valid, at most until the authority's own end.")
    var ttl = LifetimeArgument(seconds: 24 * 3600)
    @Option(help: ArgumentHelp("Signing request in PEM, instead of a new key.", valueName: "file"))
    var csr: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let id = try AuthorityArguments.identity(identity)
        let request = try csr.map(AuthorityArguments.text)
        let made = try await place.with(doing: "issue a certificate for \(id)") { authority in
            try await OfflineIssuance(authority, identity: id, lifetime: ttl.seconds, request: request).run(out: out)
        }
        try output.emit(IssueReport(identity: id, made: made))
    }
}

/// What `ca issue` made.
struct IssueReport: Report {
    let identity: String
    let serial: String
    let notBefore: Date
    let notAfter: Date
    let files: [String]

    init(identity: SPIFFEID, made: OfflineIssuance.Made) {
        self.identity = "\(identity)"
        serial = made.serial
        notBefore = UnixTime.date(made.notBefore)
        notAfter = UnixTime.date(made.notAfter)
        files = made.files
    }

    func text(_ style: TextStyle) -> String {
        let head = "\(style.bold(identity)) serial \(serial), valid until \(notAfter.formatted(.iso8601))"
        return ([head] + files).joined(separator: "\n")
    }
}
