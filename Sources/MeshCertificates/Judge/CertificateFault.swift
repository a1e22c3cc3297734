import MeshCore

/// What one certificate fails by its own words, said alike to whoever looks at it and to whoever follows a path over it.
struct CertificateFault {
    let rule: TrustVerdict.Rule
    let check: CertificateFinding.Check
    let reason: String
    let remedy: String

    /// A begin within this time ahead is a matter of clocks, not of plans.
    private static let clockSkew: Int64 = 86_400

    /// Both ends belong to the validity. Source: RFC 5280 section 4.1.2.5.
    static func time(of certificate: ParsedCertificate, now: Int64) -> CertificateFault? {
        if now > certificate.notAfter {
            return CertificateFault(
                rule: .expired, check: .expired,
                reason: "expired \(Timestamp.text(seconds: certificate.notAfter)), "
                    + "\(Span.text(now - certificate.notAfter)) ago",
                remedy: "renew it, and find out why that was not done in time")
        }
        guard now < certificate.notBefore else { return nil }
        let wait = certificate.notBefore - now
        return CertificateFault(
            rule: .notYetValid, check: .notYetValid,
            reason: "is valid only from \(Timestamp.text(seconds: certificate.notBefore)), in \(Span.text(wait))",
            remedy: wait <= clockSkew
                ? "this machine's clock is behind, or the authority's ahead; synchronize both"
                : "wait, or have it reissued")
    }

    static func form(of certificate: ParsedCertificate) -> [CertificateFault] {
        certificate.extensions.problems.map { problem in
            CertificateFault(
                rule: .malformed, check: .malformedExtension, reason: "is malformed: \(problem)",
                remedy: "have it reissued by software that writes DER")
        }
            + certificate.extensions.unknownCritical.map { name in
                CertificateFault(
                    rule: .criticalExtension, check: .unknownCriticalExtension,
                    reason: "has the critical extension \(name), which verifiers do not know and must refuse",
                    remedy: "have it issued without the extension, or with it not critical")
            }
    }

    static func strength(of certificate: ParsedCertificate, isRoot: Bool) -> [CertificateFault] {
        var faults: [CertificateFault] = []
        if let weakness = certificate.key.weakness {
            faults.append(
                CertificateFault(
                    rule: .weakKey, check: .weakKey, reason: "has a weak key: \(weakness)",
                    remedy: "make a key of EC P-256 or of RSA with 2048 bits or more"))
        }
        // Nobody relies on the signature of a root.
        if !isRoot, let weakness = certificate.signatureWeakness {
            faults.append(
                CertificateFault(
                    rule: .weakSignature, check: .weakSignature,
                    reason: "is signed by \(certificate.signatureAlgorithm): \(weakness)",
                    remedy: "have it signed with SHA-256 or better"))
        }
        return faults
    }

    /// - Parameter revocation: what a list says of it.
    static func revocation(_ revocation: RevocationRegister.Revocation) -> CertificateFault {
        let reason = revocation.entry.reason.map { " (\($0))" } ?? ""
        return CertificateFault(
            rule: .revoked, check: .revoked,
            reason: "was revoked \(Timestamp.text(seconds: revocation.entry.revokedAt))\(reason) "
                + "by the list in \(revocation.place)",
            remedy: "have another one issued, with a new key")
    }
}
