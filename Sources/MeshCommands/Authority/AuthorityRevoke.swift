import ArgumentParser
import MeshCA
import MeshCore
import MeshReport

/// The words of RFC 5280 for why a certificate is revoked.
enum RevocationReasonArgument: String, ExpressibleByArgument, CaseIterable {
    case keyCompromise, authorityCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn

    var reason: RevocationList.Reason {
        switch self {
        case .keyCompromise: .keyCompromise
        case .authorityCompromise: .authorityCompromise
        case .affiliationChanged: .affiliationChanged
        case .superseded: .superseded
        case .cessationOfOperation: .cessationOfOperation
        case .privilegeWithdrawn: .privilegeWithdrawn
        }
    }
}

struct AuthorityRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revoke certificates by their serial numbers.",
        discussion: """
            The numbers are in the audit log, in the server's log and in meshctl cert-inspect. They go into a new list, \
            ca-crl.pem in the folder, which has to reach whoever is to refuse them, such as the ztunnels of Istio. The \
            authority itself refuses to renew them at once.

            Example: meshctl ca revoke --dir ca 5f3c0a9b --reason keyCompromise
            """)

    @Argument(help: "Serial numbers in hexadecimal.")
    var serials: [String]
    @Option(help: "Folder of the authority.")
    var dir: String
    @Option(help: "Why; the list says it.")
    var reason: RevocationReasonArgument?
    @Option(help: "Trust domain of a folder that has no authority.yaml.")
    var trustDomain: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let authority = try AuthorityArguments.offline(dir, trustDomain: trustDomain)
        let issued = try await authority.revoke(serials, reason: reason?.reason)
        try output.emit(RevokeReport(issued, file: "\(dir)/\(AuthorityFiles.Name.revocations.rawValue)"))
    }
}

/// The list that `ca revoke` signed.
struct RevokeReport: Report {
    let file: String
    let number: UInt64
    let revoked: Int

    init(_ issued: RevocationIssuer.Issued, file: String) {
        self.file = file
        number = issued.number
        revoked = issued.revoked
    }

    func text(_ style: TextStyle) -> String {
        "\(style.bold(file)) is list number \(number) now, with \(revoked) revoked; give it to whoever is to refuse them"
    }
}
