import Synchronization

/// The traffic metrics of one reactor, as it writes and others read them.
final class TrafficMetrics: Sendable {
    private struct Retired {
        var totals: TrafficTotals
        /// Monotonic nanoseconds.
        var since: UInt64
    }

    private struct State {
        var live: [TrafficLabels: TrafficSeries] = [:]
        var retired: [TrafficLabels: Retired] = [:]
    }

    private let state = Mutex(State())
    private let sourceSockets = Atomic<Int>(0)
    private let destinationSockets = Atomic<Int>(0)

    /// A connection was accepted (1) or closed (-1).
    func countSocket(_ reporter: Reporter, _ change: Int) {
        // One writer, as for series.
        let next = socketsOpen(reporter) + change
        switch reporter {
        case .source: sourceSockets.store(next, ordering: .relaxed)
        case .destination: destinationSockets.store(next, ordering: .relaxed)
        }
    }

    func socketsOpen(_ reporter: Reporter) -> Int {
        switch reporter {
        case .source: sourceSockets.load(ordering: .relaxed)
        case .destination: destinationSockets.load(ordering: .relaxed)
        }
    }

    func append(_ series: TrafficSeries) { state.withLock { $0.live[series.labels] = series } }
    func snapshot() -> [TrafficSeries] { state.withLock { Array($0.live.values) } }

    /// Takes series whose counters do not change any more. Their counts are shown for some time yet: see `text`.
    func retire(_ series: [TrafficSeries], now: UInt64, limit: Int, dropped: Set<String>) {
        state.withLock { state in
            for one in series {
                state.live[one.labels] = nil
                var labels = one.labels
                if state.retired[labels] == nil, state.retired.count >= limit {
                    // Nobody has read them for long: the sums stay right, the names do not.
                    labels = .anybody(one.reporter, mutualTLS: false, dropping: dropped)
                }
                var held = state.retired[labels] ?? Retired(totals: TrafficTotals(), since: now)
                held.totals += one.totals
                held.since = now
                state.retired[labels] = held
            }
        }
    }

    /// The metrics of all reactors as OpenMetrics text, without the closing `# EOF`.
    ///
    /// A counter must not lose a part of its sum, which a reader would take for a restart at what is left. So the counts
    /// of a retired series are added as long as any reactor has a live series of these labels, or retired one within
    /// the last `idle` nanoseconds; then the labels disappear as a whole. When they come back they start at 0, which is
    /// what a reader expects of a restart. Every reader that comes more often than that has seen the last value.
    static func text(_ reactors: [TrafficMetrics], now: UInt64, idle: UInt64) -> String {
        var text = MetricsText()
        // Copied, not read, under the lock: a reactor that finds a new series must not wait for the text.
        let states = reactors.map { reactor in reactor.state.withLock { $0 } }
        var kept: Set<TrafficLabels> = []
        for state in states {
            kept.formUnion(state.live.keys)
            for (labels, retired) in state.retired where now < retired.since &+ idle { kept.insert(labels) }
        }
        for (reactor, state) in zip(reactors, states) {
            for (labels, series) in state.live { text.add(labels, series.totals) }
            for (labels, retired) in state.retired where kept.contains(labels) { text.add(labels, retired.totals) }
            for reporter in Reporter.allCases { text.addSockets(reporter, reactor.socketsOpen(reporter)) }
            let gone = state.retired.keys.filter { !kept.contains($0) }
            if !gone.isEmpty { reactor.forget(gone, before: now) }
        }
        return text.render()
    }

    private func forget(_ labels: [TrafficLabels], before now: UInt64) {
        state.withLock { state in
            // What was retired since has been shown to nobody yet.
            for one in labels where state.retired[one].map({ $0.since < now }) ?? false { state.retired[one] = nil }
        }
    }
}
