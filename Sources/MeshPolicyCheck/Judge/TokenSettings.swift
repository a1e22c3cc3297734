package import MeshCore
import MeshKubernetes
package import MeshTokens

/// What tokens are judged by, besides the policies.
package struct TokenSettings: Sendable {
    /// Seconds since 1970; 0 until somebody says what time it is.
    package var now: Int64 = 0
    /// Keys of rules that do not hold them themselves.
    package var keys: [KeySource: KeySet] = [:]
    /// Sources that were asked in vain, and why: their tokens are refused.
    package var failures: [KeySource: String] = [:]

    package init() {}

    /// - Parameter text: seconds since 1970, or `2026-08-01T12:00:00Z`.
    package static func time(_ text: String, doing: String) throws(MeshFailure) -> Int64 {
        guard let time = Int64(text) ?? Timestamp.seconds(text), time >= 0 else {
            throw MeshFailure(
                .usage, doing: doing,
                reason: "\"\(text)\" is no time; write 2026-08-01T12:00:00Z or seconds since 1970")
        }
        return time
    }

    /// Reads key sets from files, for rules that fetch theirs.
    /// - Parameter entries: `file`, for every such rule that has no keys yet, or `issuer=file`.
    package mutating func readKeys(
        _ entries: [String], for policies: [RequestAuthentication], doing: String
    ) throws(MeshFailure) {
        let rules = policies.flatMap(\.rules).filter { KeySource($0) != nil }
        let issuers = Set(rules.map(\.issuer))
        var named: [(issuer: String?, path: String)] = []
        for entry in entries {
            // An issuer may have an equals sign in it, and so may a file.
            let issuer = issuers.filter { entry.hasPrefix($0 + "=") && !$0.isEmpty }.max { $0.count < $1.count }
            named.append((issuer, issuer.map { String(entry.dropFirst($0.count + 1)) } ?? entry))
        }
        for (issuer, path) in named.sorted(by: { $0.issuer != nil && $1.issuer == nil }) {
            let bytes = try ManifestFiles.bytes(path, limit: KeySet.sizeLimit, doing: doing)
            let keySet: KeySet
            do throws(KeySet.Problem) { keySet = try KeySet(parsing: bytes) } catch {
                throw MeshFailure(.corrupt, doing: doing, reason: "\(path): \(error)")
            }
            for rule in rules where issuer == nil || issuer == rule.issuer {
                guard let source = KeySource(rule), keys[source] == nil else { continue }
                keys[source] = keySet
            }
        }
    }

    /// Fetches the keys that are still missing. What cannot be had is kept with its reason, and refuses its tokens.
    package mutating func fetchKeys(for policies: [RequestAuthentication], from store: KeyStore) async {
        let missing = policies.flatMap(\.rules).filter { rule in
            KeySource(rule).map { keys[$0] == nil } ?? false
        }
        await store.use(missing, now: now)
        _ = await store.refresh(now: now)
        keys.merge(await store.snapshot()) { given, _ in given }
        failures = await store.failures()
    }
}
