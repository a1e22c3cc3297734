import MeshCore
import MeshLinux
import Synchronization

/// Addresses of the hostnames of workloads: looked up by the system's resolver on threads of its own, and remembered.
///
/// Shared by all reactors of a process, and independent of any pod: its threads stay in the namespace of whoever made
/// it. Threads exist only while something is being looked up. The system does not tell how long an answer holds, so all
/// hold equally long.
package final class HostResolver: Sendable {
    /// Look-ups at a time; each may block for as long as the system's servers do.
    static let threadLimit = 4
    /// Hostnames that wait for a thread or are being looked up, and connections that wait for them.
    static let hostLimit = 1024
    static let waiterLimit = 4096
    static let cacheLimit = 4096
    /// Sets of labels that are counted apart.
    static let seriesLimit = 4096
    static let lifetime: UInt64 = 30_000_000_000
    /// So that a name which comes into being is found soon, and a broken server is not asked for every connection.
    static let failureLifetime: UInt64 = 2_000_000_000
    /// What has waited this long is not looked up any more: nobody waits longer.
    static let patience: UInt64 = 10_000_000_000

    package typealias Lookup = @Sendable (_ host: String) -> HostAnswer

    fileprivate struct Remembered {
        var answer: HostAnswer
        var until: UInt64
    }

    fileprivate struct Waiting {
        var waiters: [(mailbox: Mailbox, token: UInt64)]
        var since: UInt64
    }

    fileprivate struct State {
        var cache: [String: Remembered] = [:]
        var waiting: [String: Waiting] = [:]
        var waiterCount = 0
        /// Hostnames that no thread has taken yet, oldest first.
        var queue: [String] = []
        var threads = 0
        /// How often a hostname was used, by the text of the labels.
        var uses: [String: UInt64] = [:]
    }

    private let state = Mutex(State())
    private let lookup: Lookup
    private let clock: @Sendable () -> UInt64

    package convenience init() {
        self.init(lookup: { host in
            SystemResolver.addresses(of: host).mapError { failure in
                switch failure {
                case .noAddress: .noAddress
                case .other(let why): .failed(why)
                }
            }
        })
    }

    /// - Parameters:
    ///   - lookup: runs on a thread of ours and may block.
    ///   - clock: monotonic nanoseconds.
    package init(
        clock: @escaping @Sendable () -> UInt64 = { Kernel.monotonicNanoseconds() }, lookup: @escaping Lookup
    ) {
        self.lookup = lookup
        self.clock = clock
    }

    /// Counts one use of `host` by a connection of `source`, and gives the answer if it is known.
    func use(_ host: String, by source: Workload) -> HostAnswer? {
        let labels = Self.labels(host, source)
        let now = clock()
        return state.withLock { state in
            // Beyond the limit uses are counted, but not told apart.
            let isKnown = state.uses[labels] != nil || state.uses.count < Self.seriesLimit
            state.uses[isKnown ? labels : Self.labels("", source), default: 0] += 1
            return state.known(host, now)
        }
    }

    /// Has `mailbox` told the answer for `token`.
    /// - Returns: why it will not be.
    func ask(_ host: String, _ mailbox: Mailbox, _ token: UInt64) -> LookupFailure? {
        enum Next { case wait, answered(HostAnswer), start, refuse }
        let now = clock()
        let next: Next = state.withLock { state in
            // Another reactor may have learnt it since `use`.
            if let answer = state.known(host, now) { return .answered(answer) }
            guard state.waiterCount < Self.waiterLimit else { return .refuse }
            guard state.waiting[host] == nil else {
                state.waiting[host]?.waiters.append((mailbox, token))
                state.waiterCount += 1
                return .wait
            }
            guard state.waiting.count < Self.hostLimit else { return .refuse }
            state.waiting[host] = Waiting(waiters: [(mailbox, token)], since: now)
            state.waiterCount += 1
            state.queue.append(host)
            guard state.threads < Self.threadLimit else { return .wait }
            state.threads += 1
            return .start
        }
        switch next {
        case .wait: return nil
        case .refuse: return .tooMany
        case .answered(let answer):
            mailbox.post(.resolved(token: token, answer))
            return nil
        case .start:
            do throws(KernelError) {
                try KernelThread.start("resolve") { self.work() }.detach()
            } catch {
                threadMissing(.failed("\(error)"))
            }
            return nil
        }
    }

    /// Without any thread the queue would wait for ever.
    private func threadMissing(_ failure: LookupFailure) {
        let abandoned = state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [String]() }
            defer { state.queue = [] }
            return state.queue
        }
        for host in abandoned { settle(host, .failure(failure)) }
    }

    /// The body of a thread: look-ups until none is left.
    private func work() {
        while let (host, since) = takeNext() {
            let late = clock() - since > Self.patience
            settle(host, late ? .failure(.timedOut(seconds: Int(Self.patience / 1_000_000_000))) : lookup(host))
        }
    }

    private func takeNext() -> (host: String, since: UInt64)? {
        state.withLock { state in
            guard !state.queue.isEmpty else {
                state.threads -= 1
                return nil
            }
            let host = state.queue.removeFirst()
            return (host, state.waiting[host]?.since ?? 0)
        }
    }

    private func settle(_ host: String, _ answer: HostAnswer) {
        let now = clock()
        let waiters = state.withLock { state in
            state.remember(host, answer, now)
            let waiters = state.waiting.removeValue(forKey: host)?.waiters ?? []
            state.waiterCount -= waiters.count
            return waiters
        }
        for waiter in waiters { waiter.mailbox.post(.resolved(token: waiter.token, answer)) }
    }

    // MARK: Metrics

    /// The family `istio_on_demand_dns`, empty without samples.
    func metricsText() -> String {
        let uses = state.withLock { $0.uses }
        if uses.isEmpty { return "" }
        let name = "istio_on_demand_dns"
        var text = "# HELP \(name) The total number of requests that used on-demand DNS (unstable).\n"
        text += "# TYPE \(name) counter\n"
        for (labels, count) in uses.sorted(by: { $0.key < $1.key }) { text += "\(name)_total{\(labels)} \(count)\n" }
        return text
    }

    private static func labels(_ host: String, _ source: Workload) -> String {
        let fields = source.fields
        return [
            ("source_workload", fields.workloadName), ("source_canonical_service", fields.canonicalName),
            ("source_canonical_revision", fields.canonicalRevision), ("source_workload_namespace", fields.namespace),
            ("source_principal", source.identity?.description), ("source_app", fields.canonicalName),
            ("source_version", fields.canonicalRevision), ("source_cluster", fields.clusterID), ("hostname", host),
        ].map { "\($0)=\"\(MetricLabel.text($1))\"" }.joined(separator: ",")
    }
}

extension HostResolver.State {
    fileprivate func known(_ host: String, _ now: UInt64) -> HostAnswer? {
        guard let held = cache[host], now < held.until else { return nil }
        return held.answer
    }

    fileprivate mutating func remember(_ host: String, _ answer: HostAnswer, _ now: UInt64) {
        // Nothing was learnt of the name.
        if case .failure(.timedOut) = answer { return }
        if cache[host] == nil, cache.count >= HostResolver.cacheLimit {
            cache = cache.filter { now < $0.value.until }
            if cache.count >= HostResolver.cacheLimit { cache.remove(at: cache.startIndex) }
        }
        let lasts: UInt64 = if case .success = answer { HostResolver.lifetime } else { HostResolver.failureLifetime }
        cache[host] = HostResolver.Remembered(answer: answer, until: now + lasts)
    }
}
