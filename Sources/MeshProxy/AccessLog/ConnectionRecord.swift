import MeshCore
import MeshPolicy

/// What is known of one connection, for the access log, the metrics and whoever asks why.
///
/// Made when the connection is accepted, filled as decisions fall, reported at its end. Confined to one reactor at a time.
final class ConnectionRecord {
    enum Direction: UInt8 { case inbound, outbound }

    let direction: Direction
    var mutualTLS = false
    /// True from the moment that counts as "opened".
    var isOpen = false
    var source: SocketAddress
    /// What the log names: the next hop (outbound), or where the connection was aimed at (inbound).
    var destination: SocketAddress
    /// Where the client wanted to go.
    let original: SocketAddress
    /// What policies judged an inbound connection by when it was accepted; `nil` for outbound ones.
    var facts: PolicyFacts?
    /// A tunnel within a tunnel, to another network.
    var isDoubleTunnel = false
    /// Host of the peer's `forwarded` header.
    var forwardedHost: String?
    /// Authority of the CONNECT, when there was one.
    var hboneAddress = ""
    var sourceWorkload: Workload?
    var destinationWorkload: Workload?
    var service: Service?
    var sourceIdentity: SPIFFEID?
    var destinationIdentity: SPIFFEID?
    var clientToServer = 0
    var serverToClient = 0
    /// Monotonic nanoseconds.
    let start: UInt64
    var series: TrafficSeries? { didSet { counters.object = series } }
    /// The same. Alive as long as `series` holds it.
    private var counters = Unretained<TrafficSeries>(nil)
    /// Why a first tunnel did not take the request, which a second one was asked for then.
    var refusal: RequestRefusal?
    /// The tunnel inside, when this is the outer connection of double HBONE: it is told how this one fares, the log and
    /// the metrics are not.
    var carries: Tunnel?

    init(_ direction: Direction, source: SocketAddress, destination: SocketAddress, start: UInt64) {
        self.direction = direction
        self.source = source
        self.destination = destination
        original = destination
        self.start = start
    }

    var reporter: Reporter { direction == .outbound ? .source : .destination }

    @inline(__always)
    func countClientToServer(_ bytes: Int) {
        clientToServer += bytes
        counters.use { TrafficSeries.add(bytes, to: $0.received) }
    }

    @inline(__always)
    func countServerToClient(_ bytes: Int) {
        serverToClient += bytes
        counters.use { TrafficSeries.add(bytes, to: $0.sent) }
    }
}
