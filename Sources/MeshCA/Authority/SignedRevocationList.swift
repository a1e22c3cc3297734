import SwiftASN1
import X509

/// `CertificateList` as it is read: SEQUENCE of the list proper, a signature algorithm and a signature.
struct SignedRevocationList {
    let issuer: DistinguishedName
    let thisUpdate: Int64
    let nextUpdate: Int64?
    let entries: [RevocationList.Entry]
    let number: UInt64
    private let signedBytes: ArraySlice<UInt8>
    private let algorithm: ASN1ObjectIdentifier
    private let signature: ArraySlice<UInt8>

    init(derEncoded bytes: [UInt8]) throws {
        self = try DER.sequence(try DER.parse(bytes), identifier: .sequence) { nodes in
            let list = try next(&nodes)
            let algorithm = try Self.algorithm(try next(&nodes))
            let signature = try ASN1BitString(derEncoded: &nodes)
            let content = try DER.sequence(list, identifier: .sequence, Content.init)
            return SignedRevocationList(
                content, signedBytes: list.encodedBytes, algorithm: algorithm, signature: signature.bytes)
        }
    }

    private init(
        _ content: Content, signedBytes: ArraySlice<UInt8>, algorithm: ASN1ObjectIdentifier,
        signature: ArraySlice<UInt8>
    ) {
        issuer = content.issuer
        thisUpdate = content.thisUpdate
        nextUpdate = content.nextUpdate
        entries = content.entries
        number = content.number
        self.signedBytes = signedBytes
        self.algorithm = algorithm
        self.signature = signature
    }

    func isSigned(by certificate: Certificate) -> Bool {
        guard certificate.subject == issuer, let algorithm = Self.algorithms[algorithm] else { return false }
        return certificate.publicKey.isValidSignature(signature, for: signedBytes, signatureAlgorithm: algorithm)
    }

    /// Version (may be absent), algorithm, issuer, this and next update, then entries and extensions, which may be absent.
    private struct Content {
        let issuer: DistinguishedName
        let thisUpdate: Int64
        var nextUpdate: Int64?
        var entries: [RevocationList.Entry] = []
        var number: UInt64 = 0

        init(_ nodes: inout ASN1NodeCollection.Iterator) throws {
            if try next(&nodes).identifier == .integer { _ = try next(&nodes) }
            issuer = try DistinguishedName(derEncoded: try next(&nodes))
            thisUpdate = try DERTime.seconds(try next(&nodes))
            while let node = nodes.next() {
                switch node.identifier {
                case .utcTime, .generalizedTime: nextUpdate = try DERTime.seconds(node)
                case .sequence: entries = try Self.entries(node)
                default: number = try Self.number(node) ?? 0
                }
            }
        }

        private static func entries(_ node: ASN1Node) throws -> [RevocationList.Entry] {
            try DER.sequence(node, identifier: .sequence) { entries in
                var all: [RevocationList.Entry] = []
                while let entry = entries.next() {
                    let one = try DER.sequence(entry, identifier: .sequence) { fields in
                        let serial = try ArraySlice<UInt8>(derEncoded: &fields)
                        let time = try DERTime.seconds(try next(&fields))
                        let reason = try fields.next().flatMap { try Self.reason($0) }
                        return RevocationList.Entry(
                            serial: RevocationList.serial(serial), revokedAt: time, reason: reason)
                    }
                    all.append(one)
                }
                return all
            }
        }

        /// The reason among the extensions of an entry; one that we do not know is none.
        private static func reason(_ node: ASN1Node) throws -> RevocationList.Reason? {
            guard let value = try value(of: RevocationListWriter.reasonOID, in: node) else { return nil }
            let parsed = try DER.parse(Array(value))
            guard parsed.identifier == .enumerated, case .primitive(let bytes) = parsed.content, bytes.count == 1,
                let code = bytes.first
            else { return nil }
            return RevocationList.Reason(rawValue: code)
        }

        private static func number(_ node: ASN1Node) throws -> UInt64? {
            guard case .constructed(let inner) = node.content else { return nil }
            for extensions in inner {
                guard let value = try value(of: RevocationListWriter.numberOID, in: extensions) else { continue }
                let bytes = try ArraySlice<UInt8>(derEncoded: Array(value)).drop { $0 == 0 }
                return bytes.count > 8 ? nil : bytes.reduce(0) { $0 << 8 | UInt64($1) }
            }
            return nil
        }

        private static func value(of oid: ASN1ObjectIdentifier, in node: ASN1Node) throws -> ArraySlice<UInt8>? {
            try DER.sequence(node, identifier: .sequence) { nodes in
                var found: ArraySlice<UInt8>?
                while let one = nodes.next() {
                    try DER.sequence(one, identifier: .sequence) { fields in
                        let name = try ASN1ObjectIdentifier(derEncoded: &fields)
                        var value = try next(&fields)
                        if value.identifier == .boolean { value = try next(&fields) }
                        if name == oid { found = try ASN1OctetString(derEncoded: value).bytes }
                    }
                }
                return found
            }
        }
    }

    private static func algorithm(_ node: ASN1Node) throws -> ASN1ObjectIdentifier {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let identifier = try ASN1ObjectIdentifier(derEncoded: &nodes)
            while nodes.next() != nil {}
            return identifier
        }
    }

    /// RFC 4055, section 5, RFC 5758, section 3.2 and RFC 8410, section 3.
    static let algorithms: [ASN1ObjectIdentifier: Certificate.SignatureAlgorithm] = [
        [1, 2, 840, 113549, 1, 1, 11]: .sha256WithRSAEncryption,
        [1, 2, 840, 113549, 1, 1, 12]: .sha384WithRSAEncryption,
        [1, 2, 840, 113549, 1, 1, 13]: .sha512WithRSAEncryption,
        [1, 2, 840, 10045, 4, 3, 2]: .ecdsaWithSHA256,
        [1, 2, 840, 10045, 4, 3, 3]: .ecdsaWithSHA384,
        [1, 2, 840, 10045, 4, 3, 4]: .ecdsaWithSHA512,
        [1, 3, 101, 112]: .ed25519,
    ]
}

private func next(_ nodes: inout ASN1NodeCollection.Iterator) throws -> ASN1Node {
    guard let node = nodes.next() else { throw ASN1Error.invalidASN1Object(reason: "revocation list ends early") }
    return node
}
