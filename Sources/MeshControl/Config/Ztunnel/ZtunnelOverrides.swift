/// What the command line says; each flag wins over the variable beside it.
package struct ZtunnelOverrides: Sendable {
    /// LOCAL_XDS_PATH
    package var config: String?
    /// MESHCTL_MANIFESTS, MESHCTL_ROOT_NAMESPACE
    package var manifests: String?
    package var rootNamespace: String?
    /// PROXY_WORKLOAD_INFO
    package var workload: String?
    /// NETWORK
    package var network: String?
    /// NODE_NAME
    package var node: String?
    /// CLUSTER_ID
    package var clusterID: String?
    /// TRUST_DOMAIN
    package var trustDomain: String?
    /// CA_ADDRESS
    package var caAddress: String?
    /// CA_ROOT_CA
    package var caRoot: String?
    /// AUTH_TOKEN; a path, since secrets do not belong on a command line
    package var tokenFile: String?
    /// MESHCTL_CERTIFICATE_FILE, MESHCTL_KEY_FILE, MESHCTL_TRUST_BUNDLE_FILE
    package var certificate: String?
    package var key: String?
    package var trustBundle: String?
    /// MESHCTL_OUTBOUND_PORT, MESHCTL_INBOUND_PLAINTEXT_PORT, MESHCTL_INBOUND_PORT
    package var outboundPort: UInt16?
    package var inboundPlaintextPort: UInt16?
    package var inboundPort: UInt16?
    /// MESHCTL_ADMIN_PORT, MESHCTL_METRICS_PORT, MESHCTL_READINESS_PORT
    package var adminPort: UInt16?
    package var metricsPort: UInt16?
    package var readinessPort: UInt16?
    /// PACKET_MARK
    package var packetMark: String?
    /// ZTUNNEL_WORKER_THREADS
    package var workerThreads: String?
    /// CONNECTION_TERMINATION_DEADLINE
    package var drainDeadline: String?
    /// MESHCTL_TLS_RECORDS
    package var tlsRecords: String?
    /// RUST_LOG
    package var log: String?
    /// LOG_FORMAT
    package var logFormat: String?

    package init() {}

    /// By variable name: the flag and its value.
    var byVariable: [String: (flag: String, value: String)] {
        let all: [(String, String, String?)] = [
            ("LOCAL_XDS_PATH", "--config", config), ("MESHCTL_MANIFESTS", "--manifests", manifests),
            ("MESHCTL_ROOT_NAMESPACE", "--root-namespace", rootNamespace),
            ("PROXY_WORKLOAD_INFO", "--workload", workload),
            ("NETWORK", "--network", network), ("NODE_NAME", "--node", node), ("CLUSTER_ID", "--cluster-id", clusterID),
            ("TRUST_DOMAIN", "--trust-domain", trustDomain), ("CA_ADDRESS", "--ca-address", caAddress),
            ("CA_ROOT_CA", "--ca-root", caRoot), ("AUTH_TOKEN", "--token", tokenFile),
            ("MESHCTL_CERTIFICATE_FILE", "--certificate", certificate), ("MESHCTL_KEY_FILE", "--key", key),
            ("MESHCTL_TRUST_BUNDLE_FILE", "--trust-bundle", trustBundle),
            ("MESHCTL_OUTBOUND_PORT", "--outbound-port", outboundPort.map { "\($0)" }),
            ("MESHCTL_INBOUND_PLAINTEXT_PORT", "--inbound-plaintext-port", inboundPlaintextPort.map { "\($0)" }),
            ("MESHCTL_INBOUND_PORT", "--inbound-port", inboundPort.map { "\($0)" }),
            ("MESHCTL_ADMIN_PORT", "--admin-port", adminPort.map { "\($0)" }),
            ("MESHCTL_METRICS_PORT", "--metrics-port", metricsPort.map { "\($0)" }),
            ("MESHCTL_READINESS_PORT", "--readiness-port", readinessPort.map { "\($0)" }),
            ("PACKET_MARK", "--packet-mark", packetMark), ("ZTUNNEL_WORKER_THREADS", "--threads", workerThreads),
            ("CONNECTION_TERMINATION_DEADLINE", "--drain-deadline", drainDeadline), ("RUST_LOG", "--log-level", log),
            ("LOG_FORMAT", "--log-format", logFormat), ("MESHCTL_TLS_RECORDS", "--tls-records", tlsRecords),
        ]
        var result: [String: (flag: String, value: String)] = [:]
        for case (let name, let flag, let value?) in all { result[name] = (flag, value) }
        return result
    }
}
