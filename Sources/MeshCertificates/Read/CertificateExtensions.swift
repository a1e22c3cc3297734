import SwiftASN1

/// The extensions of a certificate by what they say. One that does not parse is told in `problems`, and the rest holds.
struct CertificateExtensions: Hashable, Sendable {
    struct Other: Hashable, Sendable {
        let name: String
        let isCritical: Bool
    }

    struct Authority: Hashable, Sendable {
        let isAuthority: Bool
        let pathLength: Int?
        let isCritical: Bool
    }

    struct NameLimits: Hashable, Sendable {
        let permitted: [AlternativeName]
        let excluded: [AlternativeName]
    }

    /// `nil` without the extension.
    var alternativeNames: [AlternativeName]?
    var namesAreCritical = false
    var basicConstraints: Authority?
    /// Names of the bits, in the order of RFC 5280; `nil` without the extension.
    var keyUsage: [String]?
    var extendedKeyUsage: [String]?
    var subjectKeyIdentifier: [UInt8]?
    var authorityKeyIdentifier: [UInt8]?
    var nameLimits: NameLimits?
    var ocspResponders: [String] = []
    var issuerLocations: [String] = []
    var revocationListLocations: [String] = []
    /// Of signed certificate timestamps; `nil` without the extension.
    var timestampCount: Int?
    var others: [Other] = []
    var problems: [String] = []
    /// Critical, and not known to verifiers such as ours.
    var unknownCritical: [String] = []

    /// Most extensions that are read.
    static let limit = 64

    init() {}

    init(_ node: ASN1Node) throws(ReadingError) {
        var seen: Set<String> = []
        for one in try CertificateExtension.list(node) {
            guard seen.insert("\(one.oid)").inserted else {
                problems.append("extension \(ObjectNames.otherExtension(one.oid)) stands twice")
                continue
            }
            guard seen.count <= Self.limit else { throw ReadingError("there are more than \(Self.limit) extensions") }
            do throws(ReadingError) {
                try take(one)
            } catch {
                problems.append("extension \(one.oid): \(error)")
            }
        }
    }

    private mutating func take(_ one: CertificateExtension) throws(ReadingError) {
        switch one.oid {
        case [2, 5, 29, 17]:
            namesAreCritical = one.isCritical
            alternativeNames = []
            alternativeNames = try AlternativeName.list(one.parsed("the list of names"))
        case [2, 5, 29, 19]: basicConstraints = try Self.authority(one.parsed("basicConstraints"), one.isCritical)
        case [2, 5, 29, 15]: keyUsage = try Self.usages(one.parsed("keyUsage"))
        case [2, 5, 29, 37]:
            var list = try NodeCursor(one.parsed("extKeyUsage"), .sequence, "extKeyUsage")
            var usages: [String] = []
            while list.current != nil {
                usages.append(ObjectNames.extendedKeyUsage(try list.next().read(ASN1ObjectIdentifier.self, "a usage")))
            }
            extendedKeyUsage = usages
        case [2, 5, 29, 14]: subjectKeyIdentifier = Array(try one.parsed("the key identifier").bytes ?? [])
        case [2, 5, 29, 35]: authorityKeyIdentifier = try one.issuerKeyIdentifier()
        case [2, 5, 29, 30]: nameLimits = try Self.limits(one.parsed("nameConstraints"))
        case [2, 5, 29, 31]: revocationListLocations = Self.locations(try one.parsed("the CRL locations"))
        case [1, 3, 6, 1, 5, 5, 7, 1, 1]: try takeAccess(one.parsed("the authority's locations"))
        case [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2]:
            timestampCount = try Self.timestamps(one.parsed("the timestamps").bytes ?? [])
        default:
            let name = ObjectNames.otherExtension(one.oid)
            others.append(Other(name: name, isCritical: one.isCritical))
            if one.isCritical { unknownCritical.append(name) }
        }
    }

    /// CA flag, absent for false, then an optional path length.
    private static func authority(_ node: ASN1Node, _ isCritical: Bool) throws(ReadingError) -> Authority {
        var fields = try NodeCursor(node, .sequence, "basicConstraints")
        var isAuthority = false
        if fields.current?.identifier == .boolean { isAuthority = try fields.next().bytes?.first != 0 }
        var pathLength: Int?
        if fields.current != nil {
            let bytes = try fields.next().bytes ?? []
            guard bytes.count == 1, let length = bytes.first, length < 128 else {
                throw ReadingError("the path length is not from 0 to 127")
            }
            pathLength = Int(length)
        }
        try fields.end()
        return Authority(isAuthority: isAuthority, pathLength: pathLength, isCritical: isCritical)
    }

    private static let bits = [
        "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign",
        "cRLSign", "encipherOnly", "decipherOnly",
    ]

    private static func usages(_ node: ASN1Node) throws(ReadingError) -> [String] {
        let bytes = try node.read(ASN1BitString.self, "keyUsage").bytes
        return bits.enumerated().compactMap { index, name in
            guard index / 8 < bytes.count else { return nil }
            return bytes[bytes.startIndex + index / 8] & (0x80 >> UInt8(index % 8)) != 0 ? name : nil
        }
    }

    private static func limits(_ node: ASN1Node) throws(ReadingError) -> NameLimits {
        var fields = try NodeCursor(node, .sequence, "nameConstraints")
        func names(_ subtrees: ASN1Node?) throws(ReadingError) -> [AlternativeName] {
            var names: [AlternativeName] = []
            for subtree in subtrees?.children ?? [] {
                guard let base = subtree.children.first else { throw ReadingError("a subtree is empty") }
                names.append(try AlternativeName(base))
            }
            return names
        }
        let permitted = try names(fields.optional(0))
        let excluded = try names(fields.optional(1))
        try fields.end()
        return NameLimits(permitted: permitted, excluded: excluded)
    }

    /// The URIs anywhere in it: distribution points nest them three deep. Source: RFC 5280 section 4.2.1.13.
    private static func locations(_ node: ASN1Node) -> [String] {
        if node.identifier == .context(6), let bytes = node.bytes { return [PrintableText.of(bytes)] }
        return node.children.flatMap(locations)
    }

    private mutating func takeAccess(_ node: ASN1Node) throws(ReadingError) {
        for description in node.children {
            var fields = try NodeCursor(description, .sequence, "a location")
            let method = try fields.next().read(ASN1ObjectIdentifier.self, "a location")
            let location = try AlternativeName(fields.next()).text
            switch method {
            case [1, 3, 6, 1, 5, 5, 7, 48, 1]: ocspResponders.append(location)
            case [1, 3, 6, 1, 5, 5, 7, 48, 2]: issuerLocations.append(location)
            default: continue
            }
        }
    }

    /// Shape: a 16-bit length, then timestamps, each behind a 16-bit length. Source: RFC 6962 section 3.3.
    private static func timestamps(_ bytes: ArraySlice<UInt8>) throws(ReadingError) -> Int {
        var rest = bytes.dropFirst(2)
        var count = 0
        while !rest.isEmpty {
            guard rest.count >= 2 else { throw ReadingError("the list of timestamps ends early") }
            let size = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            guard rest.count >= 2 + size else { throw ReadingError("the list of timestamps ends early") }
            rest = rest.dropFirst(2 + size)
            count += 1
        }
        return count
    }
}
