import MeshCore

/// The labels of one traffic series as OpenMetrics text: all but the value of `response_flags`, which stands between
/// the two parts.
///
/// Source: names and order as ztunnel's, so that dashboards keep working. Missing and empty values are `unknown`.
struct TrafficLabels: Hashable, Sendable {
    let head: String
    let tail: String
    /// False when `response_flags` is left out.
    let hasFlag: Bool

    func text(_ flag: ResponseFlag) -> String { hasFlag ? head + flag.label + tail : head + tail }
}

/// What a connection tells about itself to metrics.
struct TrafficFacts {
    var reporter: Reporter
    var mutualTLS: Bool
    var source: Workload?
    var destination: Workload?
    var service: Service?
    var sourcePrincipal: SPIFFEID?
}

extension TrafficLabels {
    /// - Parameter dropped: labels that are left out.
    init(_ facts: TrafficFacts, dropping dropped: Set<String>) {
        var text = LabelText(dropped: dropped)
        text.add("reporter", facts.reporter.label)
        text.add("source", facts.source, facts.sourcePrincipal)
        text.add("destination_service", facts.service?.hostname)
        text.add("destination_service_namespace", facts.service?.namespace)
        text.add("destination_service_name", facts.service?.fields.name)
        text.add("destination", facts.destination, facts.destination?.identity)
        text.add("request_protocol", "tcp")
        hasFlag = !dropped.contains("response_flags")
        if hasFlag { text.open("response_flags") }
        head = text.text
        text.text = hasFlag ? "\"" : ""
        text.add("connection_security_policy", facts.mutualTLS ? "mutual_tls" : "unknown")
        if facts.source != nil || facts.destination != nil {
            let (source, destination) = (facts.source?.fields.locality, facts.destination?.fields.locality)
            text.add("source_region", source?.region)
            text.add("source_zone", source?.zone)
            text.add("destination_region", destination?.region)
            text.add("destination_zone", destination?.zone)
        }
        tail = text.text
    }
}

extension ProxyConfig {
    /// Every label of the traffic metrics, as it is written: what may be dropped.
    package static let trafficLabels: [String] = {
        let facts = TrafficFacts(
            reporter: .source, mutualTLS: false, source: Workload(Workload.Fields()), destination: nil, service: nil,
            sourcePrincipal: nil)
        let text = TrafficLabels(facts, dropping: []).text(.none)
        return text.split(separator: ",").map { String($0.prefix { $0 != "=" }) }
    }()
}

extension Reporter {
    var label: String { self == .source ? "source" : "destination" }
}

/// Labels being written.
private struct LabelText {
    let dropped: Set<String>
    var text = ""
    private var isFirst = true

    init(dropped: Set<String>) { self.dropped = dropped }

    mutating func open(_ name: String) {
        text += isFirst ? "\(name)=\"" : ",\(name)=\""
        isFirst = false
    }

    mutating func add(_ name: String, _ value: String?) {
        guard !dropped.contains(name) else { return }
        open(name)
        text += MetricLabel.text(value)
        text += "\""
    }

    mutating func add(_ side: String, _ workload: Workload?, _ principal: SPIFFEID?) {
        let fields = workload?.fields
        add("\(side)_workload", fields?.workloadName)
        add("\(side)_canonical_service", fields?.canonicalName)
        add("\(side)_canonical_revision", fields?.canonicalRevision)
        add("\(side)_workload_namespace", fields?.namespace)
        add("\(side)_principal", principal?.description)
        // ztunnel takes the app of a record from its canonical name, and that of baggage from the workload's.
        add("\(side)_app", fields?.isHearsay == true ? fields?.workloadName : fields?.canonicalName)
        add("\(side)_version", fields?.canonicalRevision)
        add("\(side)_cluster", fields?.clusterID)
    }
}
