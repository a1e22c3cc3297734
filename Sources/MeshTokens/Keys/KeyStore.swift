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
/// Refreshed every 20 minutes, forgotten after 7 days without use. After a failure the source is left alone for one,
/// two, four, then five minutes each time; keys once fetched stay meanwhile. A source without keys refuses its tokens
/// and nobody else.
package actor KeyStore {
    package struct Request: Sendable, Hashable {
        package let url: KeyURL
        /// For the whole answer.
        package let timeout: Duration
        /// The fetcher must not connect to these, whatever name led there.
        package let blocked: [CIDR]
        /// What of `blocked` may be connected to all the same.
        package let allowed: [CIDR]

        package init(url: KeyURL, timeout: Duration, blocked: [CIDR], allowed: [CIDR] = []) {
            self.url = url
            self.timeout = timeout
            self.blocked = blocked
            self.allowed = allowed
        }

        package func permits(_ ip: IPAddress) -> Bool {
            allowed.contains { $0.contains(ip) } || !blocked.contains { $0.contains(ip) }
        }
    }

    /// Gets a document; the answer must be 200, and of at most `KeySet.sizeLimit`.
    package typealias Fetch = @Sendable (Request) async throws -> [UInt8]

    package enum Problem: Error, Hashable, CustomStringConvertible {
        case url(String)
        case blocked(String)
        case discovery(String)

        package var description: String {
            switch self {
            case .url(let url): "\"\(url)\" is no http or https URL of a host, without user and fragment"
            case .blocked(let host): "keys are not fetched from \(host)"
            case .discovery(let url): "\(url) names no jwks_uri"
            }
        }
    }

    package static let refreshInterval: Int64 = 20 * 60
    package static let retryInterval: Int64 = 60
    package static let retryLimit: Int64 = 5 * 60
    package static let lifetimeUnused: Int64 = 7 * 24 * 3600
    /// Sources that are asked at a time.
    private static let width = 8

    private struct Entry {
        var keys: KeySet?
        var failure: String?
        /// In a row.
        var failures = 0
        var timeout: Duration
        var due: Int64
        var lastUse: Int64
    }

    private let fetch: Fetch
    private let blocked: [CIDR]
    private let allowed: [CIDR]
    private var entries: [KeySource: Entry] = [:]

    /// - Parameter allowed: exceptions from `blocked`, for somebody who tries policies by hand and says so.
    package init(blocked: [CIDR] = BlockedAddresses.standard, allowed: [CIDR] = [], fetch: @escaping Fetch) {
        self.blocked = blocked
        self.allowed = allowed
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

    /// Fetches what is due, several at a time. Returns when to call again, or `nil` when nothing is remote.
    package func refresh(now: Int64) async -> Int64? {
        let due = entries.filter { $0.value.due <= now }.map { ($0.key, $0.value.timeout) }
        await withTaskGroup(of: (KeySource, Result<KeySet, any Error>).self) { group in
            var waiting = due.makeIterator()
            func start() {
                guard let (source, timeout) = waiting.next() else { return }
                group.addTask {
                    do { return (source, .success(try await self.load(source, timeout))) } catch {
                        return (source, .failure(error))
                    }
                }
            }
            for _ in 0..<Self.width { start() }
            for await (source, result) in group {
                note(source, result, now)
                start()
            }
        }
        return entries.values.map(\.due).min()
    }

    /// A source that was forgotten meanwhile stays forgotten.
    private func note(_ source: KeySource, _ result: Result<KeySet, any Error>, _ now: Int64) {
        guard var entry = entries[source] else { return }
        switch result {
        case .success(let keys):
            (entry.keys, entry.failure, entry.failures) = (keys, nil, 0)
            entry.due = now + Self.refreshInterval
        case .failure(let error):
            entry.failure = "\(error)"
            entry.due = now + min(Self.retryInterval << Int64(min(entry.failures, 10)), Self.retryLimit)
            entry.failures += 1
        }
        entries[source] = entry
    }

    /// The keys as they are now, for `TokenRules`.
    package func snapshot() -> [KeySource: KeySet] { entries.compactMapValues(\.keys) }

    /// Sources whose last fetch failed, and why.
    package func failures() -> [KeySource: String] { entries.compactMapValues(\.failure) }

    private nonisolated func load(_ source: KeySource, _ timeout: Duration) async throws -> KeySet {
        switch source {
        case .url(let url): return try KeySet(parsing: await get(url, timeout))
        case .issuer(let issuer):
            let place = KeyDiscovery.place(of: issuer)
            guard let found = KeyDiscovery(try await get(place, timeout)) else { throw Problem.discovery(place) }
            return try KeySet(parsing: await get(found.keys, timeout))
        }
    }

    private nonisolated func get(_ text: String, _ timeout: Duration) async throws -> [UInt8] {
        guard let url = KeyURL(text) else { throw Problem.url(text) }
        // A host that is an address is judged here too; names are for the fetcher, once they are resolved.
        let request = Request(url: url, timeout: timeout, blocked: blocked, allowed: allowed)
        if let ip = url.address, !request.permits(ip) { throw Problem.blocked(url.host) }
        return try await fetch(request)
    }
}
