import ArgumentParser
import FoundationEssentials
import MeshCA
import MeshCore
import MeshReport

struct AuthoritySign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign a certificate request with an authority's key, without a server.",
        discussion: """
            Of the request only the key counts, and that it is signed with it; the identity is the one named here. Prints \
            the certificate and those between it and a root.

            Example: meshctl ca sign --dir ca --identity spiffe://cluster.local/ns/shop/sa/cart request.pem > chain.pem
            """)

    @Argument(help: "Certificate request in PEM.")
    var request: String
    @Option(help: "Identity of the certificate.")
    var identity: String
    @OptionGroup var place: AuthorityPlace
    @Option(help: "How long the certificate is valid, at most until the authority's own end.")
    var ttl = LifetimeArgument(seconds: 24 * 3600)
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let id = try AuthorityArguments.identity(identity)
        let request = try AuthorityArguments.text(request)
        let signed = try await place.with(doing: "issue a certificate for \(id)") { authority in
            try await OfflineIssuance(authority, identity: id, lifetime: ttl.seconds, request: request).chain()
        }
        try output.emit(SignReport(identity: id, leaf: signed.leaf, pem: signed.pem))
    }
}

/// What `ca sign` made; as text the certificates alone, to be sent on.
struct SignReport: Report {
    let identity: String
    let serial: String
    let notBefore: Date
    let notAfter: Date
    let pem: String

    init(identity: SPIFFEID, leaf: IssuedLeaf, pem: String) {
        self.identity = "\(identity)"
        serial = leaf.serial
        notBefore = UnixTime.date(leaf.notBefore)
        notAfter = UnixTime.date(leaf.notAfter)
        self.pem = pem
    }

    func text(_ style: TextStyle) -> String { String(pem.dropLast()) }
}
