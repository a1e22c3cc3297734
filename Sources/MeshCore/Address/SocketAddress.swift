/// An IP address and a TCP port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    public let ip: IPAddress
    public let port: UInt16

    @inlinable public init(_ ip: IPAddress, _ port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// `1.2.3.4:80` or `[2001:db8::1]:80`; `nil` for anything else. The port must be there; 0 is allowed.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard let ip = IPAddress(bracketed ? host.dropFirst().dropLast() : host[...]),
            bracketed == host.contains(":")
        else { return nil }
        self.init(ip, port)
    }

    /// A decimal port without sign or spaces.
    public static func port(_ text: some StringProtocol) -> UInt16? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt16(text)
    }

    public var description: String { ip.isV4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }
}
