import HashTreeCollections
package import MeshCore

/// The policies of one scope of validity: a namespace, or the whole mesh under the empty name.
package struct PolicyGroup: Sendable, Equatable {
    /// Changes whenever a policy of the group does; never the same for two different contents. 0: empty group.
    package fileprivate(set) var revision: UInt64 = 0
    /// By `namespace/name`.
    fileprivate(set) var policies: TreeDictionary<String, AuthorizationPolicy> = [:]
    package var all: [AuthorizationPolicy] { Array(policies.values) }

    package init() {}

    /// The same policies, be it in snapshots of different stores. Cost: what two groups share is not looked at.
    package static func == (a: PolicyGroup, b: PolicyGroup) -> Bool { a.policies == b.policies }
}

/// Policies by key, and by the namespace in which they hold.
struct PolicyIndex: Sendable {
    private(set) var byKey: TreeDictionary<String, AuthorizationPolicy> = [:]
    private(set) var byNamespace: TreeDictionary<String, PolicyGroup> = [:]
    /// Counts changes of any policy.
    private(set) var revision: UInt64 = 0

    mutating func put(_ policy: AuthorizationPolicy) {
        let key = policy.key
        if byKey[key] == policy { return }
        _ = remove(key)
        revision += 1
        byKey[key] = policy
        if let namespace = Self.group(policy) {
            var group = byNamespace[namespace] ?? PolicyGroup()
            group.policies[key] = policy
            group.revision = revision
            byNamespace[namespace] = group
        }
    }

    /// False when there was none.
    mutating func remove(_ key: String) -> Bool {
        guard let old = byKey.removeValue(forKey: key) else { return false }
        revision += 1
        if let namespace = Self.group(old), var group = byNamespace[namespace] {
            byNamespace[namespace] = nil
            group.policies[key] = nil
            group.revision = revision
            byNamespace[namespace] = group.policies.isEmpty ? nil : group
        }
        return true
    }

    /// Selector policies hold only for workloads that name them.
    private static func group(_ policy: AuthorizationPolicy) -> String? {
        switch policy.scope {
        case .global: ""
        case .namespace: policy.namespace
        case .workloadSelector: nil
        }
    }
}
