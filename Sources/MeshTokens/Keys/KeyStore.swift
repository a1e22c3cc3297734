package import MeshCore

/// Where keys are fetched from.
package enum KeySource: Hashable, Sendable {
    case url(String)
    /// An issuer, whose OpenID configuration names the place.
    case issuer(String)

    /// `nil` for keys that are written in the rule.
    package init?(_ rule: JWTRule) {
        switch rule.keys {
        case .inline: return nil
        case .remote(let url): self = .url(url)
        case .discovered: self = .issuer(rule.issuer)
        }
    }
}

/// Addresses that keys are never fetched from, so that a policy cannot reach into the node or the cloud's metadata.
package enum BlockedAddresses {
    /// Loopback, link-local (with the metadata address of clouds), unspecified, multicast.
    package static let standard = [
        "127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "224.0.0.0/4", "::1", "fe80::/10", "::", "ff00::/8",
        "fd00:ec2::254",
    ].compactMap { CIDR($0) }
}

/// Fetches and keeps key sets. Its owner calls `refresh` when the time it returned has come.
///
/// Refreshed every 20 minutes, a minute after a failure, forgotten after 7 days without use. Keys once fetched stay
/// when a refresh fails. A source without keys refuses its tokens and nobody else.
package actor KeyStore {
    package struct Request: Sendable, Hashable {
        package let url: String
        package let timeout: Duration
        /// The fetcher must not connect to these, whatever name led there.
        package let blocked: [CIDR]
    }

    /// Gets a document; the answer must be 200, and is cut at `KeySet.sizeLimit`.
    package typealias Fetch = @Sendable (Request) async throws -> [UInt8]

    package enum Problem: Error, Hashable, CustomStringConvertible {
        case scheme(String)
        case blocked(String)
        case discovery(String)

        package var description: String {
            switch self {
            case .scheme(let url): "\"\(url)\" is no http or https URL"
            case .blocked(let host): "keys are not fetched from \(host)"
            case .discovery(let url): "\(url) names no jwks_uri"
            }
        }
    }

    package static let refreshInterval: Int64 = 20 * 60
    package static let retryInterval: Int64 = 60
    package static let lifetimeUnused: Int64 = 7 * 24 * 3600

    private struct Entry {
        var keys: KeySet?
        var failure: String?
        var timeout: Duration
        var due: Int64
        var lastUse: Int64
    }

    private let fetch: Fetch
    private let blocked: [CIDR]
    private var entries: [KeySource: Entry] = [:]

    package init(blocked: [CIDR] = BlockedAddresses.standard, fetch: @escaping Fetch) {
        self.blocked = blocked
        self.fetch = fetch
    }

    /// Says which rules are in force, at `now` (seconds since 1970).
    package func use(_ rules: [JWTRule], now: Int64) {
        for rule in rules {
            guard let source = KeySource(rule) else { continue }
            entries[source, default: Entry(timeout: rule.timeout, due: now, lastUse: now)].lastUse = now
            entries[source]?.timeout = rule.timeout
        }
        entries = entries.filter { now - $0.value.lastUse < Self.lifetimeUnused }
    }

    /// Fetches what is due. Returns when to call again, or `nil` when nothing is remote.
    package func refresh(now: Int64) async -> Int64? {
        for source in entries.filter({ $0.value.due <= now }).keys {
            guard let timeout = entries[source]?.timeout else { continue }
            do {
                let keys = try await load(source, timeout)
                entries[source]?.keys = keys
                entries[source]?.failure = nil
                entries[source]?.due = now + Self.refreshInterval
            } catch {
                entries[source]?.failure = "\(error)"
                entries[source]?.due = now + Self.retryInterval
            }
        }
        return entries.values.map(\.due).min()
    }

    /// The keys as they are now, for `TokenRules`.
    package func snapshot() -> [KeySource: KeySet] { entries.compactMapValues(\.keys) }

    /// Sources whose last fetch failed, and why.
    package func failures() -> [KeySource: String] { entries.compactMapValues(\.failure) }

    private func load(_ source: KeySource, _ timeout: Duration) async throws -> KeySet {
        switch source {
        case .url(let url): return try KeySet(parsing: await get(url, timeout))
        case .issuer(let issuer):
            let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
            let place = base + "/.well-known/openid-configuration"
            guard case .object(let document)? = try? JSONText.parse(await get(place, timeout)),
                case .string(let url)? = document["jwks_uri"]
            else { throw Problem.discovery(place) }
            return try KeySet(parsing: await get(url, timeout))
        }
    }

    private func get(_ url: String, _ timeout: Duration) async throws -> [UInt8] {
        let lowered = url.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lowered.hasPrefix($0) }), url.utf8.count <= 2048
        else {
            throw Problem.scheme(url)
        }
        // A host that is an address is judged here; names are for the fetcher, once they are resolved.
        let host = Self.host(url.dropFirst(scheme.count))
        if let ip = IPAddress(host), blocked.contains(where: { $0.contains(ip) }) { throw Problem.blocked(host) }
        return try await fetch(Request(url: url, timeout: timeout, blocked: blocked))
    }

    private static func host(_ rest: Substring) -> String {
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let place = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        if place.hasPrefix("[") { return String(place.dropFirst().prefix { $0 != "]" }) }
        return String(place.prefix { $0 != ":" })
    }
}
