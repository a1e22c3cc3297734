import MeshCore

/// Follows a certificate to a bundle of roots by the rules of RFC 5280 section 6, and can say which one it fails.
///
/// As with libssl in `MeshTLS`, every certificate of the bundle is an anchor, an intermediate too.
struct TrustJudge {
    /// Longest path, leaf and root included.
    static let pathLimit = 10
    /// Paths that are tried before the first failure stands.
    private static let tryLimit = 256

    private let bundle: Set<ParsedCertificate>
    private let graph: IssuerGraph
    /// What may stand on the way besides the bundle.
    private let helpers: Set<ParsedCertificate>
    private let revocations: RevocationRegister
    private let now: Int64

    /// - Parameter graph: must know the bundle and the helpers.
    init(
        bundle: [ParsedCertificate], helpers: [ParsedCertificate], graph: IssuerGraph, revocations: RevocationRegister,
        now: Int64
    ) {
        self.bundle = Set(bundle)
        self.helpers = Set(helpers)
        self.graph = graph
        self.revocations = revocations
        self.now = now
    }

    func judge(_ certificate: ParsedCertificate, for role: CertificateRole) -> TrustVerdict {
        var search = Search()
        walk([certificate], role, &search)
        if let path = search.trusted {
            let root = path[path.count - 1]
            return TrustVerdict(
                certificate: certificate.label, trusted: true, path: path.map(\.label), rule: nil, failing: nil,
                reason: "leads to \(root.label), which is in the bundle", remedy: nil)
        }
        // A path that reaches a root says more than one that ends before.
        let (path, failure) = search.failed ?? search.ended ?? ([certificate], deadEnd(certificate))
        return TrustVerdict(
            certificate: certificate.label, trusted: false, path: path.map(\.label), rule: failure.rule,
            failing: failure.certificate.label, reason: failure.reason, remedy: failure.remedy)
    }

    private struct Search {
        var trusted: [ParsedCertificate]?
        var failed: ([ParsedCertificate], TrustFailure)?
        var ended: ([ParsedCertificate], TrustFailure)?
        var tries = 0
    }

    private func walk(_ path: [ParsedCertificate], _ role: CertificateRole, _ search: inout Search) {
        search.tries += 1
        guard search.trusted == nil, search.tries <= Self.tryLimit else { return }
        let top = path[path.count - 1]
        if bundle.contains(top) {
            do throws(TrustFailure) {
                try PathRules(path: path, role: role, revocations: revocations, now: now).check()
                search.trusted = path
            } catch {
                if search.failed == nil { search.failed = (path, error) }
            }
            return
        }
        guard path.count < Self.pathLimit else {
            let failure = TrustFailure(
                rule: .tooLong, certificate: top, reason: "the path has more than \(Self.pathLimit) certificates",
                remedy: "remove the certificates that sign one another")
            if search.ended == nil { search.ended = (path, failure) }
            return
        }
        let issuers = graph.issuers(of: top, now: now).filter { issuer in
            !path.contains(issuer) && (bundle.contains(issuer) || helpers.contains(issuer))
        }
        if issuers.isEmpty, path.count > search.ended?.0.count ?? 0 { search.ended = (path, deadEnd(top)) }
        // Roots first: the shortest way is the one that peers will find.
        for issuer in issuers where bundle.contains(issuer) { walk(path + [issuer], role, &search) }
        for issuer in issuers where !bundle.contains(issuer) { walk(path + [issuer], role, &search) }
    }

    private func deadEnd(_ top: ParsedCertificate) -> TrustFailure {
        let namesakes = graph.namesakes(ofIssuerOf: top).filter { bundle.contains($0) || helpers.contains($0) }
        let inBundle = namesakes.contains { bundle.contains($0) }
        let issuer = top.issuer.isEmpty ? "an issuer without a name" : top.issuer.text
        if graph.isSelfSigned(top) {
            return TrustFailure(
                rule: .unknownRoot, certificate: top,
                reason: inBundle
                    ? "is a root that the bundle knows with another key; it was renewed or made by another authority"
                    : "is a root that is not in the bundle",
                remedy: "add this root to the bundle, or have the certificate issued by an authority of the bundle")
        }
        if namesakes.isEmpty {
            let where_ = top.extensions.issuerLocations.first.map { "; the issuer's certificate is at \($0)" } ?? ""
            return TrustFailure(
                rule: .issuerMissing, certificate: top,
                reason: "was issued by \(issuer), which is neither sent along nor in the bundle",
                remedy: "append the intermediate certificate to the chain, or add its root to the bundle\(where_)")
        }
        return TrustFailure(
            rule: .signature, certificate: top,
            reason: inBundle
                ? "is not signed by the key that the bundle has for \(issuer)"
                : "is not signed by the key of \(issuer) in the chain",
            remedy:
                "the issuer was renewed under its old name, or the certificate was altered; compare the fingerprints")
    }
}

/// What a certificate is used for.
enum CertificateRole: Sendable, Hashable {
    /// Of a workload, which is client and server.
    case workload
    case server
    /// Neither is known.
    case any
}
