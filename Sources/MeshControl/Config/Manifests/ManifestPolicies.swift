import MeshCore
import MeshKubernetes

/// What manifests say of policies, and of the labels by which policies select workloads.
struct ManifestPolicies: Sendable {
    /// An object with labels, as workloads name it.
    private struct Name: Hashable {
        let kind: ClusterWorkload.Kind
        let namespace: String
        let name: String

        init(_ workload: Workload) {
            (kind, namespace, name) = (workload.manifestKind, workload.namespace, workload.name)
        }

        init(_ workload: ClusterWorkload) {
            (kind, namespace, name) = (workload.kind, workload.namespace, workload.name)
        }
    }

    /// The pods of one deployment are alike.
    private struct Selected: Hashable {
        let namespace: String
        let labels: [String: String]
    }

    private let doing: String
    private let nodes: NodePolicies
    private let labels: [Name: [String: String]]
    private let origins: [String: PolicyOrigin]
    private let warnings: [String]

    /// - Throws: notFound, denied or usage when something cannot be read; corrupt with every error in the manifests, a
    ///   line each as `file:line:column: …`.
    init(_ source: ManifestSource) throws(MeshFailure) {
        let doing = "read manifests \(source.path)"
        var settings = MeshSettings()
        settings.rootNamespace = source.rootNamespace
        var reader = ClusterReader(settings: settings)
        for manifest in try ManifestFiles.read([source.path], doing: doing) {
            let before = reader.objectCount
            reader.read(manifest)
            // A file that is about to be written is empty, and no policies at all let everybody in.
            guard reader.objectCount > before || !reader.problems.errors.isEmpty else {
                throw MeshFailure(
                    .corrupt, doing: doing,
                    reason: "\(manifest.name):1:1: error: it holds no object; remove the file, or write an empty List")
            }
        }
        let (cluster, problems) = reader.finish()
        try problems.refuseErrors(doing: doing)
        try self.init(cluster, problems.warnings, doing)
    }

    private init(_ cluster: ClusterModel, _ read: [ManifestProblem], _ doing: String) throws(MeshFailure) {
        self.doing = doing
        nodes = NodePolicies(cluster)
        var known: [Name: ClusterWorkload] = [:]
        for workload in cluster.workloads where workload.kind == .pod || workload.kind == .workloadEntry {
            let first = known.updateValue(workload, forKey: Name(workload))
            if let first, first.meta.labels != workload.meta.labels {
                throw MeshFailure(
                    .corrupt, doing: doing,
                    reason: "\(workload.meta.position): error: \(workload.kind.rawValue) \(workload): stands at "
                        + "\(first.meta.position) already, with other labels; remove one")
            }
        }
        labels = known.mapValues(\.meta.labels)
        var findings: [String: [String]] = [:]
        for (policy, translation) in nodes.translations {
            let found = NodeFinding.findings(
                of: policy, translation, aliases: cluster.settings.trustDomainAliases)
            if !found.isEmpty { findings[policy.identity.description] = found.map(\.problem.description) }
        }
        var origins: [String: PolicyOrigin] = [:]
        for (key, origin) in nodes.origins() { origins[key] = PolicyOrigin(origin, findings: findings[key]) }
        self.origins = origins
        warnings = findings.values.flatMap { $0 }.sorted() + read.map(\.description)
    }

    // MARK: Joining

    /// The records of a local configuration with these policies, which the workloads that they select then list.
    ///
    /// - Parameter own: the workload whose proxy enforces them. Of others only explanations speak, and those can say what
    ///   is not known (`PolicyOrigins.doubts`).
    /// - Throws: corrupt, when a policy stands in both, or when it cannot be told whether one holds for `own`.
    func join(_ local: LocalConfig, own: ZtunnelConfig.WorkloadName?) throws(MeshFailure) -> LocalConfig {
        for policy in local.policies {
            guard let origin = origins[policy.key] else { continue }
            throw MeshFailure(
                .corrupt, doing: doing,
                reason:
                    "\(origin.places.joined(separator: ", ")): error: \(origin.kind) \(policy.key): a policy of that "
                    + "name stands in the local configuration too; rename one")
        }
        var (doubts, doubtsOf, keysOf) = ([String: String](), [String: String?](), [Selected: [String]]())
        var workloads = local.workloads
        for (index, workload) in workloads.enumerated() {
            let namespace = workload.namespace
            let labels = labels[Name(workload)]
            if labels == nil, let doubt = doubtsOf[namespace] ?? doubt(in: namespace, &doubtsOf) {
                doubts[workload.uid] = doubt
                if let own, own.namespace == namespace, own.name == workload.name {
                    throw MeshFailure(.corrupt, doing: doing, reason: PolicyOrigins.text(doubt, workload))
                }
            }
            let selected = Selected(namespace: namespace, labels: labels ?? [:])
            let keys = keysOf[selected] ?? nodes.keys(namespace: namespace, labels: selected.labels)
            keysOf[selected] = keys
            let added = keys.filter { !workload.fields.authorizationPolicies.contains($0) }
            if added.isEmpty { continue }
            var fields = workload.fields
            fields.authorizationPolicies += added
            workloads[index] = Workload(fields)
        }
        var origins = PolicyOrigins()
        (origins.places, origins.doubts) = (self.origins, doubts)
        var config = local
        config.join(nodes.policies, workloads: workloads, origins: origins, warnings: warnings)
        return config
    }

    /// What cannot be told of workloads without labels; `nil` when nothing selects by labels there.
    private func doubt(in namespace: String, _ known: inout [String: String?]) -> String? {
        let doubt = nodes.selecting(in: namespace).map { "\($1.position): \($0.rawValue) \($1)" }
        known[namespace] = .some(doubt)
        return doubt
    }
}
