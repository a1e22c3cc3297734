import MeshCore
import Testing

@testable import MeshDNS

@Suite("Metrics of the DNS proxy")
struct MetricsTests {
    @Test("families without samples are left out; buckets are cumulative")
    func text() {
        let metrics = DNSMetrics()
        #expect(metrics.render() == "")
        let labels = DNSMetrics.Labels(type: "a", transport: .udp, client: nil)
        metrics.countRequest(labels)
        #expect(
            metrics.render()
                == """
                # HELP istio_dns_requests Total number of DNS requests (unstable).
                # TYPE istio_dns_requests counter
                istio_dns_requests_total{request_query_type="a",request_protocol="udp",source_canonical_service="unknown",\
                source_canonical_revision="unknown"} 1

                """)
        metrics.countForward(labels, failed: false, seconds: 0.0005)
        metrics.countForward(labels, failed: true, seconds: 6)
        metrics.countForward(labels, failed: true, seconds: nil)
        let all =
            #"request_query_type="a",request_protocol="udp",source_canonical_service="unknown","#
            + #"source_canonical_revision="unknown"}"#
        let name = "istio_dns_upstream_request_duration_seconds"
        let lines = metrics.render().split(separator: "\n").map(String.init)
        #expect(lines.contains("istio_dns_upstream_requests_total{\(all) 3"))
        #expect(lines.contains("istio_dns_upstream_failures_total{\(all) 2"))
        #expect(lines.contains("\(name)_count{\(all) 2"))
        #expect(lines.contains("\(name)_sum{\(all) 6.0005"))
        #expect(
            lines.filter { $0.hasPrefix("\(name)_bucket") }
                == zip(["0.0005", "0.001", "0.01", "0.1", "1.0", "5.0", "+Inf"], [1, 1, 1, 1, 1, 1, 2]).map {
                    "\(name)_bucket{le=\"\($0)\",\(all) \($1)"
                })
    }

    @Test("label values are escaped")
    func escaped() {
        var fields = Workload.Fields()
        fields.canonicalName = "a\"b\\c\r\nd"
        let labels = DNSMetrics.Labels(type: "a", transport: .tcp, client: Workload(fields))
        #expect(labels.text.contains("source_canonical_service=\"a\\\"b\\\\c\r\\nd\""))
    }
}
