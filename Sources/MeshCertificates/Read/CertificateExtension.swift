import SwiftASN1

/// One extension of a certificate, a revocation list or an entry of one. Source: RFC 5280 section 4.1.
struct CertificateExtension {
    let oid: ASN1ObjectIdentifier
    let isCritical: Bool
    /// The DER inside the octet string.
    let value: ArraySlice<UInt8>

    init(_ node: ASN1Node) throws(ReadingError) {
        var fields = try NodeCursor(node, .sequence, "an extension")
        oid = try fields.next().read(ASN1ObjectIdentifier.self, "an extension")
        // Absent for false.
        isCritical = fields.current?.identifier == .boolean ? try fields.next().bytes?.first != 0 : false
        guard let value = try fields.next().bytes else { throw ReadingError("an extension has no value") }
        try fields.end()
        self.value = value
    }

    static func list(_ node: ASN1Node) throws(ReadingError) -> [CertificateExtension] {
        var list = try NodeCursor(node, .sequence, "the list of extensions")
        var all: [CertificateExtension] = []
        while list.current != nil { all.append(try CertificateExtension(list.next())) }
        return all
    }

    func parsed(_ what: String) throws(ReadingError) -> ASN1Node { try ASN1Node.parse(value, what) }

    /// Of an AuthorityKeyIdentifier; `nil` for one that names the issuer otherwise. Source: RFC 5280 section 4.2.1.1.
    func issuerKeyIdentifier() throws(ReadingError) -> [UInt8]? {
        var fields = try NodeCursor(parsed("the issuer's key identifier"), .sequence, "the issuer's key identifier")
        return fields.optional(0)?.bytes.map { Array($0) }
    }
}
