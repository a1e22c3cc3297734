package import MeshCore

extension HBONEAuthority {
    /// Reads the `:authority` of a CONNECT request.
    ///
    /// Shape: `1.2.3.4:80`, `[v6]:80` or `name:80`. The port must be there and not 0; a name is 1 to 255 of letters,
    /// digits, `-`, `.`, `_` and `*`, kept in the case given. `nil` for anything else, unbracketed IPv6 included.
    /// Cost: one pass; no allocation for an address.
    package init?(parsing bytes: Span<UInt8>) {
        guard bytes.count <= Self.textLimit,
            let colon = bytes.indices.last(where: { bytes[$0] == UInt8(ascii: ":") }), colon > 0,
            let port = AddressText.port(bytes.extracting(colon + 1..<bytes.count)), port != 0
        else { return nil }
        if bytes[0] == UInt8(ascii: "[") {
            guard colon >= 2, bytes[colon - 1] == UInt8(ascii: "]") else { return nil }
            let inside = bytes.extracting(1..<colon - 1)
            // Brackets are for IPv6, mapped IPv4 included; a dotted quad has none.
            guard inside.indices.contains(where: { inside[$0] == UInt8(ascii: ":") }), let ip = AddressText.ip(inside)
            else { return nil }
            self = .address(SocketAddress(ip, port))
            return
        }
        let host = bytes.extracting(0..<colon)
        guard host.count <= Self.hostLimit, host.indices.allSatisfy({ Self.isName(host[$0]) }) else { return nil }
        if let ip = AddressText.ip(host) {
            self = .address(SocketAddress(ip, port))
        } else if let name = host.text {
            self = .hostname(name, port: port)
        } else {
            return nil
        }
    }

    /// - Parameter bytes: a header value as the HTTP/2 library lends it; not kept.
    package init?(bytes: UnsafeBufferPointer<UInt8>) {
        self.init(parsing: unsafe bytes.span)
    }

    package init?(_ text: String) { self.init(parsing: text.utf8.span) }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "*"): true
        default: false
        }
    }
}
