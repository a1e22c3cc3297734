import MeshCore
import MeshTLS

/// The revocation lists in sight, and what they say of certificates. Confined to one task.
///
/// A list counts once the certificate that issued another has signed it, may sign lists, and the list holds nothing that
/// must not be passed over. Also a list that is out of date: what it revokes stays revoked.
final class RevocationRegister {
    /// A list and where it stands, such as `ca-crl.pem #1`.
    struct Placed {
        let list: ParsedRevocationList
        let place: String
    }

    struct Revocation {
        let entry: ParsedRevocationList.Entry
        let place: String
    }

    /// Signatures that are checked in all: namesakes of many lists would cost their product.
    static let signatureLimit = 1000

    let lists: [Placed]
    private let byIssuer: [DistinguishedName: [Int]]
    private var verdicts: [Pair: Bool] = [:]

    private struct Pair: Hashable {
        let list: Int
        let issuer: ParsedCertificate
    }

    init(_ parts: [CertificatePart]) {
        lists = parts.flatMap { part in
            part.revocationLists.enumerated().map { Placed(list: $1, place: "\(part.name) #\($0 + 1)") }
        }
        byIssuer = Dictionary(grouping: lists.indices) { [lists] in lists[$0].list.issuer }
    }

    /// What revokes the certificate, by a list of the one that issued it; `nil` when none does.
    func revocation(of certificate: ParsedCertificate, issuedBy issuer: ParsedCertificate) -> Revocation? {
        for index in byIssuer[certificate.issuer] ?? [] {
            let placed = lists[index]
            guard let entry = placed.list.entry(of: certificate), counts(index, by: issuer) else { continue }
            return Revocation(entry: entry, place: placed.place)
        }
        return nil
    }

    /// Why no certificate of `authorities` makes a list count; `nil` when one does.
    func obstacle(_ index: Int, among authorities: [ParsedCertificate]) -> String? {
        let list = lists[index].list
        let issuer = list.label
        if let name = list.unknownCritical.first { return "has the critical extension \(name), which is not read here" }
        let namesakes = authorities.filter { $0.subject == list.issuer }
        if namesakes.contains(where: { counts(index, by: $0) }) { return nil }
        if namesakes.isEmpty { return "is of \(issuer), whose certificate is not here" }
        return namesakes.contains(where: \.maySignLists)
            ? "is not signed by the key of \(issuer)"
            : "is of \(issuer), whose key usage lacks cRLSign"
    }

    private func counts(_ index: Int, by issuer: ParsedCertificate) -> Bool {
        let list = lists[index].list
        guard list.unknownCritical.isEmpty, issuer.subject == list.issuer, issuer.maySignLists else { return false }
        if let wanted = list.authorityKeyIdentifier, let found = issuer.extensions.subjectKeyIdentifier, wanted != found
        {
            return false
        }
        let pair = Pair(list: index, issuer: issuer)
        if let verdict = verdicts[pair] { return verdict }
        guard verdicts.count < Self.signatureLimit else { return false }
        let verdict = CertificateCheck.isSigned(revocationList: list.der, by: issuer.der)
        verdicts[pair] = verdict
        return verdict
    }
}

extension ParsedCertificate {
    /// Source: RFC 5280 section 4.2.1.3.
    fileprivate var maySignLists: Bool { extensions.keyUsage?.contains("cRLSign") ?? true }
}
