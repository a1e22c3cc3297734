/// An address block. Host bits are kept as written and ignored when matching.
public struct CIDR: Hashable, Sendable, CustomStringConvertible {
    public let address: IPAddress
    /// 0 to 32 for IPv4, 0 to 128 for IPv6.
    public let prefixLength: UInt8

    /// `nil` when the length is out of range for the family.
    public init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...(address.isV4 ? 32 : 128)).contains(prefixLength) else { return nil }
        self.address = address
        self.prefixLength = UInt8(prefixLength)
    }

    /// `10.0.0.0/8`, `2001:db8::/32`, or a bare address, which is the block of that one address.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else { return nil }
        guard parts.count == 2 else {
            self.init(address, prefixLength: address.isV4 ? 32 : 128)
            return
        }
        guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
            let length = Int(parts[1])
        else { return nil }
        self.init(address, prefixLength: length)
    }

    /// True when `ip` is of the same family and inside the block.
    public func contains(_ ip: IPAddress) -> Bool {
        guard ip.isV4 == address.isV4 else { return false }
        let bits = Int(prefixLength) + (address.isV4 ? 96 : 0)
        let highMask: UInt64 = bits >= 64 ? .max : ~(UInt64.max >> bits)
        let lowMask: UInt64 = bits <= 64 ? 0 : (bits == 128 ? .max : ~(UInt64.max >> (bits - 64)))
        return (ip.high ^ address.high) & highMask == 0 && (ip.low ^ address.low) & lowMask == 0
    }

    public var description: String { "\(address)/\(prefixLength)" }
}
