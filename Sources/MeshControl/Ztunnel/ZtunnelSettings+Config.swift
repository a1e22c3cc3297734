import FoundationEssentials
import MeshCA
package import MeshCore
import MeshDNS
import MeshLinux
import MeshProxy
import MeshState
import MeshTLS

extension ZtunnelSettings {
    /// Builds the parts' settings from what flags, environment and files say. Reads the local configuration, manifests and
    /// any certificate files; opens no socket.
    ///
    /// - Throws: usage, when something needed is missing; corrupt or notFound, for a file that cannot be used.
    package init(_ config: ZtunnelConfig) throws(MeshFailure) {
        guard let name = config.workload else {
            throw Self.missing("PROXY_WORKLOAD_INFO", flag: "--workload NAMESPACE/NAME/SERVICE-ACCOUNT")
        }
        guard let local = config.localConfig else { throw Self.missing("LOCAL_XDS_PATH", flag: "--config FILE") }
        guard let credential = config.credential else {
            throw Self.missing("CA_ADDRESS", flag: "--ca-address URL, or --certificate, --key and --trust-bundle")
        }
        var defaults = LocalConfig.Defaults()
        defaults.trustDomain = config.trustDomain
        let source = RecordsSource(local, manifests: config.manifests, defaults: defaults, own: name)
        let records = try source.load()
        let store = records.store(localNode: config.nodeName)
        let own = try Self.findOwn(name, in: store.snapshot, source.name)
        var tls = TLSOptions()
        tls.allowsTLS12 = config.allowsTLS12
        tls.records = config.tlsRecords
        if config.postQuantumOnly { tls.groups = "X25519MLKEM768" }
        var proxy = ProxyConfig(config)
        let filter = try LogFilter(parsing: config.logFilter)
        proxy.accessLog.threshold = .init(filter.level(of: "access"))
        proxy.accessLog.policyThreshold = .init(filter.level(of: "state"))
        proxy.accessLog.policyDecisionsAtInfo = config.logsPolicyAtInfo
        proxy.accessLog.format = config.logsJSON ? .json : .plain
        let wildcard: IPAddress = config.ipv6 ? .anyV6 : .anyV4
        self.init(
            proxy: proxy, source: source, records: .init(config: records, store: store),
            dns: config.dnsEnabled ? DNSSettings(config) : nil, own: own,
            credential: try Self.credential(credential, config), tls: tls,
            metrics: SocketAddress(wildcard, config.ports.metrics),
            readiness: SocketAddress(wildcard, config.ports.readiness), admin: Self.admin(config),
            config: SettingsDump(config), filter: filter, format: config.logsJSON ? .json : .plain)
    }

    /// Loopback only: whoever reaches the admin port rules the proxy.
    private static func admin(_ config: ZtunnelConfig) -> [AdminServer.Listening] {
        let v4 = AdminServer.Listening(
            SocketAddress(.loopbackV4, config.ports.admin), isShared: config.reusePort)
        // A port that is chosen by the kernel is one port, not two.
        guard config.ipv6, config.ports.admin != 0 else { return [v4] }
        let v6 = AdminServer.Listening(
            SocketAddress(.loopbackV6, config.ports.admin), isOptional: true, isShared: config.reusePort)
        return [v4, v6]
    }

    private static func missing(_ variable: String, flag: String) -> MeshFailure {
        MeshFailure(.usage, doing: "read settings", reason: "\(variable) is not set; set it, or give \(flag)")
    }

    private static func findOwn(
        _ name: ZtunnelConfig.WorkloadName, in snapshot: MeshSnapshot, _ origin: String
    ) throws(MeshFailure) -> Workload {
        let text = "\(name.namespace)/\(name.name)/\(name.serviceAccount)"
        guard
            let own = snapshot.findLocalWorkload(
                name: name.name, namespace: name.namespace, serviceAccount: name.serviceAccount)
        else {
            throw MeshFailure(
                .notFound, doing: "find workload \(text) in \(origin)",
                reason: "there is none with that namespace, name and service account"
                    + " on this node; its names must match, and its node NODE_NAME where that is set")
        }
        guard own.identity != nil else {
            throw MeshFailure(
                .corrupt, doing: "find workload \(text) in \(origin)",
                reason: "its trust domain, namespace and service account make no valid SPIFFE ID")
        }
        return own
    }

