package import MeshCore
import MeshPolicy

/// One open connection, as people and tools see it. A copy: it says what was true when the reactor was asked.
package struct ConnectionInfo: Sendable {
    package enum Direction: String, Sendable, CaseIterable { case inbound, outbound }
    package enum Transport: String, Sendable, CaseIterable {
        case tcp = "TCP", hbone = "HBONE", doubleHBONE = "DOUBLEHBONE"
    }

    package let direction: Direction
    package let transport: Transport
    /// The client; for a tunnelled inbound connection the far proxy's socket.
    package let source: SocketAddress
    /// Where the client wanted to go; for a tunnelled inbound connection where the tunnel was connected to.
    package let originalDestination: SocketAddress
    /// Outbound: the next hop. Inbound: what policies judged, the workload's address and the port after any override.
    package let actualDestination: SocketAddress
    /// Authority of the CONNECT; empty for plain TCP.
    package let authority: String
    /// Host that the peer named in its `forwarded` header. Inbound only.
    package let forwardedHost: String?
    package let sourceWorkload: Workload?
    package let destinationWorkload: Workload?
    package let service: Service?
    package let sourceIdentity: SPIFFEID?
    package let destinationIdentity: SPIFFEID?
    package let mutualTLS: Bool
    /// Payload bytes from the client to the server, whoever looks.
    package let clientToServer: Int
    package let serverToClient: Int
    /// When it was accepted, in microseconds since 1970.
    package let openedMicroseconds: Int64
    /// `TunnelInfo.id` of the tunnel that carries it.
    package let tunnel: UInt64?
}

extension ConnectionInfo {
    /// - Parameter clock: turns the reactor's clock into wall time.
    init(_ record: ConnectionRecord, tunnel: UInt64?, _ clock: WallClock) {
        direction = record.direction == .inbound ? .inbound : .outbound
        transport = record.isDoubleTunnel ? .doubleHBONE : record.mutualTLS ? .hbone : .tcp
        source = record.source
        originalDestination = record.original
        actualDestination =
            record.facts.map { SocketAddress($0.destination, $0.destinationPort) } ?? record.destination
        authority = record.hboneAddress
        forwardedHost = record.forwardedHost
        sourceWorkload = record.sourceWorkload
        destinationWorkload = record.destinationWorkload
        service = record.service
        sourceIdentity = record.sourceIdentity
        destinationIdentity = record.destinationIdentity
        mutualTLS = record.mutualTLS
        clientToServer = record.clientToServer
        serverToClient = record.serverToClient
        openedMicroseconds = clock.microseconds(at: record.start)
        self.tunnel = tunnel
    }
}

/// The wall time of moments that were taken from the monotonic clock. Right as long as nobody sets the wall clock.
struct WallClock {
    private let offset: Int64

    /// - Parameters:
    ///   - realtime: microseconds since 1970, now.
    ///   - monotonic: nanoseconds of the monotonic clock, now.
    init(realtime: Int64, monotonic: UInt64) { offset = realtime - Int64(monotonic / 1000) }

    func microseconds(at monotonic: UInt64) -> Int64 { offset + Int64(monotonic / 1000) }
}
