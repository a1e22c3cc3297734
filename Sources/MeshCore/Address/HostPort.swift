/// `host`, `host:port`, either with an IPv6 address in brackets, taken apart.
package enum HostPort {
    /// The host without brackets, and the port where one is given. `nil` for a port that is none or 0, for brackets
    /// around anything but an IPv6 address, and for one without: where its port would begin, nobody could tell. What else
    /// a host may be is for the caller to say.
    package static func split(_ text: Substring) -> (host: Substring, port: UInt16?)? {
        var rest = text
        var port: UInt16?
        let bracket = rest.lastIndex(of: "]") ?? rest.startIndex
        if let colon = rest[bracket...].lastIndex(of: ":") {
            guard let given = SocketAddress.port(rest[rest.index(after: colon)...]), given != 0 else { return nil }
            port = given
            rest = rest[..<colon]
        }
        if rest.hasPrefix("["), rest.hasSuffix("]") {
            rest = rest.dropFirst().dropLast()
            guard IPAddress(rest)?.isV4 == false else { return nil }
        } else if rest.contains(":") {
            return nil
        }
        return (rest, port)
    }

    /// Whether it may stand in the name of a host.
    package static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
