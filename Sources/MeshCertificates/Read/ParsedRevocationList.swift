import MeshCore
import SwiftASN1

/// A certificate revocation list as it was written. Source: RFC 5280 section 5.
package struct ParsedRevocationList: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        /// Seconds since 1970.
        let revokedAt: Int64
        /// The word of RFC 5280 section 5.3.1; `nil` when the list gives none.
        let reason: String?
    }

    package let der: [UInt8]
    let issuer: DistinguishedName
    /// Seconds since 1970.
    package let thisUpdate: Int64
    /// Seconds since 1970; `nil` when the list does not say until when it holds.
    package let nextUpdate: Int64?
    /// By serial number, in its shortest big-endian bytes.
    let entries: [[UInt8]: Entry]
    /// Counts the lists of one issuer; `nil` without one, or beyond 64 bits.
    let number: UInt64?
    let authorityKeyIdentifier: [UInt8]?
    /// Extensions of the list or of an entry that are critical and not read here, such as those of partial lists.
    let unknownCritical: [String]

    package static func == (one: ParsedRevocationList, other: ParsedRevocationList) -> Bool { one.der == other.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(der) }

    /// Shape: version (may be absent), algorithm, issuer, this and next update, entries and extensions, the last three of
    /// which may be absent; then the algorithm again and the signature.
    package init(der bytes: some Sequence<UInt8>) throws(ReadingError) {
        der = Array(bytes)
        var parts = try NodeCursor(try ASN1Node.parse(der[...], "it"), .sequence, "the list")
        var fields = try NodeCursor(parts.next(), .sequence, "the list's content")
        let outer = try parts.next().algorithm()
        _ = try parts.next().read(ASN1BitString.self, "the signature")
        try parts.end()

        if fields.current?.identifier == .integer { _ = try fields.next() }
        guard try fields.next().algorithm() == outer else {
            throw ReadingError("the two places that name the signature algorithm disagree")
        }
        issuer = try DistinguishedName(fields.next(), "the issuer")
        thisUpdate = try fields.next().seconds()
        let isTime = fields.current?.identifier == .utcTime || fields.current?.identifier == .generalizedTime
        nextUpdate = isTime ? try fields.next().seconds() : nil
        var unknown: [String] = []
        entries =
            fields.current?.identifier == .sequence
            ? try Self.entries(fields.next(), noting: &unknown) : [:]
        var (number, identifier) = (UInt64?.none, [UInt8]?.none)
        if let wrapped = fields.optional(0) {
            guard let list = wrapped.children.first else { throw ReadingError("the list of extensions is empty") }
            for one in try CertificateExtension.list(list) {
                switch one.oid {
                case [2, 5, 29, 20]: number = try Self.number(one.parsed("the list's number"))
                case [2, 5, 29, 35]: identifier = try one.issuerKeyIdentifier()
                default: if one.isCritical { unknown.append(ObjectNames.otherExtension(one.oid)) }
                }
            }
        }
        try fields.end()
        (self.number, authorityKeyIdentifier, unknownCritical) = (number, identifier, unknown)
    }

    private static func entries(
        _ node: ASN1Node, noting unknown: inout [String]
    ) throws(ReadingError) -> [[UInt8]: Entry] {
        var list = try NodeCursor(node, .sequence, "the entries")
        var entries: [[UInt8]: Entry] = [:]
        while list.current != nil {
            var fields = try NodeCursor(list.next(), .sequence, "an entry")
            let serial = try fields.next()
            guard serial.identifier == .integer, let number = serial.bytes else {
                throw ReadingError("the serial number of an entry is malformed")
            }
            let time = try fields.next().seconds()
            var reason: String?
            if fields.current != nil {
                for one in try CertificateExtension.list(fields.next()) {
                    if one.oid == [2, 5, 29, 21] {
                        reason = try Self.reason(one.parsed("the reason of an entry"))
                    } else if one.isCritical, unknown.isEmpty {
                        unknown.append(ObjectNames.otherExtension(one.oid))
                    }
                }
            }
            try fields.end()
            entries[Array(number.drop { $0 == 0 })] = Entry(revokedAt: time, reason: reason)
        }
        return entries
    }

    private static let reasons: [UInt8: String] = [
        0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
        5: "cessationOfOperation", 6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn",
        10: "aACompromise",
    ]

    private static func reason(_ node: ASN1Node) throws(ReadingError) -> String {
        guard node.identifier == .enumerated, let bytes = node.bytes, bytes.count == 1, let code = bytes.first else {
            throw ReadingError("the reason of an entry is malformed")
        }
        return reasons[code] ?? "reason \(code)"
    }

    private static func number(_ node: ASN1Node) throws(ReadingError) -> UInt64? {
        guard node.identifier == .integer, let bytes = node.bytes?.drop(while: { $0 == 0 }) else {
            throw ReadingError("the list's number is malformed")
        }
        return bytes.count > 8 ? nil : bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// How messages name it: by its issuer.
    package var label: String { issuer.isEmpty ? "an issuer without a name" : issuer.text }

    /// What it says of a certificate of its issuer, whoever signed it; `nil` when it does not name it.
    func entry(of certificate: ParsedCertificate) -> Entry? {
        guard certificate.issuer == issuer else { return nil }
        return entries[Array(certificate.serialNumber.drop { $0 == 0 })]
    }
}
