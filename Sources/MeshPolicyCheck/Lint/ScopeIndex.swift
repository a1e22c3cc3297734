import MeshCore
import MeshKubernetes
import MeshPolicy

/// Which policies hold wherever another one does.
struct ScopeIndex {
    private let policies: [SecurityPolicy]
    private let rootNamespace: String
    private let index: ClusterIndex
    /// Of layer 4 without labels, by namespace.
    private var plain: [String: [Int]] = [:]
    /// Of layer 4 with labels, by namespace and their first label: whoever has all of them has that one.
    private var labelled: [String: [Int]] = [:]
    /// Of layer 7, by each target.
    private var targeted: [String: [Int]] = [:]

    init(_ policies: [SecurityPolicy], rootNamespace: String, _ index: ClusterIndex) {
        self.policies = policies
        self.rootNamespace = rootNamespace
        self.index = index
        for (place, policy) in policies.enumerated() {
            let namespace = policy.identity.namespace
            if !policy.targets.isEmpty {
                for target in policy.targets { targeted[Self.key(namespace, target), default: []].append(place) }
            } else if case .labels(let labels) = policy.selector, let first = labels.min(by: { $0.key < $1.key }) {
                labelled[Self.key(namespace, first), default: []].append(place)
            } else {
                plain[namespace, default: []].append(place)
            }
        }
    }

    /// The policies that hold wherever the one at `place` does, itself not among them.
    func covering(_ place: Int) -> [Int] {
        let policy = policies[place]
        let namespace = policy.identity.namespace
        var candidates: [Int] = []
        if policy.targets.isEmpty {
            for space in Set([namespace, rootNamespace]) {
                candidates += plain[space] ?? []
                guard case .labels(let labels) = policy.selector else { continue }
                for label in labels { candidates += labelled[Self.key(space, label)] ?? [] }
            }
        } else {
            for target in policy.targets.prefix(1) {
                candidates += targeted[Self.key(namespace, target)] ?? []
                if let gateway = gateway(target, namespace) {
                    let above = TargetReference(kind: .gateway, name: gateway.meta.name)
                    candidates += targeted[Self.key(gateway.meta.namespace, above)] ?? []
                }
                let every = TargetReference(kind: .gatewayClass, name: PolicyAttachment.gatewayClass)
                candidates += targeted[Self.key(rootNamespace, every)] ?? []
            }
        }
        return Set(candidates).sorted().filter { $0 != place && covers($0, place) }
    }

    /// Whether the policy at `wide` holds wherever the one at `narrow` does.
    func covers(_ wide: Int, _ narrow: Int) -> Bool {
        let (a, b) = (policies[wide], policies[narrow])
        guard a.targets.isEmpty == b.targets.isEmpty else { return false }
        let (namespace, other) = (a.identity.namespace, b.identity.namespace)
        guard a.targets.isEmpty else {
            return b.targets.allSatisfy { target in a.targets.contains { covers($0, namespace, target, other) } }
        }
        guard namespace == rootNamespace || namespace == other else { return false }
        switch (a.selector, b.selector) {
        case (.absent, _), (.empty, _): return true
        case (.labels(let wanted), .labels(let labels)): return wanted.allSatisfy { labels[$0.key] == $0.value }
        case (.labels, _): return false
        }
    }

    private func covers(
        _ wide: TargetReference, _ namespace: String, _ narrow: TargetReference, _ other: String
    ) -> Bool {
        if wide.kind == .gatewayClass {
            return namespace == rootNamespace && wide.name == PolicyAttachment.gatewayClass
        }
        if namespace == other, wide.description == narrow.description { return true }
        guard wide.kind == .gateway, let gateway = gateway(narrow, other) else { return false }
        return gateway.meta.namespace == namespace && gateway.meta.name == wide.name
    }

    /// The waypoint of a service that is a target.
    private func gateway(_ target: TargetReference, _ namespace: String) -> GatewayObject? {
        guard target.kind == .service || target.kind == .serviceEntry,
            let service = index.service(namespace: namespace, name: target.name)
        else { return nil }
        return index.waypoint(of: service).gateway
    }

    private static func key(_ namespace: String, _ target: TargetReference) -> String { "\(namespace)/\(target)" }
    private static func key(_ namespace: String, _ label: (key: String, value: String)) -> String {
        "\(namespace)/\(label.key)=\(label.value)"
    }
}
