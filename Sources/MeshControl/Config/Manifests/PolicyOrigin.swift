import MeshCore
import MeshKubernetes

/// Where a policy that was translated from manifests was written. The JSON keys are a promise.
package struct PolicyOrigin: Codable, Sendable, Equatable {
    package struct Rule: Codable, Sendable, Equatable {
        /// From 0, as in the manifest.
        package var number: Int
        /// `file:line:column`.
        package var place: String
    }

    /// Kind of the Kubernetes objects.
    package var kind: String
    /// `file:line:column` of each; several where PeerAuthentications share one policy.
    package var places: [String]
    /// Where each rule was written that is enforced; rules that node proxies cannot enforce are left out of a policy, so
    /// that its numbers are others.
    package var rules: [Rule]?
    /// What is not enforced as it was written, a line each.
    package var findings: [String]?

    init(_ origin: NodePolicies.Origin, findings: [String]?) {
        kind = origin.kind.rawValue
        places = origin.objects.map(\.position.description)
        let written = origin.rules.map { Rule(number: $0.number, place: $0.position.description) }
        rules = written.isEmpty ? nil : written
        self.findings = findings
    }

    /// What a rule is that is enforced as `number`: `rule 2 at shop.yaml:12:5`, or `PeerAuthentication at shop.yaml:3:1`.
    package func rule(_ number: Int) -> String {
        guard let rules, rules.indices.contains(number) else { return "\(kind) at \(places.joined(separator: ", "))" }
        return "rule \(rules[number].number) at \(rules[number].place)"
    }
}

/// What records do not say of policies that come from manifests.
package struct PolicyOrigins: Sendable, Equatable {
    /// By key of the policy.
    package var places: [String: PolicyOrigin] = [:]
    /// By uid of a workload whose labels no manifest tells: an object that may or may not select it, with its place.
    package var doubts: [String: String] = [:]

    package init() {}

    /// Why it is not known which policies hold for a workload; `nil` when it is.
    func doubt(about workload: Workload) -> String? { doubts[workload.uid].map { Self.text($0, workload) } }

    static func text(_ doubt: String, _ workload: Workload) -> String {
        "\(doubt) selects pods by labels, and no manifest tells those of \(workload.uid); add "
            + "\(workload.manifestKind.rawValue) \(workload.namespace)/\(workload.name)"
    }
}

extension Workload {
    /// The kind of object that tells its labels. A uid has the shape `<cluster>/<group>/<kind>/<namespace>/<name>`; what is
    /// no WorkloadEntry is a pod.
    var manifestKind: ClusterWorkload.Kind { uid.contains("/WorkloadEntry/") ? .workloadEntry : .pod }
}
