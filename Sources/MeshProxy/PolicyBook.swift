package import MeshCore
package import MeshPolicy
package import MeshState

/// Policies compiled for the workloads that this process acts for, kept as long as they do not change.
///
/// An unchanged group of policies gives the same compiled set again, which is how the data path knows that open
/// connections need no second judgement. Cost: what changed is compiled anew, linear in its rules.
package struct PolicyBook: Sendable {
    /// Lists of selector policies that are kept; beyond it all are compiled anew.
    static let selectionLimit = 1024

    private var groups: [String: (group: PolicyGroup, set: PolicySet)] = [:]
    private var selections: [[String]: (policies: [AuthorizationPolicy], set: PolicySet)] = [:]

    package init() {}

    /// The policies that hold for `workload`: of the mesh, of its namespace, and those that select it.
    package mutating func engine(for workload: Workload, in snapshot: MeshSnapshot) -> PolicyEngine {
        let (found, missing) = snapshot.policies(selecting: workload)
        var sets = [group("", snapshot)]
        if !workload.namespace.isEmpty { sets.append(group(workload.namespace, snapshot)) }
        sets.append(selection(workload.fields.authorizationPolicies, found))
        return PolicyEngine(sets: sets, missing: missing)
    }

    private mutating func group(_ namespace: String, _ snapshot: MeshSnapshot) -> PolicySet {
        let group = snapshot.policies(inNamespace: namespace)
        if let held = groups[namespace], held.group == group { return held.set }
        let set = PolicySet(group.all)
        groups[namespace] = (group, set)
        return set
    }

    private mutating func selection(_ keys: [String], _ found: [AuthorizationPolicy]) -> PolicySet {
        if let held = selections[keys], held.policies == found { return held.set }
        if selections.count >= Self.selectionLimit { selections = [:] }
        let set = PolicySet(found)
        selections[keys] = (found, set)
        return set
    }
}
