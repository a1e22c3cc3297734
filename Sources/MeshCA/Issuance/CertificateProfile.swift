import Crypto
import MeshCore
import SwiftASN1
import X509

/// What the certificates of this authority look like. Source: RFC 5280; the values are those of istiod.
enum CertificateProfile {
    /// Backdating that forgives clocks which run behind ours. Seconds.
    static let backdating: Int64 = 120

    /// 16 random bytes, the first between 0x01 and 0x7f: positive, not zero, and no more than 20 octets in DER.
    static func serial() -> Certificate.SerialNumber {
        // Two words: the kernel is asked once for each, and a byte at a time that would be sixteen times.
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = [UInt8.random(in: 1...0x7f, using: &generator)]
        bytes.reserveCapacity(17)
        for _ in 0..<2 {
            unsafe withUnsafeBytes(of: generator.next() as UInt64) { unsafe bytes.append(contentsOf: $0) }
        }
        return Certificate.SerialNumber(bytes: Array(bytes.prefix(16)))
    }

    /// What all leaves of an issuer have in common; their names follow.
    static func leafExtensions(issuer: Certificate) throws -> Certificate.Extensions {
        var extensions = try Certificate.Extensions {
            Critical(KeyUsage(digitalSignature: true, keyEncipherment: true))
            try ExtendedKeyUsage([.serverAuth, .clientAuth])
            Critical(BasicConstraints.notCertificateAuthority)
        }
        if let identifier = try issuer.extensions.subjectKeyIdentifier?.keyIdentifier {
            let authority = AuthorityKeyIdentifier(keyIdentifier: identifier)
            try extensions.append(Certificate.Extension(authority, critical: false))
        }
        return extensions
    }

    /// Subject empty unless the request had a common name; names critical for that reason, and always.
    static func leaf(
        for request: SigningRequest, names: [SubjectName], of material: AuthorityMaterial, notBefore: Int64,
        notAfter: Int64
    ) throws -> Certificate {
        var extensions = material.leafExtensions
        let alternatives = SubjectAlternativeNames(names.map(\.generalName))
        try extensions.append(Certificate.Extension(alternatives, critical: true))
        return try Certificate(
            version: .v3, serialNumber: serial(), publicKey: request.publicKey,
            notValidBefore: UnixTime.date(notBefore), notValidAfter: UnixTime.date(notAfter),
            issuer: material.signing.subject, subject: subject(for: request, names: names),
            signatureAlgorithm: material.algorithm, extensions: extensions, issuerPrivateKey: material.key)
    }

    /// Organization only, CA without path length, valid from now, not backdated.
    ///
    /// Deviation: it may also sign revocation lists (cRLSign), which istiod's root may not, and so cannot revoke.
    /// - Parameter unit: tells a root from the ones before it, which have the same organization; `nil` for a first one.
    static func root(
        trustDomain: TrustDomain, unit: String? = nil, key: Certificate.PrivateKey, notBefore: Int64, notAfter: Int64
    ) throws -> Certificate {
        let name = try DistinguishedName {
            OrganizationName(trustDomain.name)
            if let unit { OrganizationalUnitName(unit) }
        }
        return try Certificate(
            version: .v3, serialNumber: serial(), publicKey: key.publicKey,
            notValidBefore: UnixTime.date(notBefore), notValidAfter: UnixTime.date(notAfter),
            issuer: name, subject: name, signatureAlgorithm: algorithm(for: key),
            extensions: Certificate.Extensions {
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectKeyIdentifier(hash: key.publicKey)
            },
            issuerPrivateKey: key)
    }

    private static func subject(for request: SigningRequest, names: [SubjectName]) throws -> DistinguishedName {
        // 64 is the upper bound of a common name in RFC 5280, appendix A.1.
        guard request.hasCommonName, let name = names.first?.text, name.utf8.count <= 64 else {
            return DistinguishedName()
        }
        return try DistinguishedName { CommonName(name) }
    }

    /// SHA-256 with RSA PKCS#1 v1.5 and P-256, SHA-384 with P-384, SHA-512 with P-521.
    static func algorithm(for key: Certificate.PrivateKey) -> Certificate.SignatureAlgorithm {
        let possible = key.supportedSignatureAlgorithms
        if possible.contains(.sha256WithRSAEncryption) { return .sha256WithRSAEncryption }
        if P384.Signing.PublicKey(key.publicKey) != nil { return .ecdsaWithSHA384 }
        if P521.Signing.PublicKey(key.publicKey) != nil { return .ecdsaWithSHA512 }
        if P256.Signing.PublicKey(key.publicKey) != nil { return .ecdsaWithSHA256 }
        return possible.first ?? .ed25519
    }
}
