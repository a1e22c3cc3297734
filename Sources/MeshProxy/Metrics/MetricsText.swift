import MeshCore
import Synchronization

/// Renders traffic series as OpenMetrics text.
///
/// Source: OpenMetrics 1.0; names, label order and help texts are those of ztunnel, so that dashboards keep working.
struct MetricsText {
    private static let families: [(name: String, help: String)] = [
        ("istio_tcp_connections_opened", "The total number of TCP connections opened."),
        ("istio_tcp_connections_closed", "The total number of TCP connections closed."),
        ("istio_tcp_received_bytes", "The size of total bytes received during request in case of a TCP connection."),
        ("istio_tcp_sent_bytes", "The size of total bytes sent during response in case of a TCP connection."),
        ("istio_tcp_connections_failed", "The total number of TCP connections that failed to complete (unstable)."),
    ]

    /// Samples by label text: several reactors, or records re-sent unchanged, give the same labels and are one series.
    private var samples: [[String: UInt64]] = Array(repeating: [:], count: families.count)

    mutating func add(_ series: TrafficSeries) {
        let labels = Self.labels(series)
        func with(_ flag: ResponseFlag) -> String { labels.head + flag.label + labels.tail }
        let open = with(.none)
        samples[0][open, default: 0] += series.opened.load(ordering: .relaxed)
        samples[2][open, default: 0] += series.received.load(ordering: .relaxed)
        samples[3][open, default: 0] += series.sent.load(ordering: .relaxed)
        for flag in ResponseFlag.allCases {
            let count = series.closed(flag)
            guard count > 0 else { continue }
            samples[1][with(flag), default: 0] += count
            if flag != .none { samples[4][with(flag), default: 0] += count }
        }
    }

    /// The families with samples, without the closing `# EOF`.
    func render() -> String {
        var text = ""
        for (family, values) in zip(Self.families, samples) where !values.isEmpty {
            text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) counter\n"
            for (labels, value) in values.sorted(by: { $0.key < $1.key }) {
                text += "\(family.name)_total{\(labels)} \(value)\n"
            }
        }
        return text
    }

    /// All labels but the value of `response_flags`, which stands between the two parts.
    private static func labels(_ series: TrafficSeries) -> (head: String, tail: String) {
        var head = "reporter=\"\(series.reporter == .source ? "source" : "destination")\""
        func add(_ name: String, _ value: String?) { head += ",\(name)=\"\(escape(value))\"" }
        func workload(_ side: String, _ record: Workload?, _ principal: SPIFFEID?) {
            let fields = record?.fields
            add("\(side)_workload", fields?.workloadName)
            add("\(side)_canonical_service", fields?.canonicalName)
            add("\(side)_canonical_revision", fields?.canonicalRevision)
            add("\(side)_workload_namespace", fields?.namespace)
            add("\(side)_principal", principal?.description)
            add("\(side)_app", fields?.canonicalName)
            add("\(side)_version", fields?.canonicalRevision)
            add("\(side)_cluster", fields?.clusterID)
        }
        workload("source", series.source, series.sourcePrincipal)
        add("destination_service", series.service?.hostname)
        add("destination_service_namespace", series.service?.namespace)
        add("destination_service_name", series.service?.fields.name)
        workload("destination", series.destination, series.destination?.identity)
        head += ",request_protocol=\"tcp\",response_flags=\""
        var tail = "\",connection_security_policy=\"\(series.mutualTLS ? "mutual_tls" : "unknown")\""
        if series.source != nil || series.destination != nil {
            let source = series.source?.fields.locality, destination = series.destination?.fields.locality
            tail += ",source_region=\"\(escape(source?.region))\",source_zone=\"\(escape(source?.zone))\""
            tail += ",destination_region=\"\(escape(destination?.region))\""
            tail += ",destination_zone=\"\(escape(destination?.zone))\""
        }
        return (head, tail)
    }

    static func escape(_ value: String?) -> String {
        guard let value, !value.isEmpty else { return "unknown" }
        guard value.utf8.contains(where: { $0 == 0x22 || $0 == 0x5c || $0 == 0x0a }) else { return value }
        return value.reduce(into: "") { text, character in
            switch character {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
