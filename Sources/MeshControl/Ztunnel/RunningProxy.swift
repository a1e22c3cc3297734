import MeshCore
import MeshDNS
import MeshLinux
import MeshProxy
import MeshState
import MeshTLS
import Synchronization

/// A node proxy at work, as its admin port shows it.
final class RunningProxy: Sendable {
    let plane: DataPlane
    let dns: DNSServer?
    let readiness: Readiness
    let log: LogControl
    let credential = CredentialStanding()
    let drain: DrainSwitch
    /// Begun when everything has drained: the ports of HTTP are served until then.
    let end = DrainSwitch { _ in }
    private let config: SettingsDump
    private let recordLayer: RecordLayer
    private let router: Router
    private let sink: LogSink
    private let records: Mutex<ProxyRecords>
    private let start = ContinuousClock.now

    init(
        _ settings: ZtunnelSettings, plane: DataPlane, dns: DNSServer?, records: ProxyRecords, readiness: Readiness,
        log: LogControl, sink: LogSink, drain: DrainSwitch
    ) {
        self.plane = plane
        self.dns = dns
        self.readiness = readiness
        self.log = log
        self.sink = sink
        self.drain = drain
        self.records = Mutex(records)
        config = settings.config
        recordLayer = settings.tls.expectedRecordLayer
        router = config.router
    }

    /// What connections are judged by now.
    var current: ProxyState { records.withLock { $0.current } }

    /// Connections accepted from now on are judged by the records and the certificate as `change` leaves them.
    func update<Result: Sendable>(_ change: (inout ProxyRecords) -> Result) -> Result {
        // Under the lock, so that of two changes the later one is published last, and is what is shown.
        records.withLock { records in
            let result = change(&records)
            records.settle()
            plane.publish(records.current)
            dns?.publish(.init(records.current))
            return result
        }
    }

    /// The pages of the admin port.
    var subject: AdminSubject {
        AdminSubject(
            dump: { await self.dump() }, view: { await self.view() }, status: { await self.status() },
            connections: { await self.connections() }, tunnels: { await self.tunnels() }, log: log,
            drain: { self.drain.begin($0) })
    }

    /// Oldest first.
    private func connections() async -> [ConnectionDump] {
        let open = await plane.connections().sorted { $0.openedMicroseconds < $1.openedMicroseconds }
        let now = Kernel.realtimeMicroseconds()
        return open.map { ConnectionDump($0, now: now) }
    }

    private func tunnels() async -> [HBONETunnelDump] {
        await plane.tunnels().map { HBONETunnelDump($0) }.sorted { $0.id < $1.id }
    }

    /// What is in force, and where its policies were written.
    private var currentRecords: (state: ProxyState, origins: PolicyOrigins) {
        records.withLock { ($0.current, $0.origins) }
    }

    private func view() async -> MeshView {
        let (state, origins) = currentRecords
        return MeshView(
            snapshot: state.snapshot, origins: origins, router: router, own: state.own, isOwnKnown: state.isOwnKnown,
            clusterDomain: config.clusterDomain, tunnels: await tunnels(), tlsRecords: recordLayer.description)
    }

    private func dump() async -> ConfigDump {
        let (state, origins) = currentRecords
        var dump = ConfigDump(state.snapshot, origins: origins)
        dump.config = config
        dump.config.logFilter = log.filter.description
        dump.version.istioVersion = config.istioVersion
        if let identity = state.own.identity { dump.certificates = [credential.dump(identity: identity)] }
        dump.tunnels = await tunnels()
        dump.tlsRecords = recordLayer.description
        let fields = state.own.fields
        dump.workloadState[fields.uid] = WorkloadStateDump(
            state: "Up", connections: WorkloadStateDump.Connections(await connections()),
            info: .init(
                name: fields.name, namespace: fields.namespace, trustDomain: fields.trustDomain,
                serviceAccount: fields.serviceAccount))
        return dump
    }

    private func status() async -> ProxyStatus {
        let state = current
        var status = ProxyStatus()
        status.workload = "\(state.own.namespace)/\(state.own.name)/\(state.own.fields.serviceAccount)"
        status.identity = state.own.identity?.description
        status.pending = readiness.waitsFor
        status.ready = status.pending.isEmpty
        status.draining = drain.isDraining
        status.uptimeSeconds = Int((ContinuousClock.now - start).components.seconds)
        if let identity = state.own.identity {
            let certificate = credential.dump(identity: identity)
            status.certificate = certificate.state
            status.certificateExpires = certificate.certChain.first?.expirationTime
        }
        status.tlsRecords = recordLayer.description
        status.logLevel = log.filter.description
        status.listeners = plane.boundAddresses.mapValues(\.description)
        for connection in await plane.connections() {
            if connection.direction == .inbound {
                status.connections.inbound += 1
            } else {
                status.connections.outbound += 1
            }
        }
        status.connections.tunnels = await plane.tunnels().count
        status.records = .init(
            workloads: state.snapshot.workloadCount, services: state.snapshot.serviceCount,
            policies: state.snapshot.policyCount)
        status.resources = .init(
            reactors: config.numWorkerThreads, residentBytes: ProcessFacts.residentBytes,
            openDescriptors: ProcessFacts.openDescriptors, maxDescriptors: ProcessFacts.descriptorLimit,
            droppedLogLines: sink.droppedLines.load(ordering: .relaxed))
        return status
    }
}

extension WorkloadStateDump.Connections {
    /// In ztunnel's words: an inbound original destination is the host that the peer named, or null.
    init(_ connections: [ConnectionDump]) {
        for connection in connections {
            let isInbound = connection.direction == .inbound
            let entry = WorkloadStateDump.Connection(
                src: connection.source,
                originalDst: isInbound ? connection.forwardedHost : connection.originalDestination,
                actualDst: connection.destination, protocol: connection.protocol)
            if isInbound { inbound.append(entry) } else { outbound.append(entry) }
        }
    }
}
