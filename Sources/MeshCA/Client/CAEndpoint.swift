import MeshCore

/// Where a certificate authority is and how it is recognised.
package struct CAEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A DNS name or an IP address without brackets.
    package var host: String
    package var port: UInt16
    /// The name that the server's certificate must have, where that is not `host`.
    package var serverName: String?
    package var trust: TrustSource

    package enum TrustSource: Hashable, Sendable {
        /// A PEM file, read again for each request.
        case file(String)
        /// PEM text.
        case pem(String)
        /// What this machine trusts.
        case system
    }

    package init(host: String, port: UInt16, serverName: String? = nil, trust: TrustSource) {
        self.host = host
        self.port = port
        self.serverName = serverName
        self.trust = trust
    }

    /// `https://host:port`, `host:port`, either with an IPv6 address in brackets; port 15012 where there is none.
    /// `nil` for anything else, plain `http` included.
    package init?(address: String, serverName: String? = nil, trust: TrustSource) {
        var rest = address[...]
        if let scheme = rest.firstRange(of: "://") {
            guard rest[..<scheme.lowerBound] == "https" else { return nil }
            rest = rest[scheme.upperBound...]
            if rest.hasSuffix("/") { rest.removeLast() }
        }
        guard let (host, port) = HostPort.split(rest), !host.isEmpty,
            !host.contains(where: { "/@?# []".contains($0) })
        else { return nil }
        self.init(host: String(host), port: port ?? 15012, serverName: serverName, trust: trust)
    }

    /// The DNS name that the server's certificate must have; `nil` where it is known by address.
    var expectedName: String? { serverName ?? (IPAddress(host) == nil ? host : nil) }

    package var description: String { host.contains(":") ? "https://[\(host)]:\(port)" : "https://\(host):\(port)" }
}
