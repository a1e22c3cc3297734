import SwiftASN1
package import X509

/// A certificate revocation list whose signature was checked. Source: RFC 5280, section 5.
package struct RevocationList: Sendable, Hashable {
    let issuer: DistinguishedName
    /// Serial numbers as the shortest big-endian bytes.
    let revoked: Set<[UInt8]>

    package func revokes(_ certificate: Certificate) -> Bool {
        certificate.issuer == issuer && revoked.contains(Array(certificate.serialNumber.bytes.drop { $0 == 0 }))
    }

    /// The lists of a PEM text, each signed by one of `issuers`, with one for every certificate of `chain`.
    static func complete(
        _ text: String, for chain: [Certificate], issuers: [Certificate]
    ) throws(MaterialError) -> [RevocationList] {
        var lists: [(issuer: Certificate, list: RevocationList)] = []
        do {
            for block in try PEM.blocks(text) {
                guard block.discriminator == "X509 CRL" else { throw PEMLabelError(found: block.discriminator) }
                let signed = try SignedList(derEncoded: block.derBytes)
                guard let issuer = issuers.first(where: signed.isSigned(by:)) else { continue }
                lists.append((issuer, RevocationList(issuer: signed.issuer, revoked: signed.revoked)))
            }
        } catch {
            throw .part(.revocations, "\(error)")
        }
        for certificate in chain where !lists.contains(where: { $0.issuer.publicKey == certificate.publicKey }) {
            throw .revocationListMissing(subject: "\(certificate.subject)")
        }
        return lists.map(\.list)
    }
}

/// `CertificateList`: SEQUENCE of the list proper, a signature algorithm and a signature.
private struct SignedList {
    let issuer: DistinguishedName
    let revoked: Set<[UInt8]>
    private let signedBytes: ArraySlice<UInt8>
    private let algorithm: ASN1ObjectIdentifier
    private let signature: ArraySlice<UInt8>

    init(derEncoded bytes: [UInt8]) throws {
        self = try DER.sequence(try DER.parse(bytes), identifier: .sequence) { nodes in
            let list = try Self.next(&nodes)
            let algorithm = try Self.algorithm(try Self.next(&nodes))
            let signature = try ASN1BitString(derEncoded: &nodes)
            let (issuer, revoked) = try DER.sequence(list, identifier: .sequence, Self.content)
            return SignedList(
                issuer: issuer, revoked: revoked, signedBytes: list.encodedBytes, algorithm: algorithm,
                signature: signature.bytes)
        }
    }

    private init(
        issuer: DistinguishedName, revoked: Set<[UInt8]>, signedBytes: ArraySlice<UInt8>,
        algorithm: ASN1ObjectIdentifier, signature: ArraySlice<UInt8>
    ) {
        self.issuer = issuer
        self.revoked = revoked
        self.signedBytes = signedBytes
        self.algorithm = algorithm
        self.signature = signature
    }

    func isSigned(by certificate: Certificate) -> Bool {
        guard certificate.subject == issuer, let algorithm = Self.algorithms[algorithm] else { return false }
        return certificate.publicKey.isValidSignature(signature, for: signedBytes, signatureAlgorithm: algorithm)
    }

    /// Version (may be absent), algorithm, issuer, this and next update, then entries and extensions, which may be absent.
    private static func content(
        _ nodes: inout ASN1NodeCollection.Iterator
    ) throws -> (DistinguishedName, Set<[UInt8]>) {
        if try next(&nodes).identifier == .integer { _ = try next(&nodes) }
        let issuer = try DistinguishedName(derEncoded: try next(&nodes))
        var revoked: Set<[UInt8]> = []
        while let node = nodes.next() {
            guard node.identifier == .sequence else { continue }
            try DER.sequence(node, identifier: .sequence) { entries in
                while let entry = entries.next() {
                    let serial = try DER.sequence(entry, identifier: .sequence) { fields in
                        let serial = try ArraySlice<UInt8>(derEncoded: &fields)
                        while fields.next() != nil {}
                        return serial
                    }
                    revoked.insert(Array(serial.drop { $0 == 0 }))
                }
            }
        }
        return (issuer, revoked)
    }

    private static func algorithm(_ node: ASN1Node) throws -> ASN1ObjectIdentifier {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let identifier = try ASN1ObjectIdentifier(derEncoded: &nodes)
            while nodes.next() != nil {}
            return identifier
        }
    }

    private static func next(_ nodes: inout ASN1NodeCollection.Iterator) throws -> ASN1Node {
        guard let node = nodes.next() else { throw ASN1Error.invalidASN1Object(reason: "revocation list ends early") }
        return node
    }

    /// RFC 4055, section 5 and RFC 5758, section 3.2.
    private static let algorithms: [ASN1ObjectIdentifier: Certificate.SignatureAlgorithm] = [
        [1, 2, 840, 113549, 1, 1, 11]: .sha256WithRSAEncryption,
        [1, 2, 840, 113549, 1, 1, 12]: .sha384WithRSAEncryption,
        [1, 2, 840, 113549, 1, 1, 13]: .sha512WithRSAEncryption,
        [1, 2, 840, 10045, 4, 3, 2]: .ecdsaWithSHA256,
        [1, 2, 840, 10045, 4, 3, 3]: .ecdsaWithSHA384,
        [1, 2, 840, 10045, 4, 3, 4]: .ecdsaWithSHA512,
    ]
}
