import MeshCore
import Synchronization

/// Which proxy reports a connection: the client's (outbound) or the server's (inbound).
enum Reporter: UInt8, Sendable { case source, destination }

/// What tells one traffic series from another. Records count by identity: a look-up hashes pointers, not label texts.
struct SeriesKey: Hashable {
    var reporter: Reporter
    var mutualTLS: Bool
    var source: ObjectIdentifier?
    var destination: ObjectIdentifier?
    var service: ObjectIdentifier?
    var sourcePrincipal: SPIFFEID?
}

/// The counters of one set of labels in one reactor.
///
/// One writer (the reactor's thread), any number of readers: relaxed loads and stores are enough, no locked
/// instruction is needed.
final class TrafficSeries: Sendable {
    let reporter: Reporter
    let mutualTLS: Bool
    let source: Workload?
    let destination: Workload?
    let service: Service?
    let sourcePrincipal: SPIFFEID?

    let opened = Atomic<UInt64>(0)
    /// Client to server, whoever reports.
    let received = Atomic<UInt64>(0)
    /// Server to client.
    let sent = Atomic<UInt64>(0)
    private let closedNormally = Atomic<UInt64>(0)
    private let closedDeny = Atomic<UInt64>(0)
    private let closedConnect = Atomic<UInt64>(0)
    private let closedTLSFailure = Atomic<UInt64>(0)
    private let closedH2 = Atomic<UInt64>(0)
    private let closedNetworkPolicy = Atomic<UInt64>(0)
    private let closedIdentity = Atomic<UInt64>(0)
    private let closedRevoked = Atomic<UInt64>(0)

    init(
        reporter: Reporter, mutualTLS: Bool, source: Workload?, destination: Workload?, service: Service?,
        sourcePrincipal: SPIFFEID?
    ) {
        self.reporter = reporter
        self.mutualTLS = mutualTLS
        self.source = source
        self.destination = destination
        self.service = service
        self.sourcePrincipal = sourcePrincipal
    }

    @inline(__always)
    static func add(_ count: Int, to counter: borrowing Atomic<UInt64>) {
        counter.store(counter.load(ordering: .relaxed) &+ UInt64(count), ordering: .relaxed)
    }

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
}

/// The traffic series of one reactor. The reactor finds and adds; readers copy the list.
final class TrafficMetrics: Sendable {
    private let list = Mutex<[TrafficSeries]>([])

    func append(_ series: TrafficSeries) { list.withLock { $0.append(series) } }
    func snapshot() -> [TrafficSeries] { list.withLock { $0 } }
}
