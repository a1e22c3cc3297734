import MeshCore
import MeshPolicy
import MeshState

extension PolicyEngine {
    /// The policies that hold for `workload`: of the mesh, of its namespace, and those that select it.
    init(for workload: Workload, in snapshot: MeshSnapshot) {
        var missing: [String] = []
        let selecting = workload.fields.authorizationPolicies.compactMap { key in
            let policy = snapshot.policy(key)
            if policy == nil { missing.append(key) }
            return policy
        }
        self.init(
            sets: [
                PolicySet(snapshot.policies(inNamespace: "").all),
                PolicySet(snapshot.policies(inNamespace: workload.namespace).all),
                PolicySet(selecting),
            ], missing: missing)
    }
}
