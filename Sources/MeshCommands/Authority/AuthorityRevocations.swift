import ArgumentParser
import FoundationEssentials
import MeshCA
import MeshCore
import MeshReport

struct AuthorityRevocations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crl",
        abstract: "Print an authority's revocation lists, or sign fresh ones.",
        discussion: """
            As text it prints PEM, to be sent on; as JSON or YAML what the lists say.

            Example: meshctl ca crl --dir ca > ca-crl.pem
            """)

    @OptionGroup var place: AuthorityPlace
    @Flag(help: "Sign a fresh list first; the first one, if there is none.")
    var renew = false
    @Option(help: "How long a fresh list is good for.")
    var validity = LifetimeArgument(seconds: 7 * 24 * 3600)
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let doing = "read revocation lists"
        let report = try await place.with(doing: doing) { authority in
            if renew { _ = try await authority.revoke([], reason: nil, validity: validity.seconds) }
            let material = try await authority.open(doing: doing).material
            guard !material.revocations.isEmpty else {
                throw MeshFailure(
                    .notFound, doing: doing,
                    reason: "\(authority.store.place) has none; make one with meshctl ca crl --renew")
            }
            return RevocationsReport(material)
        }
        try output.emit(report)
    }
}

/// Revocation lists, as text the PEM itself.
struct RevocationsReport: Report {
    struct List: Encodable, Sendable {
        let number: UInt64
        let thisUpdate: Date
        let nextUpdate: Date?
        let revoked: [Entry]
    }
    struct Entry: Encodable, Sendable {
        let serial: String
        let revokedAt: Date
        let reason: String?
    }

    let lists: [List]
    private let pem: String

    private enum CodingKeys: CodingKey { case lists }

    init(_ material: AuthorityMaterial) {
        pem = material.revocationPEM
        lists = material.revocations.map { list in
            List(
                number: list.number, thisUpdate: UnixTime.date(list.thisUpdate),
                nextUpdate: list.nextUpdate.map { UnixTime.date($0) },
                revoked: list.entries.map { entry in
                    Entry(
                        serial: HexText.of(entry.serial), revokedAt: UnixTime.date(entry.revokedAt),
                        reason: entry.reason.map { "\($0)" })
                })
        }
    }

    func text(_ style: TextStyle) -> String { String(pem.dropLast(pem.hasSuffix("\n") ? 1 : 0)) }
}
