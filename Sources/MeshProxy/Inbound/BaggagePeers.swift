import MeshCore
import MeshWire

/// Workload records made from baggage, for peers that are in no record of ours. Telemetry only.
struct BaggagePeers {
    /// Distinct peers that are kept: they choose the texts, and each becomes a metric series.
    static let limit = 1000

    private struct Key: Hashable {
        let text: String
        let identity: SPIFFEID?
    }

    private var known: [Key: Workload] = [:]

    /// Gives others a chance, from time to time, where the places are taken: some are of peers that never come again.
    mutating func tidy() {
        if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
    }

    /// - Parameter identity: who said it, where a certificate proves that: its namespace and account win over the text.
    mutating func find(_ text: String, identity: SPIFFEID? = nil) -> Workload? {
        if text.isEmpty, identity == nil { return nil }
        let key = Key(text: text, identity: identity)
        if let workload = known[key] { return workload }
        guard known.count < Self.limit, let baggage = Baggage(text) else { return nil }
        var fields = Workload.Fields()
        fields.clusterID = baggage.cluster ?? ""
        fields.namespace = identity?.namespace ?? baggage.namespace ?? ""
        fields.trustDomain = identity?.trustDomain.description ?? ""
        fields.serviceAccount = identity?.serviceAccount ?? ""
        fields.workloadName = baggage.workloadName ?? ""
        fields.workloadType = baggage.workloadType
        fields.canonicalName = baggage.canonicalName ?? ""
        fields.canonicalRevision = baggage.canonicalRevision ?? ""
        fields.isHearsay = true
        fields.locality = Locality(region: baggage.region ?? "", zone: baggage.zone ?? "")
        let workload = Workload(fields)
        known[key] = workload
        return workload
    }
}
