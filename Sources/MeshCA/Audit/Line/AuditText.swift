/// The words of strangers inside a JSON string. Source: RFC 8259, section 7.
package enum AuditText {
    /// Appends `value` without quotation marks, cut off behind `limit` bytes of it.
    package static func append(_ value: String, limit: Int, to text: inout String) {
        var count = 0
        for scalar in value.unicodeScalars {
            count += UTF8.width(scalar)
            guard count <= limit else {
                text += "…"
                return
            }
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{0}"..<"\u{20}", "\u{7f}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
