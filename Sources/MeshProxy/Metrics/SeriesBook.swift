import MeshCore

/// Finds the series of a connection. Confined to one reactor.
///
/// Labels make a series, not records: a record that is re-sent leads to the series that is there. Since label texts are
/// long, records that were seen are remembered by identity, up to a limit; then all are forgotten and found again.
struct SeriesBook {
    /// Records by identity: a look-up hashes pointers, not texts.
    private struct Key: Hashable {
        var reporter: Reporter
        var mutualTLS: Bool
        var source: ObjectIdentifier?
        var destination: ObjectIdentifier?
        var service: ObjectIdentifier?
        var sourcePrincipal: SPIFFEID?
    }

    /// Holds the records, so that no other object gets their identity while they are remembered.
    private struct Seen {
        let series: TrafficSeries
        let facts: TrafficFacts
    }

    private struct Entry {
        let series: TrafficSeries
        var openedBefore: UInt64
        var quietRounds = 0
    }

    static let seenLimit = 4096
    /// Rounds of `tidy` in which nothing happens before a series is retired.
    static let quietRounds = 4

    private var seen: [Key: Seen] = [:]
    private var series: [TrafficLabels: Entry] = [:]
    private let dropped: Set<String>
    private let limit: Int
    private let metrics: TrafficMetrics

    init(_ config: ProxyConfig, _ metrics: TrafficMetrics) {
        dropped = config.metricsDroppedLabels
        limit = config.metricsMaxSeries
        self.metrics = metrics
    }

    var seenCount: Int { seen.count }
    var count: Int { series.count }

    mutating func find(_ record: ConnectionRecord) -> TrafficSeries {
        let principal = record.mutualTLS ? record.sourceIdentity : nil
        let key = Key(
            reporter: record.reporter, mutualTLS: record.mutualTLS,
            source: record.sourceWorkload.map(ObjectIdentifier.init),
            destination: record.destinationWorkload.map(ObjectIdentifier.init),
            service: record.service.map(ObjectIdentifier.init), sourcePrincipal: principal)
        if let found = seen[key] { return found.series }
        let facts = TrafficFacts(
            reporter: record.reporter, mutualTLS: record.mutualTLS, source: record.sourceWorkload,
            destination: record.destinationWorkload, service: record.service, sourcePrincipal: principal)
        let found = find(facts)
        if seen.count >= Self.seenLimit { seen.removeAll(keepingCapacity: true) }
        seen[key] = Seen(series: found, facts: facts)
        return found
    }

    private mutating func find(_ facts: TrafficFacts) -> TrafficSeries {
        let labels = TrafficLabels(facts, dropping: dropped)
        if let held = series[labels] { return held.series }
        guard series.count < limit else {
            // Beyond the limit connections are counted, but not told apart.
            return make(.anybody(facts.reporter, mutualTLS: facts.mutualTLS, dropping: dropped), facts.reporter)
        }
        return make(labels, facts.reporter)
    }

    private mutating func make(_ labels: TrafficLabels, _ reporter: Reporter) -> TrafficSeries {
        if let held = series[labels] { return held.series }
        let made = TrafficSeries(reporter, labels)
        series[labels] = Entry(series: made, openedBefore: 0)
        metrics.append(made)
        return made
    }

    /// Retires series without an open connection in which nothing has happened for some rounds.
    mutating func tidy(now: UInt64) {
        var retired: [TrafficSeries] = []
        for index in series.indices {
            let totals = series.values[index].series.totals
            let isQuiet = totals.openNow == 0 && totals.opened == series.values[index].openedBefore
            series.values[index].openedBefore = totals.opened
            series.values[index].quietRounds = isQuiet ? series.values[index].quietRounds + 1 : 0
            if series.values[index].quietRounds >= Self.quietRounds { retired.append(series.values[index].series) }
        }
        guard !retired.isEmpty else { return }
        for one in retired { series[one.labels] = nil }
        seen.removeAll(keepingCapacity: true)
        metrics.retire(retired, now: now, limit: limit, dropped: dropped)
    }
}

extension TrafficLabels {
    /// Where connections go that get no series of their own.
    static func anybody(_ reporter: Reporter, mutualTLS: Bool, dropping dropped: Set<String>) -> TrafficLabels {
        TrafficLabels(TrafficFacts(reporter: reporter, mutualTLS: mutualTLS), dropping: dropped)
    }
}
