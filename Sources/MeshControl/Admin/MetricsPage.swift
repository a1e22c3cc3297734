/// The answer of the metrics port.
enum MetricsPage {
    private static let openMetrics = "application/openmetrics-text"

    /// Source: OpenMetrics 1.0; the type is announced only to clients that ask for it, the text is the same.
    static func answer(_ question: AdminServer.Question, metrics: String) -> AdminServer.Answer {
        guard ["/metrics", "/stats/prometheus"].contains(question.path) else {
            return .init(status: 404, text: "not found; metrics are at /metrics\n")
        }
        let type =
            question.accept.contains(openMetrics)
            ? "\(openMetrics);charset=utf-8;version=1.0.0" : "text/plain; charset=utf-8"
        return .init(contentType: type, text: metrics + "# EOF\n")
    }
}