    private static func credential(
        _ credential: ZtunnelConfig.Credential, _ config: ZtunnelConfig
    ) throws(MeshFailure) -> Credential {
        switch credential {
        case .files(let files):
            return .fixed(
                CredentialPEM(
                    certificateChain: try read(files.certificate), privateKey: try read(files.key),
                    trustBundle: try read(files.trustBundle)),
                origin: "certificate \(files.certificate), key \(files.key), trust bundle \(files.trustBundle)")
        case .authority(let authority):
            let trust: CAEndpoint.TrustSource =
                switch authority.root {
                case .file(let path): .file(path)
                case .system: .system
                case .pem(let text): .pem(text)
                }
            let endpoint = CAEndpoint(
                host: authority.host, port: authority.port, serverName: authority.alternativeHost, trust: trust)
            var headers = authority.headers.map { (name: $0.key, value: $0.value) }
            var tokenFile: String?
            switch authority.token {
            case .file(let path): tokenFile = path
            case .literal(let token):
                headers.append((name: "authorization", value: "Bearer \(token)"))
                headers.append((name: "clusterid", value: config.clusterID))
            case nil: break
            }
            return .authority(
                CertificateClient(
                    endpoint: endpoint, tokenFile: tokenFile, clusterID: config.clusterID, headers: headers),
                ttl: authority.secretTTL)
        }
    }

    private static func read(_ path: String) throws(MeshFailure) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw MeshFailure(.notFound, doing: "read \(path)", reason: "it does not exist or may not be read")
        }
    }
}

extension DNSSettings {
    init(_ config: ZtunnelConfig) {
        self.init()
        listen = [config.dnsAddress]
        if config.ipv6, config.dnsAddress.ip == .loopbackV4, config.dnsAddress.port != 0 {
            listen.append(SocketAddress(.loopbackV6, config.dnsAddress.port))
        }
        reusePort = config.reusePort
        mark = config.packetMark
        clusterDomain = config.clusterDomain
        preferredNamespace = config.preferredServiceNamespace
        ipv6 = config.ipv6
        drainDeadline = config.drainDeadline
    }
}

extension AccessLogOptions.Threshold {
    init(_ level: LogFilter.Level) {
        self =
            switch level {
            case .off: .off
            case .error: .error
            case .warn: .warn
            case .info: .info
            case .debug, .trace: .debug
            }
    }
}

extension ProxyConfig {
    init(_ config: ZtunnelConfig) {
        self.init()
        let wildcard: IPAddress = config.ipv6 ? .anyV6 : .anyV4
        network = config.network
        threads = config.workerThreads
        if config.proxyEnabled {
            outbound = SocketAddress(wildcard, config.ports.outbound)
            inbound = SocketAddress(wildcard, config.ports.inbound)
            inboundPlaintext = SocketAddress(wildcard, config.ports.inboundPlaintext)
        }
        illegalPorts = [config.ports.outbound, config.ports.inboundPlaintext, config.ports.inbound]
        if config.socks5Enabled {
            // It asks nobody who he is, so only this pod may reach it.
            socks5 = SocketAddress(.loopbackV4, config.ports.socks5)
            illegalPorts.append(config.ports.socks5)
        }
        reusePort = config.reusePort
        originalSource = config.originalSource.map { $0 ? .required : .never } ?? .bestEffort
        localhostAppTunnel = config.localhostAppTunnel
        responseBaggage = config.responseBaggage
        poolMaxStreams = Int(config.poolMaxStreams)
        poolIdleTimeout = Int(config.poolIdle.components.seconds)
        metricsIdleTimeout = Int(config.metricsIdle.components.seconds)
        metricsMaxSeries = config.metricsMaxSeries
        metricsDroppedLabels = config.metricsDroppedLabels
        streamWindow = Int(config.streamWindow)
        connectionWindow = Int(config.connectionWindow)
        bufferLimit = Int(config.bufferLimit)
        bulkThreads = config.bulkThreads
        keepsQueuesShort = config.keepsQueuesShort
        sendsEarly = config.sendsEarly
        frameSize = Int(config.frameSize)
        drainDeadline = Int(config.drainDeadline.components.seconds)
        socketOptions.mark = config.packetMark
        let keepAlive = config.keepAlive
        if keepAlive.isEnabled {
            var options = SocketOptions.Keepalive()
            options.time = Int32(clamping: keepAlive.time.components.seconds)
            options.interval = Int32(clamping: keepAlive.interval.components.seconds)
            options.retries = Int32(clamping: keepAlive.retries)
            socketOptions.keepalive = options
        } else {
            socketOptions.keepalive = nil
        }
        if keepAlive.hasUserTimeout {
            let seconds = keepAlive.time + keepAlive.interval * keepAlive.retries
            socketOptions.userTimeoutMilliseconds = Int32(clamping: seconds.components.seconds * 1000)
        }
    }
}
