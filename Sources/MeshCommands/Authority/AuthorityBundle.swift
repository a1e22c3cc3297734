import ArgumentParser
import FoundationEssentials
import MeshCA
import MeshCore
import MeshReport

struct AuthorityBundle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Print the roots that peers have to trust.",
        discussion: """
            As text it prints PEM, to be sent on; as JSON or YAML what the roots are.

            Example: meshctl ca bundle --dir ca > root-cert.pem
            """)

    @OptionGroup var place: AuthorityPlace
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let doing = "read the bundle"
        try output.emit(try await place.with(doing: doing) { BundleReport(try await $0.open(doing: doing)) })
    }
}

/// One certificate of an authority.
struct AuthorityCertificateReport: Encodable, Sendable {
    let subject: String
    let serial: String
    let notBefore: Date
    let notAfter: Date
}

/// The roots of an authority, as text the PEM itself.
struct BundleReport: Report {
    let trustDomain: String
    let roots: [AuthorityCertificateReport]
    private let pem: String

    private enum CodingKeys: CodingKey { case trustDomain, roots }

    init(_ authority: CertificateAuthority) {
        trustDomain = authority.trustDomain.name
        roots = authority.rootSummaries.map(AuthorityCertificateReport.init)
        pem = authority.material.rootPEM
    }

    func text(_ style: TextStyle) -> String { String(pem.dropLast(pem.hasSuffix("\n") ? 1 : 0)) }
}

extension AuthorityCertificateReport {
    init(_ summary: CertificateSummary) {
        subject = summary.subject
        serial = summary.serial
        notBefore = UnixTime.date(summary.notBefore)
        notAfter = UnixTime.date(summary.notAfter)
    }
}
