package import MeshCore

/// The URL of a key set, taken apart once: what is judged here is what is connected to.
///
/// Shape: `http` or `https`, a host of ASCII letters, digits, `-`, `_` and `.` or an address, perhaps a port, then path
/// and query. No user, no fragment, at most 2048 bytes. Stricter than RFC 3986, so that no other reader of URLs finds
/// another host in it.
package struct KeyURL: Hashable, Sendable, CustomStringConvertible {
    package static let lengthLimit = 2048

    package let isSecure: Bool
    /// In lower case, without brackets.
    package let host: String
    /// Where the host is one.
    package let address: IPAddress?
    package let port: UInt16
    /// Path and query; begins with a slash.
    package let target: String

    /// `nil` for anything else.
    package init?(_ text: String) {
        let lowered = text.prefix(8).lowercased()
        guard text.utf8.count <= Self.lengthLimit, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            !text.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "#") }),
            lowered.hasPrefix("http://") || lowered == "https://"
        else { return nil }
        isSecure = lowered == "https://"
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let behind = rest[authority.endIndex...]
        target = behind.hasPrefix("/") ? String(behind) : "/" + behind
        var name = authority
        var digits: Substring?
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            name = authority[authority.index(after: authority.startIndex)..<close]
            let tail = authority[authority.index(after: close)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
            digits = tail.isEmpty ? nil : tail.dropFirst()
            guard let ip = IPAddress(name), name.contains(":") else { return nil }
            address = ip
        } else {
            if let colon = authority.firstIndex(of: ":") {
                name = authority[..<colon]
                digits = authority[authority.index(after: colon)...]
            }
            guard !name.isEmpty, name.utf8.count <= 253, name.utf8.allSatisfy(HostPort.isNameByte) else { return nil }
            address = IPAddress(name)
        }
        host = name.lowercased()
        guard let digits else {
            port = isSecure ? 443 : 80
            return
        }
        guard let number = SocketAddress.port(digits), number > 0 else { return nil }
        port = number
    }

    /// As a client is given it.
    package var description: String {
        "\(isSecure ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)\(target)"
    }
}
