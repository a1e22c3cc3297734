/// Whether a certificate leads to a bundle of roots, and if not, which rule of which certificate stops it.
package struct TrustVerdict: Encodable, Sendable, Hashable {
    /// What a certificate may fail. The raw values are a promise.
    package enum Rule: String, Encodable, Sendable, CaseIterable {
        case expired
        case notYetValid = "not-yet-valid"
        case revoked
        case issuerMissing = "issuer-missing"
        case unknownRoot = "unknown-root"
        case signature
        case notAnAuthority = "not-an-authority"
        case keyUsage = "key-usage"
        case pathLength = "path-length"
        case nameConstraint = "name-constraint"
        case extendedKeyUsage = "extended-key-usage"
        case criticalExtension = "critical-extension"
        case malformed
        case weakKey = "weak-key"
        case weakSignature = "weak-signature"
        case tooLong = "too-long"
    }

    /// The certificate that was judged.
    package let certificate: String
    package let trusted: Bool
    /// From the certificate to the root, as far as it leads.
    package let path: [String]
    /// `nil` when trusted.
    package let rule: Rule?
    /// The certificate that fails the rule.
    package let failing: String?
    package let reason: String
    package let remedy: String?
}

/// A rule that a path fails.
struct TrustFailure: Error, Hashable {
    let rule: TrustVerdict.Rule
    let certificate: ParsedCertificate
    let reason: String
    let remedy: String
}
