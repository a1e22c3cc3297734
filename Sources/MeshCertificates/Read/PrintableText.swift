/// Text of strangers on its way to a terminal.
package enum PrintableText {
    /// Characters that are kept of one text.
    package static let limit = 1024

    /// The text with everything escaped that a terminal would obey or a reader would not see, such as `\u{1b}`.
    ///
    /// Escaped: control characters (C0, C1, DEL), line and paragraph separators, marks that change the direction of
    /// writing or are invisible, and the backslash, so that no text can look like the escape of another.
    package static func of(_ text: some StringProtocol) -> String { escaped(text, backslash: "\\\\") }

    /// For messages of ours that quote strangers: the same, but the backslashes of their own escapes stay.
    package static func message(_ text: some StringProtocol) -> String { escaped(text, backslash: "\\") }

    private static func escaped(_ text: some StringProtocol, backslash: String) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            count += 1
            guard count <= limit else { return result + "…" }
            if scalar == "\\" {
                result += backslash
            } else if isHidden(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func of(_ bytes: some Sequence<UInt8>) -> String { of(String(decoding: Array(bytes), as: UTF8.self)) }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: scalar.properties.isDefaultIgnorableCodePoint
        }
    }
}
