import MeshCore
import Synchronization

enum DNSTransport: String, Sendable { case udp, tcp }

/// Counts of the DNS proxy, by what was asked, how, and for whom.
///
/// Source: OpenMetrics 1.0; names and labels are those of ztunnel, so that dashboards keep working.
final class DNSMetrics: Sendable {
    struct Labels: Hashable, Sendable {
        var type: String
        var transport: DNSTransport
        var service: String
        var revision: String

        init(type: String, transport: DNSTransport, client: Workload?) {
            self.type = type
            self.transport = transport
            service = client?.fields.canonicalName ?? ""
            revision = client?.fields.canonicalRevision ?? ""
        }

        var text: String {
            "request_query_type=\"\(type)\",request_protocol=\"\(transport.rawValue)\""
                + ",source_canonical_service=\"\(MetricLabel.text(service))\""
                + ",source_canonical_revision=\"\(MetricLabel.text(revision))\""
        }
    }

    /// Upper bounds in seconds, as they are written.
    private static let bounds = [
        (0.0005, "0.0005"), (0.001, "0.001"), (0.01, "0.01"), (0.1, "0.1"), (1, "1.0"), (5, "5.0"),
    ]

    private struct Series {
        var requests: UInt64 = 0
        var forwarded: UInt64 = 0
        var failed: UInt64 = 0
        /// Not cumulative; the last is for what is above all bounds.
        var buckets = [UInt64](repeating: 0, count: bounds.count + 1)
        var seconds = 0.0
        var measured: UInt64 { buckets.reduce(0, +) }
    }

    private let series = Mutex<[Labels: Series]>([:])

    func countRequest(_ labels: Labels) { series.withLock { $0[labels, default: Series()].requests += 1 } }

    /// - Parameter seconds: how long it took; `nil` when nothing was sent.
    func countForward(_ labels: Labels, failed: Bool, seconds: Double?) {
        series.withLock {
            var series = $0[labels] ?? Series()
            series.forwarded += 1
            if failed { series.failed += 1 }
            if let seconds {
                series.seconds += seconds
                series.buckets[Self.bounds.firstIndex { seconds <= $0.0 } ?? Self.bounds.count] += 1
            }
            $0[labels] = series
        }
    }

    /// The families with samples, without the closing `# EOF`.
    func render() -> String {
        let all = series.withLock { $0 }.map { (labels: $0.key.text, series: $0.value) }.sorted {
            $0.labels < $1.labels
        }
        func counter(_ name: String, _ help: String, _ value: (Series) -> UInt64) -> String {
            let samples = all.filter { value($0.series) > 0 }
            return head(name, "counter", help, isEmpty: samples.isEmpty)
                + samples.map { "\(name)_total{\($0.labels)} \(value($0.series))\n" }.joined()
        }
        func head(_ name: String, _ type: String, _ help: String, isEmpty: Bool) -> String {
            isEmpty ? "" : "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        }
        let measured = all.filter { $0.series.measured > 0 }
        let duration = "istio_dns_upstream_request_duration_seconds"
        return counter("istio_dns_requests", "Total number of DNS requests (unstable).", { $0.requests })
            + counter(
                "istio_dns_upstream_requests", "Total number of DNS requests forwarded to upstream (unstable).",
                { $0.forwarded })
            + counter(
                "istio_dns_upstream_failures", "Total number of DNS requests that upstream did not answer (unstable).",
                { $0.failed })
            + head(
                duration, "histogram", "Total time in seconds to get a DNS response from upstream (unstable).",
                isEmpty: measured.isEmpty)
            + measured.map { Self.histogram(duration, $0.labels, $0.series) }.joined()
    }

    private static func histogram(_ name: String, _ labels: String, _ series: Series) -> String {
        var text = "\(name)_sum{\(labels)} \(series.seconds)\n\(name)_count{\(labels)} \(series.measured)\n"
        var count: UInt64 = 0
        for (bucket, bound) in zip(series.buckets, bounds.map(\.1) + ["+Inf"]) {
            count += bucket
            text += "\(name)_bucket{le=\"\(bound)\",\(labels)} \(count)\n"
        }
        return text
    }
}
