package import MeshCore

/// A resolver's configuration.
///
/// Source: resolv.conf(5) of glibc. `domain`, `search`, `nameserver` and the options timeout, attempts and ndots are read;
/// what else is there does not concern a forwarder.
package struct ResolvConf: Sendable, Equatable {
    package static let serverLimit = 3
    /// More of these two would be more candidates for each name.
    package static let searchLimit = 32
    package static let byteLimit = 65536
    private static let port: UInt16 = 53

    package var servers: [SocketAddress] = []
    /// Lower case, without a dot at the end.
    package var searchDomains: [String] = []
    /// Wait for one server. Default 5 s.
    package var timeout: Duration = .seconds(5)
    /// Rounds over all servers. Default 2.
    package var attempts = 2
    /// Not used by the proxy, which sees names after the client's search. Default 1.
    package var ndots = 1
    /// Lines that were passed over though their keyword is known, such as a server with a scope.
    package var ignored: [String] = []

    package init() {}

    /// Reads the text of a file; never fails, as no resolver does. Values are held within glibc's limits.
    package init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            // A keyword begins at the start of a line; comments do not.
            guard let first = line.first, !first.isWhitespace, first != "#", first != ";" else { continue }
            let words = line.split(whereSeparator: \.isWhitespace)
            switch words[0] {
            case "nameserver": addServer(words.dropFirst().first, String(line))
            case "domain", "search":
                // The last of them counts.
                searchDomains = words.dropFirst().prefix(Self.searchLimit).compactMap(Self.domain)
            case "options": for word in words.dropFirst() { readOption(word) }
            default: break
            }
        }
    }

    private mutating func addServer(_ word: Substring?, _ line: String) {
        guard let word, let ip = IPAddress(word), servers.count < Self.serverLimit else {
            ignored.append(line)
            return
        }
        servers.append(SocketAddress(ip, Self.port))
    }

    private static func domain(_ word: Substring) -> String? {
        let bare = word.hasSuffix(".") ? word.dropLast() : word
        return bare.isEmpty ? nil : bare.lowercased()
    }

    private mutating func readOption(_ word: Substring) {
        let parts = word.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let value = Int(parts[1]), value >= 0 else { return }
        switch parts[0] {
        case "timeout": timeout = .seconds(min(max(value, 1), 30))
        case "attempts": attempts = min(max(value, 1), 5)
        case "ndots": ndots = min(value, 15)
        default: break
        }
    }

    /// The server that is one of these listeners, to which a question would come back.
    ///
    /// A wildcard listener is reached by loopback addresses; an unspecified server means this host.
    func firstLoop(with listeners: [SocketAddress]) -> SocketAddress? {
        servers.first { server in
            listeners.contains { listener in
                guard server.port == listener.port else { return false }
                if server.ip == listener.ip { return true }
                let isHere = server.ip.isLoopback || server.ip.isUnspecified
                guard isHere, listener.ip.isUnspecified || server.ip.isUnspecified && listener.ip.isLoopback else {
                    return false
                }
                // An IPv6 wildcard takes IPv4 too.
                return server.ip.isV4 == listener.ip.isV4 || listener.ip == .anyV6
            }
        }
    }
}
