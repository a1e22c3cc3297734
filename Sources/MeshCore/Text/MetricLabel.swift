/// The value of a label as OpenMetrics text has it between its quotes.
///
/// Source: OpenMetrics 1.0, section 4.1.3.1; ztunnel writes what is missing or empty as `unknown`.
package enum MetricLabel {
    package static func text(_ value: String?) -> String {
        guard let value, !value.isEmpty else { return "unknown" }
        guard value.utf8.contains(where: { $0 == 0x22 || $0 == 0x5c || $0 == 0x0a }) else { return value }
        // By scalars: a line feed behind a carriage return is one character with it, and must not slip through.
        return value.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
