/// The `traceparent` header: the trace that a connection belongs to.
///
/// Shape: `00-<32 hex>-<16 hex>-<2 hex>`, exactly 55 bytes, identifiers not all zero. Source: W3C Trace Context,
/// section 3.2.
package struct Traceparent: Sendable, Hashable, CustomStringConvertible {
    package let traceHigh: UInt64
    package let traceLow: UInt64
    package let parent: UInt64
    package let flags: UInt8

    package static let textLength = 55

    /// A new trace, not sampled.
    package init(random: inout some RandomNumberGenerator) {
        traceHigh = random.next()
        traceLow = .random(in: 1 ... .max, using: &random)
        parent = .random(in: 1 ... .max, using: &random)
        flags = 0
    }

    /// `nil` for anything that is not exactly of the shape; letters of either case are read.
    package init?(parsing bytes: Span<UInt8>) {
        guard bytes.count == Self.textLength, let version = Self.hex(bytes, 0..<2), version != 0xff,
            bytes[2] == UInt8(ascii: "-"), bytes[35] == UInt8(ascii: "-"), bytes[52] == UInt8(ascii: "-"),
            let high = Self.hex(bytes, 3..<19), let low = Self.hex(bytes, 19..<35),
            let parent = Self.hex(bytes, 36..<52), let flags = Self.hex(bytes, 53..<55),
            high | low != 0, parent != 0
        else { return nil }
        (traceHigh, traceLow, self.parent, self.flags) = (high, low, parent, UInt8(truncatingIfNeeded: flags))
    }

    /// - Parameter bytes: a header value as the HTTP/2 library lends it; not kept.
    package init?(bytes: UnsafeBufferPointer<UInt8>) {
        self.init(parsing: unsafe bytes.span)
    }

    package init?(_ text: String) { self.init(parsing: text.utf8.span) }

    private static func hex(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        var value: UInt64 = 0
        for index in range {
            guard let digit = HexDigit.value(bytes[index]) else { return nil }
            value = value << 4 | UInt64(digit)
        }
        return value
    }

    /// 32 hexadecimal digits.
    package var traceID: String { Self.text(traceHigh, 16) + Self.text(traceLow, 16) }

    /// The value to send.
    package var description: String { "00-\(traceID)-\(Self.text(parent, 16))-\(Self.text(UInt64(flags), 2))" }

    private static func text(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }
}
