import MeshCore
import Synchronization

/// Which proxy reports a connection: the client's (outbound) or the server's (inbound).
enum Reporter: UInt8, Sendable, CaseIterable { case source, destination }

/// The counters of one set of labels in one reactor.
///
/// One writer (the reactor's thread), any number of readers: relaxed loads and stores are enough, no locked
/// instruction is needed.
final class TrafficSeries: Sendable {
    let reporter: Reporter
    let labels: TrafficLabels

    let opened = Atomic<UInt64>(0)
    /// Client to server, whoever reports.
    let received = Atomic<UInt64>(0)
    /// Server to client.
    let sent = Atomic<UInt64>(0)
    /// Open connections that came from another reactor's series of these labels, less those that went to one.
    private let moved = Atomic<Int>(0)
    private let closedNormally = Atomic<UInt64>(0)
    private let closedDeny = Atomic<UInt64>(0)
    private let closedConnect = Atomic<UInt64>(0)
    private let closedTLSFailure = Atomic<UInt64>(0)
    private let closedH2 = Atomic<UInt64>(0)
    private let closedNetworkPolicy = Atomic<UInt64>(0)
    private let closedIdentity = Atomic<UInt64>(0)
    private let closedRevoked = Atomic<UInt64>(0)

    init(_ reporter: Reporter, _ labels: TrafficLabels) {
        self.reporter = reporter
        self.labels = labels
    }

    @inline(__always)
    static func add(_ count: Int, to counter: borrowing Atomic<UInt64>) {
        counter.store(counter.load(ordering: .relaxed) &+ UInt64(count), ordering: .relaxed)
    }

    /// An open connection came (1) or went (-1).
    func countMoved(_ change: Int) { moved.store(moved.load(ordering: .relaxed) + change, ordering: .relaxed) }

    func countClosed(_ flag: ResponseFlag) {
        switch flag {
        case .none: Self.add(1, to: closedNormally)
        case .deny: Self.add(1, to: closedDeny)
        case .connect: Self.add(1, to: closedConnect)
        case .tlsFailure: Self.add(1, to: closedTLSFailure)
        case .h2HandshakeFailure: Self.add(1, to: closedH2)
        case .networkPolicy: Self.add(1, to: closedNetworkPolicy)
        case .identityError: Self.add(1, to: closedIdentity)
        case .certRevoked: Self.add(1, to: closedRevoked)
        }
    }

    func closed(_ flag: ResponseFlag) -> UInt64 {
        switch flag {
        case .none: closedNormally.load(ordering: .relaxed)
        case .deny: closedDeny.load(ordering: .relaxed)
        case .connect: closedConnect.load(ordering: .relaxed)
        case .tlsFailure: closedTLSFailure.load(ordering: .relaxed)
        case .h2HandshakeFailure: closedH2.load(ordering: .relaxed)
        case .networkPolicy: closedNetworkPolicy.load(ordering: .relaxed)
        case .identityError: closedIdentity.load(ordering: .relaxed)
        case .certRevoked: closedRevoked.load(ordering: .relaxed)
        }
    }

    var totals: TrafficTotals {
        var totals = TrafficTotals()
        totals.opened = opened.load(ordering: .relaxed)
        totals.received = received.load(ordering: .relaxed)
        totals.sent = sent.load(ordering: .relaxed)
        totals.moved = moved.load(ordering: .relaxed)
        totals.closed = ResponseFlag.allCases.map { closed($0) }
        return totals
    }
}

/// The counts of a series at one moment.
struct TrafficTotals: Equatable {
    var opened: UInt64 = 0
    var received: UInt64 = 0
    var sent: UInt64 = 0
    var moved = 0
    /// By response flag.
    var closed = [UInt64](repeating: 0, count: ResponseFlag.allCases.count)

    var openNow: UInt64 { opened &+ UInt64(truncatingIfNeeded: moved) &- closed.reduce(0, &+) }

    static func += (sum: inout TrafficTotals, more: TrafficTotals) {
        sum.opened += more.opened
        sum.received += more.received
        sum.sent += more.sent
        for flag in sum.closed.indices { sum.closed[flag] += more.closed[flag] }
    }
}
