import ArgumentParser
import FoundationEssentials
import MeshCA
import MeshCore
import MeshReport

struct AuthorityInit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a new authority with its own root.",
        discussion: "Example: meshctl ca init --dir ca --trust-domain cluster.local")

    @Option(help: "Folder to make the authority in; nothing in it is ever overwritten.")
    var dir: String
    @Option(help: "Trust domain that the authority signs for.")
    var trustDomain = "cluster.local"
    @Option(help: "Earlier or other name of that domain, recognised but never issued; may be given several times.")
    var trustDomainAlias: [String] = []
    @Option(help: "How long the root is valid.")
    var rootLifetime = LifetimeArgument(seconds: 3650 * 24 * 3600)
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let offline = OfflineAuthority(AuthorityDirectory(dir), caller: AuthorityArguments.caller)
        let authority = try await offline.create(
            trustDomain: try AuthorityArguments.trustDomain(trustDomain),
            aliases: try trustDomainAlias.map(AuthorityArguments.trustDomain), rootLifetime: rootLifetime.seconds)
        try output.emit(AuthorityReport(directory: dir, authority: authority))
    }
}

/// What `ca init` made.
struct AuthorityReport: Report {
    let directory: String
    let trustDomain: String
    let rootNotAfter: Date
    let rootSerial: String

    init(directory: String, authority: CertificateAuthority) {
        let root = authority.signerSummary
        self.directory = directory
        trustDomain = authority.trustDomain.name
        rootNotAfter = UnixTime.date(root.notAfter)
        rootSerial = root.serial
    }

    func text(_ style: TextStyle) -> String {
        """
        authority of \(style.bold(trustDomain)) made in \(directory)
        root      serial \(rootSerial), valid until \(rootNotAfter.formatted(.iso8601))
        keep      \(directory)/\(AuthorityFiles.Name.key.rawValue) secret: whoever reads it can be anybody in the mesh
        trust     \(directory)/\(AuthorityFiles.Name.roots.rawValue) is what clients of the authority need
        """
    }
}
