package import MeshCore
package import MeshPolicy

/// What node proxies are sent for a cluster: policies of layer 4, and which workload lists which.
package struct NodePolicies: Sendable {
    /// How each AuthorizationPolicy came through, in the order of the model.
    package let translations: [(policy: SecurityPolicy, translation: L4Translation)]
    package let conversion: PeerAuthenticationConversion
    /// Everything that is sent, by key.
    package let policies: [AuthorizationPolicy]
    let rootNamespace: String
    private let global: PolicySet
    private let ofNamespace: [String: PolicySet]
    /// Policies that select pods: labels and key, by namespace.
    private let selecting: [String: [(labels: [String: String], policy: AuthorizationPolicy)]]
    private let byKey: [String: AuthorizationPolicy]

    package init(_ cluster: ClusterModel, sendsDryRun: Bool = false) {
        let settings = cluster.settings
        rootNamespace = settings.rootNamespace
        translations = cluster.policies.map {
            ($0, L4Translation($0, settings: settings, sendsDryRun: sendsDryRun))
        }
        conversion = PeerAuthenticationConversion(
            cluster.peerAuthentications, rootNamespace: settings.rootNamespace)
        var sent: [AuthorizationPolicy] = conversion.policies
        var selecting: [String: [(labels: [String: String], policy: AuthorizationPolicy)]] = [:]
        for (policy, translation) in translations {
            guard case .sent(let translated) = translation.outcome else { continue }
            sent.append(translated)
            if case .labels(let labels) = policy.selector {
                selecting[policy.identity.namespace, default: []].append((labels, translated))
            }
        }
        self.selecting = selecting
        policies = sent.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
        byKey = Dictionary(conversion.policies.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        global = PolicySet(sent.filter { $0.scope == .global })
        ofNamespace = Dictionary(grouping: sent.filter { $0.scope == .namespace }, by: \.namespace).mapValues {
            PolicySet($0)
        }
    }

    /// The keys that a workload's record lists.
    package func keys(for workload: ClusterWorkload) -> [String] {
        keys(namespace: workload.namespace, labels: workload.meta.labels)
    }

    /// The keys that the record of a workload with these labels lists.
    package func keys(namespace: String, labels: [String: String]) -> [String] {
        selected(namespace, labels).map(\.key) + conversion.keys(namespace: namespace, labels: labels)
    }

    /// What judges connections to a workload.
    package func engine(for workload: ClusterWorkload) -> PolicyEngine {
        let converted = conversion.keys(namespace: workload.namespace, labels: workload.meta.labels)
            .compactMap { byKey[$0] }
        let listed = selected(workload.namespace, workload.meta.labels) + converted
        return PolicyEngine(
            sets: [global] + [ofNamespace[workload.namespace]].compactMap { $0 }
                + (listed.isEmpty ? [] : [PolicySet(listed)]))
    }

    /// By key. A policy of the root namespace selects among all namespaces.
    private func selected(_ namespace: String, _ labels: [String: String]) -> [AuthorizationPolicy] {
        let namespaces = namespace == rootNamespace ? [rootNamespace] : [rootNamespace, namespace]
        let found = namespaces.flatMap { selecting[$0] ?? [] }.filter { entry in
            entry.labels.allSatisfy { labels[$0.key] == $0.value }
        }
        return found.map(\.policy).sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
    }
}
