import MeshCore

/// A server to look at, as a person names it.
package struct EndpointAddress: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable, CaseIterable {
        case tls
        /// A node proxy's tunnel port: mutual TLS 1.3 with HTTP/2.
        case hbone
        /// The discovery and certificate services of a control plane.
        case grpc

        var defaultPort: UInt16 {
            switch self {
            case .tls: 443
            case .hbone: 15008
            case .grpc: 15012
            }
        }

        /// Offered by ALPN.
        var protocols: [String] { self == .tls ? ["h2", "http/1.1"] : ["h2"] }
    }

    package let scheme: Scheme
    /// A DNS name, or an address without brackets.
    package let host: String
    package let port: UInt16

    /// `HOST:PORT`, or `tls://`, `hbone://` or `grpc://` before `HOST` or `HOST:PORT`; IPv6 addresses in brackets.
    ///
    /// `nil` for anything else, names of files among it.
    package init?(_ text: String) {
        var rest = text[...]
        var scheme: Scheme?
        if let mark = rest.firstRange(of: "://") {
            guard let known = Scheme(rawValue: String(rest[..<mark.lowerBound])) else { return nil }
            scheme = known
            rest = rest[mark.upperBound...]
            if rest.hasSuffix("/") { rest.removeLast() }
        }
        guard let (host, given) = HostPort.split(rest), let port = given ?? scheme?.defaultPort,
            (1...253).contains(host.utf8.count), host.utf8.allSatisfy(HostPort.isNameByte) || IPAddress(host) != nil
        else { return nil }
        self.scheme = scheme ?? .tls
        self.port = port
        self.host = String(host)
    }

    package var description: String {
        "\(scheme.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
