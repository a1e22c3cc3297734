/// Where the far end of an HBONE tunnel is asked to connect: the `:authority` of a CONNECT request.
///
/// Shape: `1.2.3.4:80`, `[2001:db8::1]:80` or `name.example:80`; the port is always there. A host is at most 255 bytes,
/// so the text is at most 261. Source: RFC 9113 section 8.5, HBONE.
public enum HBONEAuthority: Hashable, Sendable, CustomStringConvertible {
    case address(SocketAddress)
    case hostname(String, port: UInt16)

    /// Longest host, in bytes. Source: RFC 1035 section 2.3.4.
    public static let hostLimit = 255
    /// Longest text: host, colon, five digits.
    public static let textLimit = hostLimit + 6

    public var port: UInt16 {
        switch self {
        case .address(let address): address.port
        case .hostname(_, let port): port
        }
    }

    public var description: String {
        switch self {
        case .address(let address): address.authority
        case .hostname(let name, let port): "\(name):\(port)"
        }
    }
}

extension SocketAddress {
    /// The text of `description`, made for the per-connection path. Cost: one allocation for IPv4.
    public var authority: String {
        guard ip.isV4 else { return description }
        let (v4, port) = (ip.v4, port)
        return unsafe String(unsafeUninitializedCapacity: 21) { buffer in
            var end = 0
            for shift in stride(from: UInt32(24), through: 0, by: -8) {
                unsafe Self.write(UInt16(v4 >> shift & 255), to: buffer, at: &end)
                unsafe buffer[end] = UInt8(ascii: shift == 0 ? ":" : ".")
                end += 1
            }
            unsafe Self.write(port, to: buffer, at: &end)
            return end
        }
    }

    private static func write(_ value: UInt16, to buffer: UnsafeMutableBufferPointer<UInt8>, at end: inout Int) {
        var divisor: UInt16 = value >= 10000 ? 10000 : value >= 1000 ? 1000 : value >= 100 ? 100 : value >= 10 ? 10 : 1
        while divisor > 0 {
            unsafe buffer[end] = UInt8(ascii: "0") + UInt8(value / divisor % 10)
            end += 1
            divisor /= 10
        }
    }
}
