import MeshCore
import SwiftASN1

/// A certificate as it was written, also where no verifier would take it.
///
/// Unlike the certificates of the X.509 library this one can have a key or a signature of any kind, extensions that do
/// not parse, and times that make no sense: it is made to be looked at. Source: RFC 5280 section 4.
package struct ParsedCertificate: Hashable, Sendable {
    /// Bytes of DER.
    package static let sizeLimit = 64 << 10

    package let der: [UInt8]
    /// 1 to 3, or what stands there.
    let version: Int
    /// Big-endian, as written.
    let serialNumber: [UInt8]
    let signatureAlgorithm: String
    let signatureWeakness: String?
    let issuer: DistinguishedName
    let subject: DistinguishedName
    /// Seconds since 1970.
    package let notBefore: Int64
    /// Seconds since 1970.
    package let notAfter: Int64
    let key: PublicKeyFacts
    let keyInfo: [UInt8]
    let extensions: CertificateExtensions

    package static func == (one: ParsedCertificate, other: ParsedCertificate) -> Bool { one.der == other.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(der) }

    package init(der bytes: some Sequence<UInt8>) throws(ReadingError) {
        der = Array(bytes)
        guard der.count <= Self.sizeLimit else {
            throw ReadingError("it has \(der.count) bytes, more than the \(Self.sizeLimit) of any real one")
        }
        var parts = try NodeCursor(try ASN1Node.parse(der[...], "it"), .sequence, "the certificate")
        var fields = try NodeCursor(parts.next(), .sequence, "the certificate's content")
        let outer = try parts.next().algorithm()
        _ = try parts.next().read(ASN1BitString.self, "the signature")
        try parts.end()

        version = try fields.optional(0).map { node throws(ReadingError) in try Self.version(node) } ?? 1
        let serial = try fields.next()
        guard serial.identifier == .integer, let number = serial.bytes, !number.isEmpty else {
            throw ReadingError("the serial number is malformed")
        }
        serialNumber = Array(number)
        guard try fields.next().algorithm() == outer else {
            throw ReadingError("the two places that name the signature algorithm disagree")
        }
        (signatureAlgorithm, signatureWeakness) = ObjectNames.signature(outer)
        issuer = try DistinguishedName(fields.next(), "the issuer")
        var validity = try NodeCursor(fields.next(), .sequence, "the validity")
        notBefore = try validity.next().seconds()
        notAfter = try validity.next().seconds()
        try validity.end()
        subject = try DistinguishedName(fields.next(), "the subject")
        let info = try fields.next()
        keyInfo = Array(info.encodedBytes)
        key = try PublicKeyFacts(info)
        _ = fields.optional(1)
        _ = fields.optional(2)
        if let wrapped = fields.optional(3) {
            guard let list = wrapped.children.first else { throw ReadingError("the list of extensions is empty") }
            extensions = try CertificateExtensions(list)
        } else {
            extensions = CertificateExtensions()
        }
        try fields.end()
    }

    private static func version(_ node: ASN1Node) throws(ReadingError) -> Int {
        guard let bytes = node.children.first?.bytes, bytes.count == 1, let value = bytes.first else {
            throw ReadingError("the version is malformed")
        }
        return Int(value) + 1
    }
}

// MARK: - What the fields mean

extension ParsedCertificate {
    /// Every name, in order.
    var names: [AlternativeName] { extensions.alternativeNames ?? [] }

    /// Whether it is made for a workload: it claims a SPIFFE ID and is no authority by its own words.
    var isWorkload: Bool { names.contains(where: \.claimsIdentity) }

    var isAuthority: Bool { extensions.basicConstraints?.isAuthority ?? false }

    /// Whether it names itself as its issuer; its signature decides whether that is so.
    var isSelfIssued: Bool { issuer == subject && !subject.isEmpty }

    /// How messages name it: its first URI, else its subject, else another name, else its serial number.
    package var label: String {
        if let uri = names.first(where: { $0.kind == .uri }) { return uri.text }
        if !subject.isEmpty { return subject.text }
        if let name = names.first { return name.text }
        return "serial \(serialText)"
    }

    /// Hexadecimal, as `openssl x509 -serial` prints it but in lower case.
    var serialText: String {
        let digits = HexText.of(serialNumber.drop { $0 == 0 })
        return digits.isEmpty ? "00" : digits
    }

    /// PEM text with lines of 64 characters. Source: RFC 7468.
    package var pem: String { PEMBlock.text(label: "CERTIFICATE", der) }
}
