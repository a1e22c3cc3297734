import MeshCore

/// The answer of the metrics port.
struct MetricsPage: Sendable {
    private static let openMetrics = "application/openmetrics-text"

    /// Of `istio_build`.
    let istioVersion: String
    /// The families of the data path.
    let traffic: @Sendable () -> String

    /// Source: OpenMetrics 1.0; the type is announced only to clients that ask for it, the text is the same.
    func answer(_ question: AdminServer.Question) -> AdminServer.Answer {
        guard ["/metrics", "/stats/prometheus"].contains(question.path) else {
            return .init(status: 404, text: "not found; metrics are at /metrics\n")
        }
        let type =
            question.accept.contains(Self.openMetrics)
            ? "\(Self.openMetrics);charset=utf-8;version=1.0.0" : "text/plain; charset=utf-8"
        return .init(contentType: type, text: traffic() + process() + "# EOF\n")
    }

    private func process() -> String {
        var text = """
            # HELP istio_build Istio component build info (unstable).
            # TYPE istio_build gauge
            istio_build{component="ztunnel",tag="\(MetricLabel.text(istioVersion))"} 1

            """
        for (name, value, help) in [
            ("process_open_fds", ProcessFacts.openDescriptors, "Number of open file descriptors (unstable)."),
            ("process_max_fds", ProcessFacts.descriptorLimit, "Maximum number of file descriptors (unstable)."),
        ] {
            guard let value else { continue }
            text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n\(name) \(value)\n"
        }
        return text
    }
}
