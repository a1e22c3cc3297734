package import MeshCore
import MeshPolicy
package import MeshTLS

/// One HBONE tunnel, as people and tools see it. A copy: it says what was true when the reactor was asked.
package struct TunnelInfo: Sendable {
    package enum Phase: String, Sendable, CaseIterable {
        case awaitingCredential = "waiting for our certificate"
        case connecting, handshaking, open, closed
    }

    /// Unique in this process.
    package let id: UInt64
    /// True when we made the connection.
    package let isClient: Bool
    package let peer: SocketAddress
    /// The near end; for an accepted tunnel the address that it was aimed at.
    package let local: SocketAddress
    package let phase: Phase
    /// Who is at the far end; `nil` until the handshake is done.
    package let peerIdentity: SPIFFEID?
    /// Whom a tunnel of ours may meet.
    package let expectedIdentities: [SPIFFEID]
    package let streamCount: Int
    /// Takes no new streams: the peer sent GOAWAY, or we drain.
    package let isLeaving: Bool
    /// Served by the worker's second thread, for bulk.
    package let isOnBulkThread: Bool
    /// Payload that applications have refused so far, in bytes.
    package let queuedBytes: Int
    /// When the tunnel was made or accepted, in microseconds since 1970.
    package let openedMicroseconds: Int64
    /// Such as TLS_AES_128_GCM_SHA256; `nil` until the handshake is done, as is the next.
    package let cipherSuite: String?
    package let recordLayer: RecordLayer?
    /// Of the certificate that we showed, decimal; `nil` before the handshake.
    package let certificateSerial: String?
    /// Seconds since 1970.
    package let certificateExpiry: Int64?
}

extension TunnelInfo {
    init(_ tunnel: Tunnel, _ clock: WallClock) {
        id = tunnel.number
        isClient = tunnel.isClient
        peer = tunnel.peer
        local = tunnel.local
        phase =
            switch tunnel.phase {
            case .awaitingCredential: .awaitingCredential
            case .connecting: .connecting
            case .handshaking: .handshaking
            case .open: .open
            case .closed: .closed
            }
        peerIdentity = tunnel.peerIdentity?.id
        expectedIdentities = tunnel.poolKey?.identities ?? []
        streamCount = tunnel.streamCount
        isLeaving = tunnel.isLeaving
        if case .bulk = tunnel.reactor.lane { isOnBulkThread = true } else { isOnBulkThread = false }
        queuedBytes = tunnel.queuedBytes
        openedMicroseconds = clock.microseconds(at: tunnel.madeAt)
        cipherSuite = tunnel.session?.cipherSuite
        recordLayer = tunnel.session?.recordLayer
        certificateSerial = tunnel.session?.credential.serialNumber
        certificateExpiry = tunnel.session?.credential.notAfter
    }
}
