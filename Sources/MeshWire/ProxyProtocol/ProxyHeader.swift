package import MeshCore

/// A PROXY protocol v2 header: the addresses of a connection that was accepted for somebody else.
///
/// Shape: 12-byte signature, version and command, family, big-endian `UInt16` length, addresses, ports, then TLVs.
/// Source: PROXY protocol specification, section 2.2; TLV types of Istio's application tunnel.
package struct ProxyHeader: Sendable, Hashable {
    package var source: SocketAddress
    package var destination: SocketAddress
    /// TLV 0xD0: the SPIFFE ID of the source.
    package var identity: String?
    /// TLV 0xD1: the full name of the service that was addressed.
    package var serviceName: String?

    /// Longest body that is read, in bytes.
    package static let bodyLimit = 4096
    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let identityType: UInt8 = 0xD0
    private static let serviceNameType: UInt8 = 0xD1

    package init(
        source: SocketAddress, destination: SocketAddress, identity: SPIFFEID? = nil, serviceName: String? = nil
    ) {
        self.source = source
        self.destination = destination
        self.identity = identity?.description
        self.serviceName = serviceName
    }

    /// The bytes to write before any other.
    ///
    /// Deviation: where one address is IPv4 and the other IPv6, upstream sends no addresses, which hides the target
    /// from a waypoint; here the IPv4 one is sent in its IPv4-mapped form.
    package var encoded: [UInt8] {
        var body: [UInt8] = []
        let isV4 = source.ip.isV4 && destination.ip.isV4
        for ip in [source.ip, destination.ip] { Self.append(ip, isV4: isV4, to: &body) }
        for port in [source.port, destination.port] { Self.append(port, to: &body) }
        for case (let type, let text?) in [(Self.identityType, identity), (Self.serviceNameType, serviceName)] {
            // Identities and hostnames are far shorter; a longer text would not fit the header's length.
            guard text.utf8.count <= Self.bodyLimit / 2 - 64 else { continue }
            body.append(type)
            Self.append(UInt16(text.utf8.count), to: &body)
            body += text.utf8
        }
        var header = Self.signature + [0x21, isV4 ? 0x11 : 0x21]
        Self.append(UInt16(body.count), to: &header)
        return header + body
    }

    private static func append(_ ip: IPAddress, isV4: Bool, to bytes: inout [UInt8]) {
        if !isV4 {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: ip.high >> shift))
            }
        }
        for shift in stride(from: UInt64(isV4 ? 24 : 56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: ip.low >> shift))
        }
    }

    private static func append(_ value: UInt16, to bytes: inout [UInt8]) {
        bytes += [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
    }
}

/// Why bytes are not a PROXY header that we read.
package enum ProxyHeaderError: Error, Equatable, CustomStringConvertible {
    case signature
    case version(UInt8)
    /// Neither TCP over IPv4 nor over IPv6.
    case family(UInt8)
    case tooLong(Int)
    /// The length leaves no room for the addresses, or a TLV runs past the end.
    case truncatedBody

    package var description: String {
        switch self {
        case .signature: "no PROXY protocol v2 signature; the peer must send the header first"
        case .version(let byte): "PROXY version and command 0x\(String(byte, radix: 16)); expected 0x21"
        case .family(let byte): "PROXY family 0x\(String(byte, radix: 16)); expected 0x11 or 0x21"
        case .tooLong(let count): "PROXY header body of \(count) bytes; at most \(ProxyHeader.bodyLimit) are read"
        case .truncatedBody: "PROXY header ends inside an address or a TLV"
        }
    }
}

extension ProxyHeader {
    /// Splits a header from the front of `bytes`.
    ///
    /// Cost: one pass. A peer whose first bytes cannot begin a header is refused without waiting for more.
    /// - Returns: the header and how many bytes it used; `nil` while more are needed.
    package static func parse(
        _ bytes: Span<UInt8>
    ) throws(ProxyHeaderError) -> (header: ProxyHeader, byteCount: Int)? {
        for index in 0..<min(bytes.count, 12) where bytes[index] != signature[index] { throw .signature }
        if bytes.count > 12, bytes[12] != 0x21 { throw .version(bytes[12]) }
        if bytes.count > 13, bytes[13] != 0x11, bytes[13] != 0x21 { throw .family(bytes[13]) }
        guard bytes.count >= 16 else { return nil }
        let length = Int(word(bytes, 14))
        guard length <= bodyLimit else { throw .tooLong(length) }
        let ipLength = bytes[13] == 0x11 ? 4 : 16
        guard length >= 2 * ipLength + 4 else { throw .truncatedBody }
        let end = 16 + length
        guard bytes.count >= end else { return nil }
        let ports = 16 + 2 * ipLength
        var header = ProxyHeader(
            source: SocketAddress(address(bytes, 16, ipLength), word(bytes, ports)),
            destination: SocketAddress(address(bytes, 16 + ipLength, ipLength), word(bytes, ports + 2)))
        var index = ports + 4
        while index < end {
            guard index + 3 <= end else { throw .truncatedBody }
            let valueEnd = index + 3 + Int(word(bytes, index + 1))
            guard valueEnd <= end else { throw .truncatedBody }
            let value = bytes.extracting(index + 3..<valueEnd)
            switch bytes[index] {
            case identityType: header.identity = value.text
            case serviceNameType: header.serviceName = value.text
            default: break
            }
            index = valueEnd
        }
        return (header, end)
    }

    private static func word(_ bytes: Span<UInt8>, _ index: Int) -> UInt16 {
        UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
    }

    private static func address(_ bytes: Span<UInt8>, _ start: Int, _ length: Int) -> IPAddress {
        var (high, low): (UInt64, UInt64) = (0, 0)
        for index in start..<start + length {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(bytes[index])
        }
        return length == 4 ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : IPAddress(high: high, low: low)
    }
}
