/// A domain name, kept in the case in which it was written; names compare without case.
///
/// Shape: labels of 1 to 63 bytes, each behind its length, closed by a zero; at most 255 bytes in all.
/// Source: RFC 1035, section 3.1; RFC 4343 on case.
package struct DNSName: Sendable {
    /// Uncompressed, with the closing zero.
    package let wire: [UInt8]

    package static let root = DNSName(wire: [0])
    package static let byteLimit = 255
    package static let labelLimit = 63
    /// Pointers in one compressed name; a name has no more labels.
    package static let pointerLimit = 127

    /// - Parameter wire: is known to have the shape above.
    init(wire: [UInt8]) { self.wire = wire }

    /// Reads dotted text, with or without a dot at its end; `nil` for an empty or too long label or name. Escapes are not
    /// read: a backslash is a byte like others.
    package init?(_ text: some StringProtocol) {
        var wire: [UInt8] = []
        var text = text[...]
        if text.hasSuffix(".") { text = text.dropLast() }
        guard !text.isEmpty else { return nil }
        for label in text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...Self.labelLimit).contains(label.count) else { return nil }
            wire.append(UInt8(label.count))
            wire += label
        }
        wire.append(0)
        guard wire.count <= Self.byteLimit else { return nil }
        self.wire = wire
    }

    /// Lower-case dotted text without a dot at the end, or `nil` for the root and for names with bytes other than
    /// letters, digits, `-`, `_` and `*`: no name of the mesh has them, and a dot inside a label must not split it.
    package var hostname: String? {
        guard wire.count > 1 else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(wire.count)
        var index = 0
        while wire[index] != 0 {
            if index > 0 { text.append(UInt8(ascii: ".")) }
            let end = index + 1 + Int(wire[index])
            for byte in wire[index + 1..<end] {
                switch byte {
                case 0x61...0x7a, 0x30...0x39, 0x2d, 0x5f, 0x2a: text.append(byte)
                case 0x41...0x5a: text.append(byte | 0x20)
                default: return nil
                }
            }
            index = end
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Length bytes are below 0x40 and so are not touched.
    static func lowercase(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}

extension DNSName: Hashable {
    package static func == (a: DNSName, b: DNSName) -> Bool {
        a.wire.count == b.wire.count && zip(a.wire, b.wire).allSatisfy { lowercase($0) == lowercase($1) }
    }

    package func hash(into hasher: inout Hasher) {
        for byte in wire { hasher.combine(Self.lowercase(byte)) }
    }
}

extension DNSName: CustomStringConvertible {
    /// Dotted text; bytes that would not be told apart from dots, or not be seen, are escaped as in zone files. The
    /// root is ".".
    package var description: String {
        var text = ""
        var index = 0
        while wire[index] != 0 {
            if index > 0 { text += "." }
            let end = index + 1 + Int(wire[index])
            for byte in wire[index + 1..<end] {
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
                case 0x21...0x7e: text.unicodeScalars.append(UnicodeScalar(byte))
                default:
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            index = end
        }
        return text.isEmpty ? "." : text
    }
}
