import MeshCore
import MeshTLS

/// What is said of one certificate. The encoded keys are a promise; texts are escaped for a terminal.
package struct CertificateRecord: Encodable, Sendable, Hashable {
    package enum Role: String, Encodable, Sendable { case leaf, intermediate, root }

    package struct Name: Encodable, Sendable, Hashable {
        package let type: String
        package let value: String
    }

    package struct Constraints: Encodable, Sendable, Hashable {
        package let isAuthority: Bool
        package let pathLength: Int?
        package let critical: Bool
    }

    package struct OtherExtension: Encodable, Sendable, Hashable {
        package let name: String
        package let critical: Bool
    }

    /// Within its set, from 1.
    package let number: Int
    /// Where it stands, such as `tls.crt #1`; several when it stands in more than one place.
    package let places: [String]
    package let role: Role
    package let version: Int
    /// Hexadecimal.
    package let serialNumber: String
    package let subject: String
    package let issuer: String
    package let spiffeIDs: [String]
    package let alternativeNames: [Name]
    /// `nil` without alternative names.
    package let alternativeNamesCritical: Bool?
    /// RFC 3339, as all times here.
    package let notBefore: String
    package let notAfter: String
    /// Negative when expired.
    package let secondsLeft: Int64
    package let lifetimeSeconds: Int64
    package let key: PublicKeyFacts
    package let signatureAlgorithm: String
    package let keyUsage: [String]?
    package let extendedKeyUsage: [String]?
    package let basicConstraints: Constraints?
    /// Hexadecimal, as fingerprints are.
    package let subjectKeyIdentifier: String?
    package let authorityKeyIdentifier: String?
    package let permittedNames: [Name]?
    package let excludedNames: [Name]?
    package let ocspResponders: [String]
    package let issuerLocations: [String]
    package let revocationListLocations: [String]
    /// Signed certificate timestamps; `nil` without the extension.
    package let signedTimestamps: Int?
    package let otherExtensions: [OtherExtension]
    package let sha256: String
    package let pem: String

    init(_ certificate: ParsedCertificate, number: Int, places: [String], role: Role, now: Int64) {
        let extensions = certificate.extensions
        func names(_ list: [AlternativeName]) -> [Name] { list.map { Name(type: $0.kind.rawValue, value: $0.text) } }
        self.number = number
        self.places = places
        self.role = role
        version = certificate.version
        serialNumber = certificate.serialText
        subject = certificate.subject.text
        issuer = certificate.issuer.text
        spiffeIDs = certificate.names.compactMap { $0.spiffeID?.description }
        alternativeNames = names(certificate.names)
        alternativeNamesCritical = extensions.alternativeNames == nil ? nil : extensions.namesAreCritical
        notBefore = Timestamp.text(seconds: certificate.notBefore)
        notAfter = Timestamp.text(seconds: certificate.notAfter)
        secondsLeft = certificate.notAfter - now
        lifetimeSeconds = certificate.notAfter - certificate.notBefore
        key = certificate.key
        signatureAlgorithm = certificate.signatureAlgorithm
        keyUsage = extensions.keyUsage
        extendedKeyUsage = extensions.extendedKeyUsage
        basicConstraints = extensions.basicConstraints.map {
            Constraints(isAuthority: $0.isAuthority, pathLength: $0.pathLength, critical: $0.isCritical)
        }
        subjectKeyIdentifier = extensions.subjectKeyIdentifier.map { HexText.of($0) }
        authorityKeyIdentifier = extensions.authorityKeyIdentifier.map { HexText.of($0) }
        permittedNames = extensions.nameLimits.map { names($0.permitted) }
        excludedNames = extensions.nameLimits.map { names($0.excluded) }
        ocspResponders = extensions.ocspResponders
        issuerLocations = extensions.issuerLocations
        revocationListLocations = extensions.revocationListLocations
        signedTimestamps = extensions.timestampCount
        otherExtensions = extensions.others.map { OtherExtension(name: $0.name, critical: $0.isCritical) }
        sha256 = HexText.of(CertificateCheck.sha256(certificate.der))
        pem = certificate.pem
    }

    /// How much of its life is over, from 0 to 1; more is cut off.
    package var elapsed: Double {
        guard lifetimeSeconds > 0 else { return 1 }
        return min(1, max(0, 1 - Double(secondsLeft) / Double(lifetimeSeconds)))
    }

    /// `23 h 10 min left`, `expired 3 d ago`, `begins in 2 h`.
    package var timeLeft: String {
        if secondsLeft < 0 { return "expired \(Span.text(-secondsLeft)) ago" }
        if secondsLeft > lifetimeSeconds { return "begins in \(Span.text(secondsLeft - lifetimeSeconds))" }
        return "\(Span.text(secondsLeft)) left"
    }
}
