package import MeshCA
package import MeshTokens

/// The keys of one issuer of tokens, fetched again when they are old or when a token names one that is not there.
///
/// Tokens with made-up key names cause at most one fetch in ten seconds. After failures the source is left alone for
/// longer and longer, up to five minutes; keys once fetched stay meanwhile. Times are seconds since 1970.
package actor IssuerKeys {
    /// Gets the key set, at most `KeySet.sizeLimit` bytes.
    package typealias Fetch = @Sendable () async throws -> [UInt8]

    package static let refreshInterval: Int64 = 20 * 60
    package static let shortestInterval: Int64 = 10
    package static let longestRetry: Int64 = 5 * 60

    private let fetch: Fetch
    private var keys: KeySet?
    private var isFetching = false
    /// Of the last fetch, good or bad.
    private var attempted: Int64?
    /// In a row.
    private var failures = 0
    package private(set) var failure: String?

    package init(fetch: @escaping Fetch) { self.fetch = fetch }

    /// The keys as they are, fetched first when there are none or they are old.
    package func current(now: Int64) async -> KeySet? {
        if isDue(now) { await refresh(now) }
        return keys
    }

    /// The keys after another look, because one was missing; `nil` when it is too early for that.
    package func again(now: Int64) async -> KeySet? {
        guard !isFetching, attempted.map({ now - $0 >= Self.shortestInterval || now < $0 }) ?? true else { return nil }
        guard failures == 0 || isDue(now) else { return nil }
        await refresh(now)
        return failures == 0 ? keys : nil
    }

    /// Fetches when it is time, until its task is cancelled.
    package func run(clock: any WallClock) async {
        while !Task.isCancelled {
            if isDue(clock.seconds) { await refresh(clock.seconds) }
            do { try await clock.sleep(until: .seconds(due ?? clock.seconds)) } catch { return }
        }
    }

    private var due: Int64? {
        guard let attempted else { return nil }
        guard failures > 0 else { return attempted + Self.refreshInterval }
        return attempted + min(Self.shortestInterval << Int64(min(failures - 1, 10)), Self.longestRetry)
    }

    private func isDue(_ now: Int64) -> Bool { due.map { now >= $0 || now < (attempted ?? 0) } ?? true }

    private func refresh(_ now: Int64) async {
        guard !isFetching else { return }
        isFetching = true
        attempted = now
        defer { isFetching = false }
        do {
            keys = try KeySet(parsing: await fetch())
            (failures, failure) = (0, nil)
        } catch {
            failures += 1
            failure = "\(error)"
        }
    }
}
