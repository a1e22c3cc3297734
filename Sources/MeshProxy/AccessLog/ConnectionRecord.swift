import MeshCore

/// What is known of one connection, for the access log, the metrics and whoever asks why.
///
/// Made when the connection is accepted, filled as decisions fall, reported at its end. Confined to one reactor.
final class ConnectionRecord {
    enum Direction: UInt8 { case inbound, outbound }

    let direction: Direction
    var mutualTLS = false
    /// True from the moment that counts as "opened".
    var isOpen = false
    var source: SocketAddress
    var destination: SocketAddress
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
    var series: TrafficSeries?

    init(_ direction: Direction, source: SocketAddress, destination: SocketAddress, start: UInt64) {
        self.direction = direction
        self.source = source
        self.destination = destination
        self.start = start
    }

    var reporter: Reporter { direction == .outbound ? .source : .destination }

    @inline(__always)
    func countClientToServer(_ bytes: Int) {
        clientToServer += bytes
        if let series { TrafficSeries.add(bytes, to: series.received) }
    }

    @inline(__always)
    func countServerToClient(_ bytes: Int) {
        serverToClient += bytes
        if let series { TrafficSeries.add(bytes, to: series.sent) }
    }
}
