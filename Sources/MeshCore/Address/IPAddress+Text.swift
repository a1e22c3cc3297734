extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    /// Dotted quad without leading zeros, or RFC 4291 text without a zone; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 45 else { return nil }
        if let v4 = Self.parseV4(text) {
            self.init(v4: v4)
        } else if let words = Self.parseV6(text) {
            let high = words[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
            self.init(high: high, low: words[4...].reduce(0) { $0 << 16 | UInt64($1) })
        } else {
            return nil
        }
    }

    public init?(_ description: String) { self.init(description[...]) }

    private static func parseV4(_ text: some StringProtocol) -> UInt32? {
        var (value, octet): (UInt32, UInt32) = (0, 0)
        var (digits, dots) = (0, 0)
        for byte in text.utf8 {
            switch byte {
            case 48...57:
                if digits > 0, octet == 0 { return nil }  // a leading zero
                octet = octet * 10 + UInt32(byte - 48)
                if octet > 255 { return nil }
                digits += 1
            case UInt8(ascii: "."):
                if digits == 0 || dots == 3 { return nil }
                value = value << 8 | octet
                (octet, digits, dots) = (0, 0, dots + 1)
            default: return nil
            }
        }
        return digits > 0 && dots == 3 ? value << 8 | octet : nil
    }

    private static func parseV6(_ text: some StringProtocol) -> [UInt16]? {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        // At most one "::", which stands for as many zero words as are missing.
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2, let head = words(halves[0], isEnd: halves.count == 1),
            let tail = words(halves.count == 2 ? halves[1] : "", isEnd: true)
        else { return nil }
        let missing = 8 - head.count - tail.count
        guard halves.count == 2 ? missing >= 1 : missing == 0 else { return nil }
        return head + Array(repeating: 0, count: missing) + tail
    }

    /// Colon-separated hexadecimal words, the last two of which may be a dotted quad at the end of the address.
    private static func words(_ text: some StringProtocol, isEnd: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var words: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if isEnd, index == parts.count - 1, let v4 = parseV4(part) {
                words += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
                continue
            }
            guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                let word = UInt16(part, radix: 16)
            else { return nil }
            words.append(word)
        }
        return words
    }

    /// Dotted quad, or RFC 5952 text.
    public var description: String {
        if isV4 { return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)" }
        let words = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * UInt64($0 % 4))) }
        // The longest run of zero words, at least two, the first of equals, is written "::".
        var best = (start: 0, count: 0)
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, words[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = (start, end - start) }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String { words[range].map { String($0, radix: 16) }.joined(separator: ":") }
        if best.count == 0 { return text(0..<8) }
        return text(0..<best.start) + "::" + text(best.start + best.count..<8)
    }
}
