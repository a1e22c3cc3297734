/// An IPv4 or IPv6 address in canonical form: `::ffff:a.b.c.d` is held as `a.b.c.d`.
public struct IPAddress: Hashable, Sendable {
    /// The address as 128 bits in network order; an IPv4 address is its IPv4-mapped form.
    public let high: UInt64
    public let low: UInt64

    @inlinable public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter v4: the address with its first octet in the highest byte.
    @inlinable public init(v4: UInt32) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(v4)) }

    @inlinable public var isV4: Bool { high == 0 && low >> 32 == 0xffff }

    /// The low 32 bits; the address itself when `isV4`.
    @inlinable public var v4: UInt32 { UInt32(truncatingIfNeeded: low) }

    public static let anyV4 = IPAddress(v4: 0)
    public static let anyV6 = IPAddress(high: 0, low: 0)
    public static let loopbackV4 = IPAddress(v4: 0x7f00_0001)
    public static let loopbackV6 = IPAddress(high: 0, low: 1)

    /// 127.0.0.0/8 or ::1.
    public var isLoopback: Bool { isV4 ? v4 >> 24 == 127 : self == .loopbackV6 }
    public var isUnspecified: Bool { self == .anyV4 || self == .anyV6 }

    /// 4 or 16 bytes in network order, as the discovery messages carry them; other lengths are `nil`.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self.init(high: high, low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
        default: return nil
        }
    }

    /// 4 bytes for IPv4, else 16, in network order.
    public var bytes: [UInt8] {
        let all = [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
        return isV4 ? Array(all[12...]) : all
    }
}

extension IPAddress: Comparable {
    public static func < (a: IPAddress, b: IPAddress) -> Bool { (a.high, a.low) < (b.high, b.low) }
}
