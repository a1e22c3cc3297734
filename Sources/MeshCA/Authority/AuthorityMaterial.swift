import SwiftASN1
package import X509

/// The certificates and the key of an authority, known to fit each other.
///
/// The layout is that of Istio's plug-in certificates: a signing certificate with its key, the chain from there to a
/// root, and the roots that peers are told to trust.
package struct AuthorityMaterial: Sendable {
    package let signing: Certificate
    /// Never logged, never part of a description.
    let key: Certificate.PrivateKey
    /// What the key signs with.
    let algorithm: Certificate.SignatureAlgorithm
    /// Extensions of every leaf, made once.
    let leafExtensions: Certificate.Extensions
    /// Certificates that accompany a leaf.
    package let chain: [Certificate]
    package let roots: [Certificate]
    /// One certificate each, ending in one newline.
    package let chainPEM: [String]
    /// As the file has it.
    package let rootPEM: String
    /// As the file has it; empty when there is none.
    package let revocationPEM: String
    package let revocations: [RevocationList]

    /// Texts of `ca-cert.pem`, `ca-key.pem`, `cert-chain.pem`, `root-cert.pem` and `ca-crl.pem`.
    package struct Texts: Sendable {
        package var certificate: String
        package var key: String
        package var chain: String
        package var roots: String
        package var revocations: String?

        package init(certificate: String, key: String, chain: String, roots: String, revocations: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.chain = chain
            self.roots = roots
            self.revocations = revocations
        }
    }

    /// Checks everything or refuses all: parsing, a path to a root, key and certificate belonging together, CA = true,
    /// path lengths, nothing expired, and, when there are revocation lists, one for each certificate of the chain.
    ///
    /// Deviation: a signing certificate that is neither a root nor in the chain is put in front of the chain, since
    /// nobody could verify its leaves otherwise; istiod leaves it out.
    /// - Parameter now: seconds since 1970.
    package init(_ texts: Texts, now: Int64) throws(MaterialError) {
        // The first block is the certificate, as with istiod; what follows it in the file has no meaning.
        guard let signing = try Self.certificates(texts.certificate, .certificate).first else {
            throw .part(.certificate, "holds no certificate")
        }
        let chain = try Self.certificates(texts.chain, .chain)
        let roots = try Self.certificates(texts.roots, .roots)
        guard !roots.isEmpty else { throw .part(.roots, "holds no certificate") }
        for root in roots { try CertificatePath.checkAuthority(root) }
        let key: Certificate.PrivateKey
        do {
            guard let block = try PEM.blocks(texts.key).first else { throw PEMLabelError(found: "nothing") }
            key = try Certificate.PrivateKey(pemDocument: block)
        } catch {
            // The parser's own words could quote the key.
            throw .part(.key, "holds no private key that is understood; use PKCS#8, PKCS#1 or SEC1 in PEM")
        }
        guard key.publicKey == signing.publicKey else { throw .keyMismatch }
        try CertificatePath.check(from: signing, through: chain, to: roots, now: now)
        for certificate in chain { try CertificatePath.checkValidity(certificate, now: now) }
        self.signing = signing
        self.key = key
        algorithm = CertificateProfile.algorithm(for: key)
        do {
            leafExtensions = try CertificateProfile.leafExtensions(issuer: signing)
        } catch {
            throw .part(.certificate, "\(error)")
        }
        self.roots = roots
        self.chain = roots.contains(signing) || chain.contains(signing) ? chain : [signing] + chain
        rootPEM = texts.roots
        revocationPEM = texts.revocations ?? ""
        do {
            chainPEM = try self.chain.map(PEM.text)
        } catch {
            throw .part(.chain, "\(error)")
        }
        revocations =
            try texts.revocations.map { text throws(MaterialError) in
                try RevocationList.complete(text, for: chain, issuers: [signing] + chain + roots)
            } ?? []
    }

    private static func certificates(_ text: String, _ part: MaterialError.Part) throws(MaterialError) -> [Certificate]
    {
        do {
            return try PEM.certificates(text)
        } catch {
            throw .part(part, "\(error)")
        }
    }
}

/// Why certificates and key are not one authority.
package enum MaterialError: Error, Hashable, CustomStringConvertible {
    package enum Part: String, Sendable { case certificate, key, chain, roots, revocations }

    case part(Part, String)
    case keyMismatch
    case notAuthority(subject: String)
    /// More authorities are below this one than its path length allows.
    case tooDeep(subject: String, allowed: Int)
    case noPath(subject: String)
    case outsideValidity(subject: String, notBefore: Int64, notAfter: Int64)
    case revocationListMissing(subject: String)

    package var description: String {
        switch self {
        case .part(let part, let reason): "\(part.rawValue): \(reason)"
        case .keyMismatch: "the private key does not belong to the signing certificate"
        case .notAuthority(let subject):
            "certificate \"\(subject)\" is not a certificate authority (CA is not true, or it may not sign)"
        case .tooDeep(let subject, let allowed):
            "certificate \"\(subject)\" allows \(allowed) authorities below it (path length), and there are more"
        case .noPath(let subject): "certificate \"\(subject)\" does not lead to a root; add its issuer to the chain"
        case .outsideValidity(let subject, let notBefore, let notAfter):
            "certificate \"\(subject)\" is valid from \(UnixTime.text(notBefore)) to \(UnixTime.text(notAfter)), not now"
        case .revocationListMissing(let subject):
            "no revocation list is signed by certificate \"\(subject)\"; there must be one for each of the chain"
        }
    }
}
