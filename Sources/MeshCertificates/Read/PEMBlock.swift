/// One block of a PEM text, its base64 read.
///
/// Text between blocks is passed over, as RFC 7468 section 2 allows. A block that is not well formed is told, and the
/// next one is read.
package struct PEMBlock: Sendable {
    /// Such as `CERTIFICATE`.
    package let label: String
    package let content: Result<[UInt8], ReadingError>
    /// The whole block as it stands, for those who read keys in forms of their own.
    package let text: [UInt8]
    /// From 1, of its first line.
    package let line: Int

    /// Most blocks that are read of one text.
    package static let countLimit = 1024
    private static let dashes = "-----"

    /// - Returns: the blocks, and whether there were more than `countLimit`.
    package static func all(in bytes: [UInt8]) -> (blocks: [PEMBlock], isCut: Bool) {
        var blocks: [PEMBlock] = []
        var open: (label: String, start: Int, line: Int, body: [UInt8])?
        var number = 0
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.count
            let line = trimmed(bytes[start..<end])
            // A carriage return and the newline behind it end one line.
            let isPair = end + 1 < bytes.count && bytes[end] == 0x0D && bytes[end + 1] == 0x0A
            number += 1
            if let label = label(line, "BEGIN ") {
                if let broken = open {
                    blocks.append(Self.unended(broken.label, broken.line, Array(bytes[broken.start..<start])))
                }
                open = (label, start, number, [])
            } else if let block = open {
                if let label = label(line, "END ") {
                    let text = Array(bytes[block.start..<end]) + [0x0A]
                    let content =
                        label == block.label ? decode(block.body) : .failure(ReadingError("its end names another kind"))
                    blocks.append(PEMBlock(label: block.label, content: content, text: text, line: block.line))
                    open = nil
                } else if !line.contains(UInt8(ascii: ":")) {
                    // A colon stands in the headers of old encrypted keys only.
                    open?.body += line
                }
            }
            if blocks.count > countLimit { return (Array(blocks.prefix(countLimit)), true) }
            start = end + (isPair ? 2 : 1)
        }
        if let broken = open { blocks.append(unended(broken.label, broken.line, Array(bytes[broken.start...]))) }
        return (blocks, false)
    }

    private static func unended(_ label: String, _ line: Int, _ text: [UInt8]) -> PEMBlock {
        PEMBlock(
            label: label, content: .failure(ReadingError("it has no end line; it may be cut off")), text: text,
            line: line)
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        return line.drop(while: isSpace).reversed().drop(while: isSpace).reversed()[...]
    }

    private static func label(_ line: ArraySlice<UInt8>, _ word: String) -> String? {
        let lead = dashes + word
        guard line.count > lead.utf8.count + dashes.utf8.count, line.count < 100, line.starts(with: lead.utf8),
            line.suffix(dashes.utf8.count).elementsEqual(dashes.utf8)
        else { return nil }
        return PrintableText.of(line.dropFirst(lead.utf8.count).dropLast(dashes.utf8.count))
    }

    private static func decode(_ text: [UInt8]) -> Result<[UInt8], ReadingError> {
        guard !text.isEmpty else { return .failure(ReadingError("it is empty")) }
        return Base64.decode(text).map { .success($0) } ?? .failure(ReadingError("its base64 is malformed"))
    }

    /// Lines of 64 characters, the last ended by a newline.
    static func text(label: String, _ der: [UInt8]) -> String {
        let digits = Array(Base64.encode(der))
        var lines = ["-----BEGIN \(label)-----"]
        for start in stride(from: 0, to: digits.count, by: 64) {
            lines.append(String(decoding: digits[start..<min(start + 64, digits.count)], as: UTF8.self))
        }
        return lines.joined(separator: "\n") + "\n-----END \(label)-----\n"
    }
}

/// Base64 with padding. Source: RFC 4648 section 4.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// `nil` for another character than spaces and line ends, missing padding, or bits behind the last byte.
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var (bytes, bits, count, padding): ([UInt8], UInt32, UInt32, Int) = ([], 0, 0, 0)
        var digits = 0
        for byte in text {
            let value: UInt32
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(byte - UInt8(ascii: "A"))
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(byte - UInt8(ascii: "a")) + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(byte - UInt8(ascii: "0")) + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="):
                padding += 1
                continue
            default: return nil
            }
            guard padding == 0 else { return nil }
            digits += 1
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
                bits &= (1 << count) - 1
            }
        }
        guard (digits + padding) % 4 == 0, padding <= 2, bits == 0 else { return nil }
        return bytes
    }

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var (result, bits, count): ([UInt8], UInt32, UInt32) = ([], 0, 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                result.append(alphabet[Int(bits >> count & 63)])
            }
            bits &= (1 << count) - 1
        }
        if count > 0 { result.append(alphabet[Int(bits << (6 - count) & 63)]) }
        while result.count % 4 != 0 { result.append(UInt8(ascii: "=")) }
        return result
    }
}
