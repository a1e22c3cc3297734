package import MeshCore
package import MeshTLS

/// Settings of a node proxy in dedicated mode.
///
/// Source: spec of the node proxy, section 2. Read by `ZtunnelConfig.load`; each property has its default. Plain
/// values: nothing here is opened or connected.
package struct ZtunnelConfig: Sendable, Equatable {
    /// Whose proxy this is: `namespace/name/service-account`.
    package struct WorkloadName: Sendable, Hashable {
        package var namespace: String
        package var name: String
        package var serviceAccount: String

        package init(namespace: String, name: String, serviceAccount: String) {
            self.namespace = namespace
            self.name = name
            self.serviceAccount = serviceAccount
        }
    }

    /// A text given as such, or by the path of a file.
    package enum TextSource: Sendable, Hashable { case file(String), inline(String) }
    package enum RootSource: Sendable, Hashable { case file(String), system, pem(String) }
    /// A file that is read again for each call, or the token itself.
    package enum TokenSource: Sendable, Hashable { case file(String), literal(String) }

    /// A certificate that never changes while we run, instead of an authority.
    package struct CredentialFiles: Sendable, Hashable {
        package var certificate: String
        package var key: String
        package var trustBundle: String

        package init(certificate: String, key: String, trustBundle: String) {
            self.certificate = certificate
            self.key = key
            self.trustBundle = trustBundle
        }
    }

    /// The certificate authority, reached by gRPC over TLS.
    package struct Authority: Sendable, Hashable {
        package var host: String
        package var port: UInt16
        package var root: RootSource
        /// A second name that its certificate may have. Default none.
        package var alternativeHost: String?
        /// Sent with each request; names in lower case. Default none.
        package var headers: [String: String] = [:]
        /// Default: the mounted token, if there is one.
        package var token: TokenSource?
        /// Validity to ask for. Default 24 h.
        package var secretTTL: Duration = .seconds(86400)
    }

    /// Where the certificate comes from.
    package enum Credential: Sendable, Hashable { case files(CredentialFiles), authority(Authority) }

    package struct Ports: Sendable, Hashable {
        package var outbound: UInt16 = 15001
        package var inboundPlaintext: UInt16 = 15006
        package var inbound: UInt16 = 15008
        package var socks5: UInt16 = 15080
        package var admin: UInt16 = 15000
        package var metrics: UInt16 = 15020
        package var readiness: UInt16 = 15021
        package init() {}
    }

    package struct KeepAlive: Sendable, Hashable {
        package var isEnabled = true
        package var time: Duration = .seconds(180)
        package var interval: Duration = .seconds(180)
        package var retries = 9
        /// TCP_USER_TIMEOUT of time + retries × interval. Default off.
        package var hasUserTimeout = false
        package init() {}
    }

    package var workload: WorkloadName?
    /// Network of this node. Default "".
    package var network = ""
    /// Default none: every workload counts as local.
    package var nodeName: String?
    /// Default "Kubernetes".
    package var clusterID = "Kubernetes"
    /// Default "cluster.local", both.
    package var clusterDomain = "cluster.local"
    package var trustDomain = "cluster.local"
    package var localConfig: TextSource?
    /// Manifests whose policies hold beside those of the local configuration. Default none.
    package var manifests: ManifestSource?
    package var credential: Credential?
    package var ports = Ports()
    /// Listen on `[::]`, not `0.0.0.0`. Default true.
    package var ipv6 = true
    /// SO_MARK of our sockets. Default none.
    package var packetMark: UInt32?
    /// Upstream sockets of inbound traffic appear as the client: true must, false never. Default best effort.
    package var originalSource: Bool?
    /// Default true, all three.
    package var reusePort = true
    package var localhostAppTunnel = true
    package var responseBaggage = true
    /// Serve SOCKS5 on loopback. Default false.
    package var socks5Enabled = false
    /// Default true.
    package var proxyEnabled = true
    package var dnsEnabled = true
    /// Default 127.0.0.1:15053.
    package var dnsAddress = SocketAddress(.loopbackV4, 15053)
    /// Whose service a name means that several namespaces have, when nothing else decides it. Default none.
    package var preferredServiceNamespace: String?
    /// Default 100 and 5 min.
    package var poolMaxStreams: UInt16 = 100
    package var poolIdle: Duration = .seconds(300)
    /// How long a traffic series without connections is kept; 0 for ever. Default 30 min.
    package var metricsIdle: Duration = .seconds(1800)
    /// Traffic series of one worker thread. Default 10,000.
    package var metricsMaxSeries = 10_000
    /// Labels that traffic metrics go without. Default none.
    package var metricsDroppedLabels: Set<String> = []
    /// Bytes. Default 4 MiB, 16 MiB, 1 MiB.
    package var streamWindow: UInt32 = 4 << 20
    package var connectionWindow: UInt32 = 16 << 20
    /// Bytes that may wait for those who do not read, in all worker threads together.
    package var bufferLimit: UInt64 = 256 << 20
    package var frameSize: UInt32 = 1 << 20
    package var keepAlive = KeepAlive()
    /// Longest wait for open connections once draining begins. Default 5 s.
    package var drainDeadline: Duration = .seconds(5)
    package var workerThreads = 2
    /// Whether each worker thread has a second one for bulk. Default true.
    package var bulkThreads = true
    /// Whether little of bulk may wait in the sockets of near peers. Default true.
    package var keepsQueuesShort = true
    /// Whether what an application says first goes with the request for its connection. Default true.
    package var sendsEarly = true
    /// Key exchange by X25519MLKEM768 only. Default false.
    package var postQuantumOnly = false
    /// Whose record layer carries TLS 1.3. Default auto.
    package var tlsRecords = TLSOptions.Records.auto
    /// Default false, both.
    package var allowsTLS12 = false
    package var logsPolicyAtInfo = false
    /// `level` or `target=level`, comma separated. Default "info".
    package var logFilter = "info"
    /// Default false.
    package var logsJSON = false
    /// `ISTIO_META_` and `proxyMetadata`, without the prefix.
    package var metadata: [String: String] = [:]
    /// By variable name: where each setting came from.
    package internal(set) var origins: [String: SettingOrigin] = [:]

    package init() {}

    /// Version of Istio that we say we are.
    package var istioVersion: String { metadata["ISTIO_VERSION"] ?? "unknown" }

    /// What is wrong with the settings taken together, a line each.
    package func problems() -> [String] {
        var problems: [String] = []
        if !proxyEnabled, !dnsEnabled {
            problems.append("ENABLE_PROXY is false and DNS_CAPTURE is off; nothing would run")
        }
        if workload == nil {
            problems.append("PROXY_WORKLOAD_INFO is not set; expected <namespace>/<name>/<service account>")
        }
        if localConfig == nil {
            problems.append("LOCAL_XDS_PATH is not set; expected a file of workloads, as XDS is not supported yet")
        }
        if (try? TrustDomain(parsing: trustDomain)) == nil {
            problems.append("TRUST_DOMAIN is \"\(trustDomain)\"; expected 1 to 255 of a-z, 0-9, '.', '_' and '-'")
        }
        let socks5 = socks5Enabled ? [("SOCKS5", ports.socks5)] : []
        let used =
            socks5 + [
                ("outbound", ports.outbound), ("inbound plaintext", ports.inboundPlaintext), ("inbound", ports.inbound),
                ("admin", ports.admin), ("metrics", ports.metrics), ("readiness", ports.readiness),
            ]
        for (index, (role, port)) in used.enumerated() where port != 0 {
            if let (other, _) = used[..<index].first(where: { $0.1 == port }) {
                problems.append("port \(port) is given for \(other) and for \(role); each needs its own")
            }
        }
        return problems
    }
}
