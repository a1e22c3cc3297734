import ArgumentParser
import MeshCA
import MeshCore
import MeshReport

extension RevocationList.Reason: ExpressibleByArgument {
    /// By its word, not by its number.
    init?(argument: String) {
        guard let reason = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = reason
    }

    static var allValueStrings: [String] { allCases.map { "\($0)" } }
}

struct AuthorityRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revoke certificates by their serial numbers.",
        discussion: """
            The numbers are in the audit log, in the server's log and in meshctl cert-inspect. They go into a new list, \
            ca-crl.pem beside the key, which has to reach whoever is to refuse them, such as the ztunnels of Istio. The \
            authority itself refuses to renew them at once.

            Example: meshctl ca revoke --dir ca 5f3c0a9b --reason keyCompromise
            """)

    @Argument(help: "Serial numbers in hexadecimal.")
    var serials: [String]
    @OptionGroup var place: AuthorityPlace
    @Option(help: "Why; the list says it.")
    var reason: RevocationList.Reason?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try await place.with(doing: "revoke certificates") { authority in
            let issued = try await authority.revoke(serials, reason: reason)
            return RevokeReport(
                issued, file: "\(authority.store.place)/\(AuthorityFiles.Name.revocations.rawValue)")
        }
        try output.emit(report)
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
