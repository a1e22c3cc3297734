extension SettingsDump {
    /// A setting for people: its name, its value, the variable that sets it and where the value came from.
    package struct Row: Sendable, Equatable {
        package let name: String
        package let value: String
        package let variable: String
        package let origin: String
    }

    package var rows: [Row] {
        func row(_ name: String, _ value: String?, _ variable: String) -> Row {
            Row(
                name: name, value: value ?? "none", variable: variable,
                origin: origins[variable] ?? SettingOrigin.standard.rawValue)
        }
        func row(_ name: String, _ value: Bool, _ variable: String) -> Row { row(name, "\(value)", variable) }
        let workload = proxyWorkloadInformation.map { "\($0.namespace)/\($0.name)/\($0.serviceAccount)" }
        return [
            row("workload", workload, "PROXY_WORKLOAD_INFO"), row("records", localConfig, "LOCAL_XDS_PATH"),
            row("manifests", manifests, "MESHCTL_MANIFESTS"),
            row("root namespace", rootNamespace, "MESHCTL_ROOT_NAMESPACE"),
            row("network", "\"\(network)\"", "NETWORK"), row("node", localNode, "NODE_NAME"),
            row("cluster", clusterId, "CLUSTER_ID"), row("cluster domain", clusterDomain, "CLUSTER_DOMAIN"),
            row("trust domain", trustDomain, "TRUST_DOMAIN"), row("authority", caAddress, "CA_ADDRESS"),
            row("authority's roots", caRootCert, "CA_ROOT_CA"),
            row("authority's other name", altCaHostname, "ALT_CA_HOSTNAME"),
            row("certificate lifetime", secretTtl, "SECRET_TTL"),
            row("certificate files", certificateFiles?.joined(separator: ", "), "MESHCTL_CERTIFICATE_FILE"),
            row("proxy", proxy, "ENABLE_PROXY"), row("outbound", outboundAddr, "MESHCTL_OUTBOUND_PORT"),
            row("inbound", inboundAddr, "MESHCTL_INBOUND_PORT"),
            row("inbound plaintext", inboundPlaintextAddr, "MESHCTL_INBOUND_PLAINTEXT_PORT"),
            row("SOCKS5", socks5Addr, "UNSTABLE_ENABLE_SOCKS5"), row("admin", adminAddr, "MESHCTL_ADMIN_PORT"),
            row("metrics", statsAddr, "MESHCTL_METRICS_PORT"),
            row("readiness", readinessAddr, "MESHCTL_READINESS_PORT"),
            row("packet mark", packetMark.map { "\($0)" }, "PACKET_MARK"),
            row("original source", requireOriginalSource.map { "\($0)" } ?? "best effort", "ENABLE_ORIG_SRC"),
            row("port reuse", inpodPortReuse, "INPOD_PORT_REUSE"),
            row("application tunnel on loopback", localhostAppTunnel, "LOCALHOST_APP_TUNNEL"),
            row("response baggage", enableResponseBaggage, "ENABLE_RESPONSE_BAGGAGE"),
            row("streams per tunnel", "\(poolMaxStreamsPerConn)", "POOL_MAX_STREAMS_PER_CONNECTION"),
            row("idle tunnels", poolUnusedReleaseTimeout, "POOL_UNUSED_RELEASE_TIMEOUT"),
            row("stream window", "\(windowSize)", "HTTP2_STREAM_WINDOW_SIZE"),
            row("connection window", "\(connectionWindowSize)", "HTTP2_CONNECTION_WINDOW_SIZE"),
            row("frame size", "\(frameSize)", "HTTP2_FRAME_SIZE"),
            row("buffer limit", bufferLimit.map { "\($0)" }, "MESHCTL_BUFFER_LIMIT"),
            row("TCP keepalive", socketConfig.keepaliveEnabled, "KEEPALIVE_ENABLED"),
            row("keepalive time", socketConfig.keepaliveTime, "KEEPALIVE_TIME"),
            row("keepalive interval", socketConfig.keepaliveInterval, "KEEPALIVE_INTERVAL"),
            row("keepalive retries", "\(socketConfig.keepaliveRetries)", "KEEPALIVE_RETRIES"),
            row("TCP user timeout", socketConfig.userTimeoutEnabled, "USER_TIMEOUT_ENABLED"),
            row("idle metrics", metricsIdleTimeout, "MESHCTL_METRICS_IDLE_TIMEOUT"),
            row("most metrics", metricsMaxSeries.map { "\($0)" }, "MESHCTL_METRICS_MAX_SERIES"),
            row(
                "dropped labels", metricsDroppedLabels.flatMap { $0.isEmpty ? nil : $0.joined(separator: ",") },
                "MESHCTL_METRICS_DROPPED_LABELS"),
            row("TLS 1.2", tls12Enabled, "TLS12_ENABLED"),
            row("TLS records", tlsRecords, "MESHCTL_TLS_RECORDS"),
            row("compliance policy", compliancePolicy, "COMPLIANCE_POLICY"),
            row("drain deadline", selfTerminationDeadline, "CONNECTION_TERMINATION_DEADLINE"),
            row("worker threads", "\(numWorkerThreads)", "ZTUNNEL_WORKER_THREADS"),
            row("bulk threads", bulkThreads.map { "\($0)" }, "MESHCTL_BULK_THREADS"),
            row("short queues", shortQueues.map { "\($0)" }, "MESHCTL_SHORT_QUEUES"),
            row("early data", earlyData.map { "\($0)" }, "MESHCTL_EARLY_DATA"),
            row("log levels", logFilter, "RUST_LOG"), row("log format", logFormat, "LOG_FORMAT"),
        ]
    }
}
