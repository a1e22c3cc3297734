/// Bytes as lower-case hexadecimal digits.
package enum HexText {
    package static func of(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.underestimatedCount * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
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
