import MeshCore

/// Addresses from the bytes of a header, without a String in between.
///
/// Accepts what `IPAddress.init(_:)` accepts. Cost: one pass, no allocation.
enum AddressText {
    static func ip(_ bytes: Span<UInt8>) -> IPAddress? {
        guard !bytes.isEmpty, bytes.count <= 45 else { return nil }
        if let v4 = v4(bytes, from: 0, to: bytes.count) { return IPAddress(v4: v4) }
        return v6(bytes)
    }

    /// Four decimal octets without leading zeros.
    private static func v4(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> UInt32? {
        guard (7...15).contains(end - start) else { return nil }
        var (value, octet, digits, octets): (UInt32, UInt32, Int, Int) = (0, 0, 0, 0)
        for index in start...end {
            let byte = index < end ? bytes[index] : UInt8(ascii: ".")
            if byte == UInt8(ascii: ".") {
                guard digits > 0, octet <= 255, octets < 4 else { return nil }
                value = value << 8 | octet
                (octet, digits, octets) = (0, 0, octets + 1)
            } else {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < 3, !(digits == 1 && octet == 0)
                else { return nil }
                octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
                digits += 1
            }
        }
        return octets == 4 ? value : nil
    }

    private static func v6(_ bytes: Span<UInt8>) -> IPAddress? {
        // Words before the gap stand at the top, words behind it at the bottom.
        var (head, tail) = (Words(), Words())
        var hasGap = false
        var index = 0
        let colon = UInt8(ascii: ":")
        if bytes[0] == colon {
            guard bytes.count >= 2, bytes[1] == colon else { return nil }
            hasGap = true
            index = 2
        }
        while index < bytes.count {
            var end = index
            while end < bytes.count, bytes[end] != colon { end += 1 }
            if end == bytes.count, let v4 = v4(bytes, from: index, to: end) {
                let (upper, lower) = (UInt16(truncatingIfNeeded: v4 >> 16), UInt16(truncatingIfNeeded: v4))
                if hasGap { tail.add(upper) } else { head.add(upper) }
                if hasGap { tail.add(lower) } else { head.add(lower) }
                break
            }
            guard let word = hexWord(bytes, from: index, to: end) else { return nil }
            if hasGap { tail.add(word) } else { head.add(word) }
            guard head.count + tail.count <= 8 else { return nil }
            if end == bytes.count { break }
            index = end + 1
            guard index < bytes.count else { return nil }  // a lone colon at the end
            if bytes[index] == colon {
                guard !hasGap else { return nil }
                hasGap = true
                index += 1
            }
        }
        let count = head.count + tail.count
        guard hasGap ? count <= 7 : count == 8 else { return nil }
        return head.joined(tail)
    }

    /// Up to eight words, packed.
    private struct Words {
        private(set) var count = 0
        private var high: UInt64 = 0
        private var low: UInt64 = 0

        mutating func add(_ word: UInt16) {
            high = high << 16 | low >> 48
            low = low << 16 | UInt64(word)
            count += 1
        }

        /// These words at the top, the others at the bottom, zeros between.
        func joined(_ tail: Words) -> IPAddress {
            let up = (8 - count) * 16
            let top: (UInt64, UInt64) =
                switch up {
                case 128: (0, 0)
                case 64...: (low << UInt64(up - 64), 0)
                case 0: (high, low)
                default: (high << UInt64(up) | low >> UInt64(64 - up), low << UInt64(up))
                }
            return IPAddress(high: top.0 | tail.high, low: top.1 | tail.low)
        }
    }

    private static func hexWord(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> UInt16? {
        guard (1...4).contains(end - start) else { return nil }
        var word: UInt16 = 0
        for index in start..<end {
            guard let digit = HexDigit.value(bytes[index]) else { return nil }
            word = word << 4 | UInt16(digit)
        }
        return word
    }

    /// A decimal port of one to five digits.
    static func port(_ bytes: Span<UInt8>) -> UInt16? {
        guard (1...5).contains(bytes.count) else { return nil }
        var value = 0
        for index in bytes.indices {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else { return nil }
            value = value * 10 + Int(bytes[index] - UInt8(ascii: "0"))
        }
        return UInt16(exactly: value)
    }
}

enum HexDigit {
    /// The lower-case digit for a value below 16.
    static func character(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Span where Element == UInt8 {
    /// The bytes as text; `nil` when they are not UTF-8.
    var text: String? {
        guard let valid = try? UTF8Span(validating: self) else { return nil }
        return String(copying: valid)
    }
}
