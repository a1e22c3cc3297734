import SwiftASN1
package import X509

/// PEM texts of certificates and keys. Source: RFC 7468.
package enum PEM {
    /// One certificate, ending in one newline.
    package static func text(_ certificate: Certificate) throws -> String {
        try certificate.serializeAsPEM().pemString + "\n"
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

/// Bytes as lower-case hexadecimal digits.
package enum HexText {
    package static func of(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// 1 to 20 bytes, as a serial number has; colons between them are passed over. `nil` for anything else.
    package static func bytes(_ text: String) -> [UInt8]? {
        var digits = text.filter { $0 != ":" }
        if digits.count % 2 == 1 { digits = "0" + digits }
        var bytes: [UInt8] = []
        var rest = Array(digits.utf8)[...]
        while !rest.isEmpty {
            // Two digits, and no sign, which the initializer would take.
            guard !rest.prefix(2).contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }),
                let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return (1...20).contains(bytes.count) ? bytes : nil
    }
}
