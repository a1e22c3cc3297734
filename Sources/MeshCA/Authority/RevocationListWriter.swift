import SwiftASN1
import X509

/// Signs revocation lists, version 2 with authority key identifier and number. Source: RFC 5280, section 5.
struct RevocationListWriter {
    let issuer: Certificate
    let key: Certificate.PrivateKey

    static let reasonOID: ASN1ObjectIdentifier = [2, 5, 29, 21]
    static let numberOID: ASN1ObjectIdentifier = [2, 5, 29, 20]
    private static let authorityOID: ASN1ObjectIdentifier = [2, 5, 29, 35]

    /// Whether the issuer's certificate lets it sign lists; verifiers refuse them otherwise.
    var isAllowed: Bool { (try? issuer.extensions.keyUsage).map { $0.cRLSign } ?? true }

    /// One list as PEM. Times are seconds since 1970.
    func pem(
        _ entries: [RevocationList.Entry], number: UInt64, thisUpdate: Int64, nextUpdate: Int64
    ) throws -> String {
        let algorithm = CertificateProfile.algorithm(for: key)
        guard let oid = SignedRevocationList.algorithms.first(where: { $0.value == algorithm })?.key else {
            throw ASN1Error.invalidASN1Object(reason: "no revocation lists with \(algorithm)")
        }
        let isRSA = algorithm == .sha256WithRSAEncryption
        var list = DER.Serializer()
        try list.appendConstructedNode(identifier: .sequence) { list in
            try list.serialize(1)
            try Self.append(oid, isRSA: isRSA, to: &list)
            try list.serialize(issuer.subject)
            try DERTime.append(thisUpdate, to: &list)
            try DERTime.append(nextUpdate, to: &list)
            if !entries.isEmpty {
                try list.appendConstructedNode(identifier: .sequence) { list in
                    for entry in entries { try Self.append(entry, to: &list) }
                }
            }
            try list.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { tagged in
                try tagged.appendConstructedNode(identifier: .sequence) { extensions in
                    if let identifier = try issuer.extensions.subjectKeyIdentifier?.keyIdentifier {
                        let authority = AuthorityKeyIdentifier(keyIdentifier: identifier)
                        let value = try Certificate.Extension(authority, critical: false).value
                        try Self.append(Self.authorityOID, value: Array(value), to: &extensions)
                    }
                    var encoded = DER.Serializer()
                    try encoded.serialize(number)
                    try Self.append(Self.numberOID, value: encoded.serializedBytes, to: &extensions)
                }
            }
        }
        let signed = list.serializedBytes
        let signature = try key.sign(bytes: signed, signatureAlgorithm: algorithm)
        var whole = DER.Serializer()
        try whole.appendConstructedNode(identifier: .sequence) { whole in
            whole.serializeRawBytes(signed)
            try Self.append(oid, isRSA: isRSA, to: &whole)
            try whole.serialize(ASN1BitString(bytes: signature.rawRepresentation[...]))
        }
        return PEM.text("X509 CRL", whole.serializedBytes)
    }

    private static func append(_ entry: RevocationList.Entry, to list: inout DER.Serializer) throws {
        try list.appendConstructedNode(identifier: .sequence) { fields in
            try fields.serialize(entry.serial[...])
            try DERTime.append(entry.revokedAt, to: &fields)
            guard let reason = entry.reason else { return }
            try fields.appendConstructedNode(identifier: .sequence) { extensions in
                var encoded = DER.Serializer()
                encoded.appendPrimitiveNode(identifier: .enumerated) { $0.append(reason.rawValue) }
                try append(reasonOID, value: encoded.serializedBytes, to: &extensions)
            }
        }
    }

    private static func append(
        _ oid: ASN1ObjectIdentifier, value: [UInt8], to extensions: inout DER.Serializer
    ) throws {
        try extensions.appendConstructedNode(identifier: .sequence) { fields in
            try fields.serialize(oid)
            try fields.serialize(ASN1OctetString(contentBytes: value[...]))
        }
    }

    /// RSA has NULL parameters, the others none.
    private static func append(_ oid: ASN1ObjectIdentifier, isRSA: Bool, to serializer: inout DER.Serializer) throws {
        try serializer.appendConstructedNode(identifier: .sequence) { fields in
            try fields.serialize(oid)
            if isRSA { try fields.serialize(ASN1Null()) }
        }
    }
}
