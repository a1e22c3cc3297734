import MeshCore
import MeshLinux
import MeshProxy
import MeshTLS

/// A connection of the data path, as `/connections` lists it. The keys are a promise.
package struct ConnectionDump: Codable, Sendable, Equatable {
    package enum Direction: String, Codable, Sendable, CaseIterable { case inbound, outbound }

    package var direction: Direction
    /// `TCP`, `HBONE` or `DOUBLEHBONE`.
    package var `protocol`: String
    /// Where it comes from, `ip:port`.
    package var source: String
    /// `namespace/name`.
    package var sourceWorkload: String?
    package var sourceIdentity: String?
    /// Where the client wanted to go; for an inbound tunnel where the tunnel was connected to.
    package var originalDestination: String
    /// Where it is carried to; inbound what policies judged.
    package var destination: String
    /// Of the CONNECT.
    package var authority: String?
    /// Inbound: the host that the peer says it called.
    package var forwardedHost: String?
    /// `namespace/name`.
    package var destinationWorkload: String?
    package var destinationIdentity: String?
    /// `namespace/hostname`.
    package var service: String?
    /// Payload from the client to the server, and back.
    package var bytesToServer: Int
    package var bytesToClient: Int
    /// RFC 3339.
    package var opened: String
    package var ageSeconds: Double
    /// `id` of the tunnel that carries it.
    package var tunnel: UInt64?
}

/// An HBONE connection with another proxy, as `/tunnels` lists it. The keys are a promise.
package struct HBONETunnelDump: Codable, Sendable, Equatable {
    package var id: UInt64
    package var direction: ConnectionDump.Direction
    package var peer: String
    package var local: String
    package var phase: String
    package var peerIdentity: String?
    package var expectedIdentities: [String]
    package var streams: Int
    /// Takes no new streams.
    package var leaving: Bool
    /// Served by the thread for bulk; left out when it is not.
    package var bulkThread: Bool?
    package var queuedBytes: Int
    package var opened: String
    /// Such as TLS_AES_128_GCM_SHA256; left out before the handshake.
    package var cipherSuite: String?
    /// Whose code protects the data: `libssl`, or `own` with the library that encrypts.
    package var tlsRecords: String?
    /// Of the certificate that we showed, decimal.
    package var certificateSerial: String?
    package var certificateExpires: String?
}

extension ConnectionDump {
    /// - Parameter now: microseconds since 1970.
    init(_ info: ConnectionInfo, now: Int64) {
        direction = info.direction == .inbound ? .inbound : .outbound
        self.protocol = info.transport.rawValue
        source = info.source.description
        sourceWorkload = info.sourceWorkload?.shortName
        sourceIdentity = info.sourceIdentity?.description
        originalDestination = info.originalDestination.description
        destination = info.actualDestination.description
        authority = info.authority.unlessEmpty
        forwardedHost = info.forwardedHost
        destinationWorkload = info.destinationWorkload?.shortName
        destinationIdentity = info.destinationIdentity?.description
        service = info.service.map { "\($0.key)" }
        bytesToServer = info.clientToServer
        bytesToClient = info.serverToClient
        opened = Timestamp.text(microseconds: info.openedMicroseconds)
        ageSeconds = Double(max(0, now - info.openedMicroseconds) / 1000) / 1000
        tunnel = info.tunnel
    }
}

extension HBONETunnelDump {
    init(_ info: TunnelInfo) {
        id = info.id
        direction = info.isClient ? .outbound : .inbound
        peer = info.peer.description
        local = info.local.description
        phase = info.phase.rawValue
        peerIdentity = info.peerIdentity?.description
        expectedIdentities = info.expectedIdentities.map(\.description)
        streams = info.streamCount
        leaving = info.isLeaving
        bulkThread = info.isOnBulkThread ? true : nil
        queuedBytes = info.queuedBytes
        opened = Timestamp.text(microseconds: info.openedMicroseconds)
        cipherSuite = info.cipherSuite
        tlsRecords = info.recordLayer?.description
        certificateSerial = info.certificateSerial
        certificateExpires = info.certificateExpiry.map { Timestamp.text(seconds: $0) }
    }
}

extension Workload {
    /// How lists name it: `namespace/name`, or what telemetry calls it where no record has a name.
    fileprivate var shortName: String {
        let name = name.isEmpty ? fields.workloadName.isEmpty ? fields.canonicalName : fields.workloadName : name
        return "\(namespace)/\(name.isEmpty ? uid : name)"
    }
}

/// `workloadState` of a config dump: one pod that this process serves.
package struct WorkloadStateDump: Codable, Sendable, Equatable {
    package struct Connection: Codable, Sendable, Equatable {
        package var src: String
        package var originalDst: String?
        package var actualDst: String
        package var `protocol`: String

        // A missing original destination is null, not left out.
        package func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(src, forKey: .src)
            try values.encode(originalDst, forKey: .originalDst)
            try values.encode(actualDst, forKey: .actualDst)
            try values.encode(self.protocol, forKey: .protocol)
        }
    }

    package struct Connections: Codable, Sendable, Equatable {
        package var inbound: [Connection] = []
        package var outbound: [Connection] = []
    }

    package struct Info: Codable, Sendable, Equatable {
        package var name: String
        package var namespace: String
        package var trustDomain: String
        package var serviceAccount: String
    }

    package var state: String
    package var connections: Connections
    package var info: Info
}
