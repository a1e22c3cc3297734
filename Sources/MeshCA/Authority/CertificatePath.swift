import X509

/// The way from a signing certificate to one of the roots.
enum CertificatePath {
    /// Longest path, signing certificate and root included.
    private static let limit = 8

    /// Follows issuers by name and signature until a root. Every certificate on the way must be an authority's, may sign
    /// certificates, is valid at `now` (seconds since 1970) and allows as many authorities below it as there are.
    /// Source: RFC 5280, section 6.1.4.
    static func check(
        from signing: Certificate, through chain: [Certificate], to roots: [Certificate], now: Int64
    ) throws(MaterialError) {
        var current = signing
        for below in 0..<limit {
            try checkAuthority(current, below: below)
            try checkValidity(current, now: now)
            if roots.contains(current) { return }
            guard let issuer = (roots + chain).first(where: { issued(current, by: $0) && $0 != current }) else {
                throw .noPath(subject: "\(current.subject)")
            }
            current = issuer
        }
        throw .noPath(subject: "\(signing.subject)")
    }

    private static func issued(_ certificate: Certificate, by issuer: Certificate) -> Bool {
        certificate.issuer == issuer.subject
            && issuer.publicKey.isValidSignature(certificate.signature, for: certificate)
    }

    /// - Parameter below: authorities between this one and a leaf.
    static func checkAuthority(_ certificate: Certificate, below: Int = 0) throws(MaterialError) {
        guard case .isCertificateAuthority(let length) = try? certificate.extensions.basicConstraints else {
            throw .notAuthority(subject: "\(certificate.subject)")
        }
        if let length, length < below { throw .tooDeep(subject: "\(certificate.subject)", allowed: length) }
        if let usage = try? certificate.extensions.keyUsage, !usage.keyCertSign {
            throw .notAuthority(subject: "\(certificate.subject)")
        }
    }

    /// - Throws: `.outsideValidity`.
    static func checkValidity(_ certificate: Certificate, now: Int64) throws(MaterialError) {
        let notBefore = UnixTime.seconds(certificate.notValidBefore)
        let notAfter = UnixTime.seconds(certificate.notValidAfter)
        guard (notBefore..<notAfter).contains(now) else {
            throw .outsideValidity(subject: "\(certificate.subject)", notBefore: notBefore, notAfter: notAfter)
        }
    }
}
