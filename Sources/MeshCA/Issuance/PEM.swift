import FoundationEssentials
import SwiftASN1
package import X509

/// PEM texts of certificates and keys. Source: RFC 7468.
package enum PEM {
    /// One certificate, ending in one newline.
    package static func text(_ certificate: Certificate) throws -> String {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return text("CERTIFICATE", serializer.serializedBytes)
    }

    /// One block, ending in one newline.
    ///
    /// Not by the ASN.1 library, which for each line counts the characters that are left: one block is written for every
    /// certificate that leaves.
    static func text(_ label: String, _ der: [UInt8]) -> String {
        let lines = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN \(label)-----\n\(lines)\n-----END \(label)-----\n"
    }

    /// Every `CERTIFICATE` block of a text, in order. A text without any block gives none.
    /// - Throws: what the parser says, or `PEMLabelError` for a block of another type.
    package static func certificates(_ text: String) throws -> [Certificate] {
        try blocks(text).map { document in
            guard document.discriminator == Certificate.defaultPEMDiscriminator else {
                throw PEMLabelError(found: document.discriminator)
            }
            return try Certificate(pemDocument: document)
        }
    }

    /// Every block of a text, in order.
    static func blocks(_ text: String) throws -> [PEMDocument] {
        text.contains("-----BEGIN") ? try PEMDocument.parseMultiple(pemString: text) : []
    }
}

/// A PEM block where a certificate belongs.
package struct PEMLabelError: Error, CustomStringConvertible {
    package let found: String
    package var description: String { "expected a certificate, found a PEM block \"\(found)\"" }
}
