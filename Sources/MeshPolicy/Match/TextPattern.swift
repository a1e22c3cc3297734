/// A text as policies write it: `*`, `*suffix`, `prefix*` or the text itself. A `*` elsewhere is only a character.
///
/// Compares bytes. Cost of a match: one pass over the pattern, no allocation.
package enum TextPattern: Hashable, Sendable {
    /// Any text that is not empty.
    case presence
    case exact([UInt8])
    case prefix([UInt8])
    case suffix([UInt8])

    /// A `*` in front wins, so `*x*` is everything that ends with `x*`.
    package init(_ value: some StringProtocol) {
        let bytes = Array(value.utf8)
        let star = UInt8(ascii: "*")
        if bytes.count == 1, bytes.first == star {
            self = .presence
        } else if bytes.first == star {
            self = .suffix(Array(bytes.dropFirst()))
        } else if bytes.last == star {
            self = .prefix(Array(bytes.dropLast()))
        } else {
            self = .exact(Array(bytes))
        }
    }

    package func matches(_ text: Span<UInt8>) -> Bool {
        switch self {
        case .presence: !text.isEmpty
        case .exact(let wanted): text.count == wanted.count && text.has(wanted.span, at: 0)
        case .prefix(let start): text.has(start.span, at: 0)
        case .suffix(let end): text.has(end.span, at: text.count - end.count)
        }
    }

    /// As `matches`, where the case of ASCII letters in `text` does not count. The pattern must be in lower case.
    package func matchesFolded(_ text: Span<UInt8>) -> Bool {
        switch self {
        case .presence: !text.isEmpty
        case .exact(let wanted): text.count == wanted.count && text.hasFolded(wanted.span, at: 0)
        case .prefix(let start): text.hasFolded(start.span, at: 0)
        case .suffix(let end): text.hasFolded(end.span, at: text.count - end.count)
        }
    }
}

extension Span<UInt8> {
    /// Whether `part` stands at `offset`; an offset outside is no.
    package func has(_ part: Span<UInt8>, at offset: Int) -> Bool {
        guard offset >= 0, part.count <= count - offset else { return false }
        for index in part.indices where self[offset + index] != part[index] { return false }
        return true
    }

    package func has(_ part: [UInt8], at offset: Int) -> Bool { has(part.span, at: offset) }

    /// As `has`, after turning ASCII letters of `self` to lower case.
    package func hasFolded(_ part: Span<UInt8>, at offset: Int) -> Bool {
        guard offset >= 0, part.count <= count - offset else { return false }
        for index in part.indices where self[offset + index].asciiLowercased != part[index] { return false }
        return true
    }
}

extension UInt8 {
    package var asciiLowercased: UInt8 { (65...90).contains(self) ? self | 0x20 : self }
}
