import SwiftASN1
package import X509

/// A certificate revocation list whose signature was checked. Source: RFC 5280, section 5.
package struct RevocationList: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        /// The shortest big-endian bytes.
        package let serial: [UInt8]
        /// Seconds since 1970.
        package let revokedAt: Int64
        package let reason: Reason?
    }

    /// `CRLReason`, those that a person gives. Source: RFC 5280, section 5.3.1.
    package enum Reason: UInt8, Sendable, CaseIterable {
        case keyCompromise = 1
        case authorityCompromise = 2
        case affiliationChanged = 3
        case superseded = 4
        case cessationOfOperation = 5
        case privilegeWithdrawn = 9
    }

    let issuer: DistinguishedName
    package let entries: [Entry]
    private let revoked: Set<[UInt8]>
    /// Counts the lists of one issuer; 0 when the list has none, or one beyond 64 bits.
    package let number: UInt64
    /// Seconds since 1970.
    package let thisUpdate: Int64
    /// Seconds since 1970; `nil` when the list does not say.
    package let nextUpdate: Int64?

    init(_ signed: SignedRevocationList) {
        issuer = signed.issuer
        entries = signed.entries
        revoked = Set(signed.entries.map(\.serial))
        number = signed.number
        thisUpdate = signed.thisUpdate
        nextUpdate = signed.nextUpdate
    }

    package func revokes(_ certificate: Certificate) -> Bool {
        certificate.issuer == issuer && revoked.contains(Self.serial(certificate.serialNumber.bytes))
    }

    static func serial(_ bytes: some Sequence<UInt8>) -> [UInt8] { Array(bytes.drop { $0 == 0 }) }

    /// The lists of a PEM text, each signed by one of `issuers`, with one for every certificate of `chain`.
    static func complete(
        _ text: String, for chain: [Certificate], issuers: [Certificate]
    ) throws(MaterialError) -> [RevocationList] {
        var lists: [(issuer: Certificate, list: RevocationList)] = []
        do {
            for block in try blocks(text) {
                let signed = try SignedRevocationList(derEncoded: block.derBytes)
                guard let issuer = issuers.first(where: signed.isSigned(by:)) else { continue }
                lists.append((issuer, RevocationList(signed)))
            }
        } catch {
            throw .part(.revocations, "\(error)")
        }
        for certificate in chain where !lists.contains(where: { $0.issuer.publicKey == certificate.publicKey }) {
            throw .revocationListMissing(subject: "\(certificate.subject)")
        }
        return lists.map(\.list)
    }

    /// The `X509 CRL` blocks of a text.
    static func blocks(_ text: String) throws -> [PEMDocument] {
        try PEM.blocks(text).map { block in
            guard block.discriminator == "X509 CRL" else { throw PEMLabelError(found: block.discriminator) }
            return block
        }
    }
}
