import MeshCore
import MeshTLS

/// How two credentials or bundles differ. The encoded keys are a promise.
package struct CertificateDiff: Encodable, Sendable {
    /// A field of the leaf, under its key in the JSON of a certificate.
    package struct Change: Encodable, Sendable, Hashable {
        package let field: String
        package let old: String
        package let new: String
    }

    /// A certificate that only one side has.
    package struct Member: Encodable, Sendable, Hashable {
        package let certificate: String
        package let role: CertificateRecord.Role
        package let notAfter: String
        package let sha256: String
    }

    package let old: String
    package let new: String
    package let same: Bool
    /// The leaves, field by field; `nil` when one side has none, or several.
    package let leaf: [Change]?
    /// Whether the leaf has the same public key; `nil` as above.
    package let sameKey: Bool?
    package let removed: [Member]
    package let added: [Member]
    /// In the same order; `nil` unless both have the same certificates.
    package let sameOrder: Bool?

    package init(old: [Inspection.Subject], new: [Inspection.Subject], _ options: Inspection.Options) {
        let (before, after) = (old.map { SetView($0, options) }, new.map { SetView($0, options) })
        self.old = before.map(\.subject.set.name).joined(separator: ", ")
        self.new = after.map(\.subject.set.name).joined(separator: ", ")
        let (mine, theirs) = (Self.members(before), Self.members(after))
        let (mineSet, theirSet) = (Set(mine.map(\.0)), Set(theirs.map(\.0)))
        removed = mine.filter { !theirSet.contains($0.0) }.map(\.1)
        added = theirs.filter { !mineSet.contains($0.0) }.map(\.1)
        sameOrder = removed.isEmpty && added.isEmpty ? mine.map(\.0) == theirs.map(\.0) : nil
        if let one = Self.leaf(before), let other = Self.leaf(after) {
            leaf = Self.changes(one, other, options.now)
            sameKey = one.keyInfo == other.keyInfo
        } else {
            leaf = nil
            sameKey = nil
        }
        same = sameOrder == true
    }

    private static func members(_ views: [SetView]) -> [(ParsedCertificate, Member)] {
        var seen: Set<ParsedCertificate> = []
        return views.flatMap { view in
            view.certificates.filter { seen.insert($0).inserted }.map { certificate in
                let record = CertificateRecord(
                    certificate, number: 0, places: [], role: view.role(certificate), now: view.options.now)
                let member = Member(
                    certificate: certificate.label, role: record.role, notAfter: record.notAfter, sha256: record.sha256)
                return (certificate, member)
            }
        }
    }

    private static func leaf(_ views: [SetView]) -> ParsedCertificate? {
        let leaves = views.flatMap { view in view.certificates.filter { view.role($0) == .leaf } }
        return Set(leaves).count == 1 ? leaves[0] : nil
    }

    private static func changes(_ old: ParsedCertificate, _ new: ParsedCertificate, _ now: Int64) -> [Change] {
        let (one, other) = (fields(old, now), fields(new, now))
        return zip(one, other).compactMap { before, after in
            before.1 == after.1 ? nil : Change(field: before.0, old: before.1, new: after.1)
        }
    }

    /// Texts of the fields in a fixed order; what is not there is `none`.
    private static func fields(_ certificate: ParsedCertificate, _ now: Int64) -> [(String, String)] {
        let record = CertificateRecord(certificate, number: 0, places: [], role: .leaf, now: now)
        func list(_ values: [String]?) -> String {
            values.map { $0.isEmpty ? "empty" : $0.joined(separator: ", ") } ?? "none"
        }
        let constraints = record.basicConstraints.map { value in
            "CA \(value.isAuthority), path length \(value.pathLength.map { "\($0)" } ?? "none"), critical \(value.critical)"
        }
        return [
            ("subject", record.subject), ("issuer", record.issuer), ("serialNumber", record.serialNumber),
            ("alternativeNames", list(record.alternativeNames.map { "\($0.type):\($0.value)" })),
            ("alternativeNamesCritical", record.alternativeNamesCritical.map { "\($0)" } ?? "none"),
            ("notBefore", record.notBefore), ("notAfter", record.notAfter), ("key", record.key.text),
            ("publicKey", HexText.of(CertificateCheck.sha256(certificate.keyInfo))),
            ("signatureAlgorithm", record.signatureAlgorithm),
            ("keyUsage", list(record.keyUsage)), ("extendedKeyUsage", list(record.extendedKeyUsage)),
            ("basicConstraints", constraints ?? "none"),
            ("authorityKeyIdentifier", record.authorityKeyIdentifier ?? "none"),
            ("revocationListLocations", list(record.revocationListLocations)),
            ("ocspResponders", list(record.ocspResponders)), ("issuerLocations", list(record.issuerLocations)),
            ("signedTimestamps", record.signedTimestamps.map { "\($0)" } ?? "none"),
            ("otherExtensions", list(record.otherExtensions.map { $0.critical ? "\($0.name) (critical)" : $0.name })),
        ]
    }
}
