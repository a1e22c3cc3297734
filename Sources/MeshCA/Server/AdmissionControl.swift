import Synchronization

/// Bounds what a server takes on: requests at once, and each caller's rate.
package final class AdmissionControl: Sendable {
    package struct Limits: Sendable, Hashable {
        /// Requests that are worked on at once; one more is refused.
        package var inFlight = 1024
        /// Requests per second of one caller, and of one address, in the long run.
        package var rate = 500.0
        /// How many it may have saved up: a node that starts asks for all of its pods at once.
        package var burst = 2000.0
        /// Connections that are open at once; one more is closed.
        package var connections = 4096

        package init() {}

        package func problems() -> [String] {
            var problems: [String] = []
            if inFlight < 1 { problems.append("requests at once are \(inFlight); there must be at least 1") }
            if !(rate > 0) { problems.append("rate of a caller is \(rate); it must be above 0") }
            if !(burst >= 1) { problems.append("burst of a caller is \(burst); it must be at least 1") }
            if connections < 1 { problems.append("connections are \(connections); there must be at least 1") }
            return problems
        }
    }

    private struct Bucket {
        var tokens: Double
        var filled: Duration
    }

    private struct Reports {
        var count = 0
        var last: Duration?
    }

    package let limits: Limits
    private let inFlight = Atomic(0)
    private struct Buckets {
        var all: [String: Bucket] = [:]
        /// When those that are as good as new were last forgotten.
        var swept: Duration?
    }

    private let buckets = Mutex(Buckets())
    private let reports = Mutex(Reports())
    /// Callers and addresses that are told apart; further ones share one rate.
    private static let bucketLimit = 10_000
    private static let reportPause: Duration = .seconds(10)

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    package var current: Int { inFlight.load(ordering: .relaxed) }

    /// Whether there is room; then `leave` has to be called once.
    func enter() -> Bool {
        guard inFlight.add(1, ordering: .relaxed).newValue <= limits.inFlight else {
            leave()
            return false
        }
        return true
    }

    func leave() { inFlight.subtract(1, ordering: .relaxed) }

    /// Takes one of what `key` has saved up.
    func admits(_ key: String, now: Duration) -> Bool {
        buckets.withLock { buckets in
            var key = key
            if buckets.all[key] == nil, buckets.all.count >= Self.bucketLimit {
                sweep(&buckets, now: now)
                if buckets.all.count >= Self.bucketLimit { key = "" }
            }
            let tokens = buckets.all[key].map { level($0, now: now) } ?? limits.burst
            buckets.all[key] = Bucket(tokens: max(tokens - 1, 0), filled: now)
            return tokens >= 1
        }
    }

    /// Whoever has everything saved up is as good as new. Once a second at most: a flood of names must not cost a walk each.
    private func sweep(_ buckets: inout Buckets, now: Duration) {
        if let swept = buckets.swept, now >= swept, now - swept < .seconds(1) { return }
        buckets.swept = now
        buckets.all = buckets.all.filter { level($0.value, now: now) < limits.burst }
    }

    private func level(_ bucket: Bucket, now: Duration) -> Double {
        let seconds = (now - bucket.filled) / .seconds(1)
        return min(bucket.tokens + max(seconds, 0) * limits.rate, limits.burst)
    }

    /// Counts a refusal.
    /// - Returns: how many there were since the last report, when it is time for one.
    func shed(now: Duration) -> Int? {
        reports.withLock { reports in
            reports.count += 1
            if let last = reports.last, now - last < Self.reportPause, now >= last { return nil }
            defer { reports = Reports(count: 0, last: now) }
            return reports.count
        }
    }
}
