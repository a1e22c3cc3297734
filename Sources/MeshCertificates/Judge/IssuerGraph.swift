import MeshTLS

/// Who issued whom among the certificates in sight: by name, key identifier and signature. Confined to one task.
final class IssuerGraph {
    /// Signatures that are checked in all, and certificates of one name that are looked at: a hostile bundle of
    /// namesakes would cost the square of its size.
    static let signatureLimit = 5000
    static let namesakeLimit = 64

    private var bySubject: [DistinguishedName: [ParsedCertificate]] = [:]
    private var verdicts: [Pair: Bool] = [:]

    private struct Pair: Hashable {
        let certificate: ParsedCertificate
        let issuer: ParsedCertificate
    }

    /// - Parameter certificates: those to rely on first; namesakes beyond the limit are passed over.
    init(_ certificates: some Sequence<ParsedCertificate>) {
        var known: Set<ParsedCertificate> = []
        for certificate in certificates where known.insert(certificate).inserted {
            guard bySubject[certificate.subject]?.count ?? 0 < Self.namesakeLimit else { continue }
            bySubject[certificate.subject, default: []].append(certificate)
        }
    }

    /// Those whose name is the issuer's, whatever their key.
    func namesakes(ofIssuerOf certificate: ParsedCertificate) -> [ParsedCertificate] {
        bySubject[certificate.issuer] ?? []
    }

    /// Those that made the signature, the best first: no expired one before one that is valid at `now`.
    func issuers(of certificate: ParsedCertificate, now: Int64) -> [ParsedCertificate] {
        let found = namesakes(ofIssuerOf: certificate).filter { isSigned(certificate, by: $0) }
        return found.filter { $0.isValid(at: now) } + found.filter { !$0.isValid(at: now) }
    }

    func isSigned(_ certificate: ParsedCertificate, by issuer: ParsedCertificate) -> Bool {
        guard certificate.issuer == issuer.subject, Self.identifiersAgree(certificate, issuer) else { return false }
        let pair = Pair(certificate: certificate, issuer: issuer)
        if let verdict = verdicts[pair] { return verdict }
        guard verdicts.count < Self.signatureLimit else { return false }
        let verdict = CertificateCheck.isSigned(certificate.der, by: issuer.der)
        verdicts[pair] = verdict
        return verdict
    }

    func isSelfSigned(_ certificate: ParsedCertificate) -> Bool {
        certificate.isSelfIssued && isSigned(certificate, by: certificate)
    }

    /// Identifiers are hints: two that differ rule a namesake out without a costly look at its signature.
    private static func identifiersAgree(_ certificate: ParsedCertificate, _ issuer: ParsedCertificate) -> Bool {
        guard let wanted = certificate.extensions.authorityKeyIdentifier,
            let found = issuer.extensions.subjectKeyIdentifier
        else { return true }
        return wanted == found
    }
}

extension ParsedCertificate {
    /// Both ends belong to the validity. Source: RFC 5280 section 4.1.2.5.
    func isValid(at now: Int64) -> Bool { notBefore <= now && now <= notAfter }
}
