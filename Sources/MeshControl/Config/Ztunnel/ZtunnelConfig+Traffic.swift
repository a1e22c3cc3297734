import MeshCore
import MeshProxy
import MeshTLS

extension ZtunnelConfig {
    mutating func readPorts(_ reader: inout SettingReader, _ mesh: MeshConfigText) {
        func port(_ name: String, _ fallback: UInt16) -> UInt16 { reader.number(name, fallback, in: 0...65535) }
        ports.outbound = port("MESHCTL_OUTBOUND_PORT", ports.outbound)
        ports.inboundPlaintext = port("MESHCTL_INBOUND_PLAINTEXT_PORT", ports.inboundPlaintext)
        ports.inbound = port("MESHCTL_INBOUND_PORT", ports.inbound)
        ports.socks5 = port("MESHCTL_SOCKS5_PORT", ports.socks5)
        ports.admin = port("MESHCTL_ADMIN_PORT", mesh.proxyAdminPort ?? ports.admin)
        ports.metrics = port("MESHCTL_METRICS_PORT", mesh.statsPort ?? ports.metrics)
        ports.readiness = port("MESHCTL_READINESS_PORT", ports.readiness)
        if mesh.proxyAdminPort != nil { reader.note(unset: "MESHCTL_ADMIN_PORT", .meshConfig) }
        if mesh.statsPort != nil { reader.note(unset: "MESHCTL_METRICS_PORT", .meshConfig) }
    }

    /// Sizes that clusters differ in: peers choose the labels.
    private mutating func readMetrics(_ reader: inout SettingReader) {
        metricsIdle = reader.duration("MESHCTL_METRICS_IDLE_TIMEOUT", metricsIdle)
        if metricsIdle > .zero, metricsIdle < .seconds(60) {
            reader.problem(
                "MESHCTL_METRICS_IDLE_TIMEOUT",
                "is \(DurationText.write(metricsIdle)); expected 0, or more than the pause between two scrapes: 60s at least"
            )
        }
        metricsMaxSeries = reader.number("MESHCTL_METRICS_MAX_SERIES", metricsMaxSeries, in: 1...10_000_000)
        let names = reader.filled("MESHCTL_METRICS_DROPPED_LABELS")?.split { $0 == "," || $0 == " " } ?? []
        metricsDroppedLabels = Set(names.map { String($0) })
        for name in metricsDroppedLabels.sorted() where !ProxyConfig.trafficLabels.contains(name) {
            reader.problem(
                "MESHCTL_METRICS_DROPPED_LABELS",
                "names \"\(name)\"; the labels are \(ProxyConfig.trafficLabels.joined(separator: ", "))")
        }
    }

    mutating func readTraffic(_ reader: inout SettingReader) {
        proxyEnabled = reader.bool("ENABLE_PROXY", proxyEnabled)
        socks5Enabled = reader.bool("UNSTABLE_ENABLE_SOCKS5", socks5Enabled)
        ipv6 = reader.bool("IPV6_ENABLED", ipv6)
        reusePort = reader.bool("INPOD_PORT_REUSE", reusePort)
        localhostAppTunnel = reader.bool("LOCALHOST_APP_TUNNEL", localhostAppTunnel)
        responseBaggage = reader.bool("ENABLE_RESPONSE_BAGGAGE", responseBaggage)
        originalSource = reader.optionalBool("ENABLE_ORIG_SRC")
        if reader.filled("PACKET_MARK") != nil { packetMark = reader.number("PACKET_MARK", 0, in: 0...(.max)) }
        poolMaxStreams = reader.number("POOL_MAX_STREAMS_PER_CONNECTION", poolMaxStreams, in: 1...(.max))
        poolIdle = reader.duration("POOL_UNUSED_RELEASE_TIMEOUT", poolIdle)
        readMetrics(&reader)
        // Ranges of RFC 9113, section 6.5.2.
        streamWindow = reader.number("HTTP2_STREAM_WINDOW_SIZE", streamWindow, in: 65535...2_147_483_647)
        connectionWindow = reader.number("HTTP2_CONNECTION_WINDOW_SIZE", connectionWindow, in: 65535...2_147_483_647)
        frameSize = reader.number("HTTP2_FRAME_SIZE", frameSize, in: 16384...16_777_215)
        // With less, one slow application of many is felt by the others at once.
        bufferLimit = reader.number("MESHCTL_BUFFER_LIMIT", bufferLimit, in: 16 << 20...1 << 40)
        bulkThreads = reader.bool("MESHCTL_BULK_THREADS", bulkThreads)
        keepsQueuesShort = reader.bool("MESHCTL_SHORT_QUEUES", keepsQueuesShort)
        sendsEarly = reader.bool("MESHCTL_EARLY_DATA", sendsEarly)
        keepAlive.isEnabled = reader.bool("KEEPALIVE_ENABLED", keepAlive.isEnabled)
        keepAlive.time = reader.duration("KEEPALIVE_TIME", keepAlive.time)
        keepAlive.interval = reader.duration("KEEPALIVE_INTERVAL", keepAlive.interval)
        keepAlive.retries = reader.number("KEEPALIVE_RETRIES", keepAlive.retries, in: 1...127)
        keepAlive.hasUserTimeout = reader.bool("USER_TIMEOUT_ENABLED", keepAlive.hasUserTimeout)
        allowsTLS12 = reader.bool("TLS12_ENABLED", allowsTLS12)
        if let text = reader.filled("MESHCTL_TLS_RECORDS") {
            if let records = TLSOptions.Records(rawValue: text) {
                tlsRecords = records
            } else {
                reader.problem("MESHCTL_TLS_RECORDS", "is \"\(text)\"; expected auto, own or libssl")
            }
        }
        switch reader.filled("COMPLIANCE_POLICY") {
        case nil: break
        case "pqc": postQuantumOnly = true
        case let text?: reader.problem("COMPLIANCE_POLICY", "is \"\(text)\"; expected pqc")
        }
        preferredServiceNamespace = reader.filled("PREFERED_SERVICE_NAMESPACE")
        if let capture = metadata["DNS_CAPTURE"] { dnsEnabled = capture.lowercased() == "true" }
        if let text = metadata["DNS_PROXY_ADDR"] {
            if text.hasPrefix("localhost:"), let port = SocketAddress.port(text.dropFirst(10)) {
                dnsAddress = SocketAddress(.loopbackV4, port)
            } else if let address = SocketAddress(text) {
                dnsAddress = address
            } else {
                reader.problem("DNS_PROXY_ADDR", "is \"\(text)\"; expected <ip>:<port> or localhost:<port>")
            }
        }
    }
}
