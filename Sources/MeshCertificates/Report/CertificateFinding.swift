/// A mistake, and what to do about it. The encoded keys and the names of the checks are a promise.
package struct CertificateFinding: Encodable, Sendable, Hashable {
    package enum Severity: String, Encodable, Sendable { case error, warning }

    package enum Check: String, Encodable, Sendable, CaseIterable {
        case unreadable
        case expired
        case notYetValid = "not-yet-valid"
        case revoked
        case validityReversed = "validity-reversed"
        case longLived = "long-lived"
        case namesNotCritical = "names-not-critical"
        case noName = "no-name"
        case commonNameOnly = "common-name-only"
        case malformedIdentity = "malformed-identity"
        case noIdentity = "no-identity"
        case severalIdentities = "several-identities"
        case wrongTrustDomain = "wrong-trust-domain"
        case missingClientUsage = "missing-client-usage"
        case missingServerUsage = "missing-server-usage"
        case missingDigitalSignature = "missing-digital-signature"
        case leafIsAuthority = "leaf-is-authority"
        case issuerIsNoAuthority = "issuer-is-no-authority"
        case weakKey = "weak-key"
        case weakSignature = "weak-signature"
        case malformedExtension = "malformed-extension"
        case unknownCriticalExtension = "unknown-critical-extension"
        case serialNumber = "serial-number"
        case chainOrder = "chain-order"
        case unrelated
        case duplicate
        case intermediateMissing = "intermediate-missing"
        case rootSent = "root-sent"
        case keyMismatch = "key-mismatch"
        case keyNotCompared = "key-not-compared"
        case rootExpired = "root-expired"
        case rootIsNoAuthority = "root-is-no-authority"
        case nameMismatch = "name-mismatch"
        case revocationListOutOfDate = "revocation-list-out-of-date"
        case revocationListUnverified = "revocation-list-unverified"
        case untrusted
    }

    package let severity: Severity
    package let check: Check
    /// The set that it was found in; empty for what was given to judge by.
    package let set: String
    /// Where in the set, such as `tls.crt #1`; empty for the set as a whole.
    package let place: String
    /// The certificate by its URI or subject; `nil` when none is meant.
    package let certificate: String?
    package let message: String
    package let remedy: String
}
