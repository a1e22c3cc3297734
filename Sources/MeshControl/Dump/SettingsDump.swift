import MeshCore
import MeshProxy
import MeshState
import MeshTLS

/// The settings in force, in the JSON of `/config_dump`: ztunnel's keys where it has one. Tokens, header values and the
/// texts of inline configuration are left out.
package struct SettingsDump: Codable, Sendable, Equatable {
    package struct WorkloadName: Codable, Sendable, Equatable {
        package var namespace: String
        package var name: String
        package var serviceAccount: String
    }

    package struct SocketConfig: Codable, Sendable, Equatable {
        package var keepaliveEnabled = true
        package var keepaliveTime = "180s"
        package var keepaliveInterval = "180s"
        package var keepaliveRetries = 9
        package var userTimeoutEnabled = false
    }

    package var proxy = true
    package var dnsProxy = true
    package var proxyMode = "dedicated"
    package var proxyWorkloadInformation: WorkloadName?
    package var network = ""
    package var localNode: String?
    package var clusterId = "Kubernetes"
    package var clusterDomain = "cluster.local"
    package var trustDomain = "cluster.local"
    package var outboundAddr = ""
    package var inboundPlaintextAddr = ""
    package var inboundAddr = ""
    package var socks5Addr: String?
    package var adminAddr = ""
    package var statsAddr = ""
    package var readinessAddr = ""
    package var dnsProxyAddr = ""
    package var illegalPorts: [UInt16] = [15001, 15006, 15008]
    /// Where other proxies take tunnels.
    package var hbonePort: UInt16 = 15008
    package var packetMark: UInt32?
    package var requireOriginalSource: Bool?
    package var localhostAppTunnel = true
    package var enableResponseBaggage = true
    package var inpodPortReuse = true
    package var windowSize: UInt32 = 0
    package var connectionWindowSize: UInt32 = 0
    package var frameSize: UInt32 = 0
    package var poolMaxStreamsPerConn: UInt16 = 0
    package var poolUnusedReleaseTimeout = ""
    package var metricsIdleTimeout: String?
    package var bufferLimit: UInt64?
    package var bulkThreads: Bool?
    package var shortQueues: Bool?
    package var earlyData: Bool?
    package var metricsMaxSeries: Int?
    package var metricsDroppedLabels: [String]?
    package var selfTerminationDeadline = ""
    package var numWorkerThreads = 0
    package var socketConfig = SocketConfig()
    package var caAddress: String?
    /// A file, `SYSTEM` or `inline`.
    package var caRootCert: String?
    package var altCaHostname: String?
    package var secretTtl: String?
    package var certificateFiles: [String]?
    /// A file or `inline`.
    package var localConfig: String?
    package var manifests: String?
    package var rootNamespace: String?
    package var tls12Enabled = false
    /// Whose record layer carries TLS 1.3: auto, own or libssl.
    package var tlsRecords: String?
    package var compliancePolicy: String?
    package var authzPolicyInfoLogging = false
    package var logFilter = ""
    package var logFormat = ""
    package var proxyMetadata: [String: String] = [:]
    /// By variable name: flag, environment or meshConfig. What is not here has its default.
    package var origins: [String: String] = [:]

    package init() {}

    package init(_ config: ZtunnelConfig) {
        let wildcard: IPAddress = config.ipv6 ? .anyV6 : .anyV4
        func listen(_ port: UInt16) -> String { SocketAddress(wildcard, port).description }
        proxy = config.proxyEnabled
        dnsProxy = config.dnsEnabled
        proxyWorkloadInformation = config.workload.map {
            WorkloadName(namespace: $0.namespace, name: $0.name, serviceAccount: $0.serviceAccount)
        }
        network = config.network
        localNode = config.nodeName
        clusterId = config.clusterID
        clusterDomain = config.clusterDomain
        trustDomain = config.trustDomain
        outboundAddr = listen(config.ports.outbound)
        inboundPlaintextAddr = listen(config.ports.inboundPlaintext)
        inboundAddr = listen(config.ports.inbound)
        socks5Addr = config.socks5Enabled ? SocketAddress(.loopbackV4, config.ports.socks5).description : nil
        adminAddr = "localhost:\(config.ports.admin)"
        statsAddr = listen(config.ports.metrics)
        readinessAddr = listen(config.ports.readiness)
        dnsProxyAddr = config.dnsAddress.description
        let traffic = ProxyConfig(config)
        illegalPorts = traffic.illegalPorts
        hbonePort = traffic.hbonePort
        packetMark = config.packetMark
        requireOriginalSource = config.originalSource
        localhostAppTunnel = config.localhostAppTunnel
        enableResponseBaggage = config.responseBaggage
        inpodPortReuse = config.reusePort
        windowSize = config.streamWindow
        connectionWindowSize = config.connectionWindow
        frameSize = config.frameSize
        poolMaxStreamsPerConn = config.poolMaxStreams
        poolUnusedReleaseTimeout = DurationText.write(config.poolIdle)
        metricsIdleTimeout = DurationText.write(config.metricsIdle)
        bufferLimit = config.bufferLimit
        bulkThreads = config.bulkThreads
        shortQueues = config.keepsQueuesShort
        earlyData = config.sendsEarly
        metricsMaxSeries = config.metricsMaxSeries
        metricsDroppedLabels = config.metricsDroppedLabels.sorted()
        selfTerminationDeadline = DurationText.write(config.drainDeadline)
        numWorkerThreads = config.workerThreads
        socketConfig = SocketConfig(
            keepaliveEnabled: config.keepAlive.isEnabled, keepaliveTime: DurationText.write(config.keepAlive.time),
            keepaliveInterval: DurationText.write(config.keepAlive.interval),
            keepaliveRetries: config.keepAlive.retries,
            userTimeoutEnabled: config.keepAlive.hasUserTimeout)
        readCredential(config.credential)
        localConfig = config.localConfig.map { source in
            switch source {
            case .file(let path): path
            case .inline: "inline"
            }
        }
        manifests = config.manifests?.path
        rootNamespace = config.manifests?.rootNamespace
        tls12Enabled = config.allowsTLS12
        tlsRecords = config.tlsRecords.rawValue
        compliancePolicy = config.postQuantumOnly ? "pqc" : nil
        authzPolicyInfoLogging = config.logsPolicyAtInfo
        logFilter = config.logFilter
        logFormat = config.logsJSON ? "json" : "plain"
        proxyMetadata = config.metadata.filter { !Self.isSecret($0.key) }
        origins = config.origins.filter { $0.value != .standard }.mapValues(\.rawValue)
    }

    private mutating func readCredential(_ credential: ZtunnelConfig.Credential?) {
        switch credential {
        case .files(let files): certificateFiles = [files.certificate, files.key, files.trustBundle]
        case .authority(let authority):
            caAddress =
                "https://\(authority.host.contains(":") ? "[\(authority.host)]" : authority.host):\(authority.port)"
            caRootCert =
                switch authority.root {
                case .file(let path): path
                case .system: "SYSTEM"
                case .pem: "inline"
                }
            altCaHostname = authority.alternativeHost
            secretTtl = DurationText.write(authority.secretTTL)
        case nil: break
        }
    }

    /// Metadata may carry anything; a name that says what it holds keeps its value out of dumps.
    private static func isSecret(_ name: String) -> Bool {
        let name = name.uppercased()
        return ["TOKEN", "SECRET", "PASSWORD", "CREDENTIAL", "PRIVATE"].contains { name.contains($0) }
    }

    var istioVersion: String { proxyMetadata["ISTIO_VERSION"] ?? "unknown" }

    /// Route decisions as these settings make them.
    var router: Router {
        var router = Router()
        router.network = network
        router.hbonePort = hbonePort
        router.illegalPorts = illegalPorts
        router.localhostAppTunnel = localhostAppTunnel
        return router
    }
}
