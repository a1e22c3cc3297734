package import MeshCore

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
    package init(random: inout QuickRandom) {
        traceHigh = random.next()
        // Zero stands for no trace.
        traceLow = max(1, random.next())
        parent = max(1, random.next())
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
    package var traceID: String { String(description.dropFirst(3).prefix(32)) }

    /// The value to send. Made for the per-connection path; cost: one allocation.
    package var description: String {
        unsafe String(unsafeUninitializedCapacity: Self.textLength) { text in
            var end = 0
            func write(_ value: UInt64, digits: Int, behind separator: UInt8? = UInt8(ascii: "-")) {
                if let separator {
                    unsafe text[end] = separator
                    end += 1
                }
                for digit in (0..<digits).reversed() {
                    unsafe text[end] = HexDigit.character(UInt8(value >> UInt64(4 * digit) & 15))
                    end += 1
                }
            }
            write(0, digits: 2, behind: nil)
            write(traceHigh, digits: 16)
            write(traceLow, digits: 16, behind: nil)
            write(parent, digits: 16)
            write(UInt64(flags), digits: 2)
            return end
        }
    }
}
