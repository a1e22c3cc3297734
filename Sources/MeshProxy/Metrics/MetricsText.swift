/// Renders traffic series as OpenMetrics text.
///
/// Source: OpenMetrics 1.0; names, label order and help texts are those of ztunnel, so that dashboards keep working.
/// What Istio does not promise to keep says `(unstable)`.
struct MetricsText {
    private static let families: [(name: String, help: String)] = [
        ("istio_tcp_connections_opened", "The total number of TCP connections opened."),
        ("istio_tcp_connections_closed", "The total number of TCP connections closed."),
        ("istio_tcp_received_bytes", "The size of total bytes received during request in case of a TCP connection."),
        ("istio_tcp_sent_bytes", "The size of total bytes sent during response in case of a TCP connection."),
        ("istio_tcp_connections_failed", "The total number of TCP connections that failed to complete (unstable)."),
    ]
    private static let socketsFamily = ("istio_tcp_sockets_open", "The current number of open TCP sockets (unstable).")

    /// Samples by label text: several reactors give the same labels and are one series.
    private var samples: [[String: UInt64]] = Array(repeating: [:], count: families.count)
    private var sockets: [Reporter: Int] = [:]

    mutating func add(_ labels: TrafficLabels, _ totals: TrafficTotals) {
        let open = labels.text(.none)
        samples[0][open, default: 0] += totals.opened
        samples[2][open, default: 0] += totals.received
        samples[3][open, default: 0] += totals.sent
        for (flag, count) in zip(ResponseFlag.allCases, totals.closed) where count > 0 {
            let text = labels.text(flag)
            samples[1][text, default: 0] += count
            if flag != .none { samples[4][text, default: 0] += count }
        }
    }

    mutating func addSockets(_ reporter: Reporter, _ count: Int) { sockets[reporter, default: 0] += count }

    /// The families with samples, without the closing `# EOF`.
    func render() -> String {
        var text = ""
        for (family, values) in zip(Self.families, samples) where !values.isEmpty {
            text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) counter\n"
            for (labels, value) in values.sorted(by: { $0.key < $1.key }) {
                text += "\(family.name)_total{\(labels)} \(value)\n"
            }
        }
        let (name, help) = Self.socketsFamily
        guard !sockets.isEmpty else { return text }
        text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n"
        for reporter in Reporter.allCases {
            guard let count = sockets[reporter] else { continue }
            text += "\(name){reporter=\"\(reporter.label)\"} \(count)\n"
        }
        return text
    }
}
