package import MeshCore
package import MeshPolicy
package import MeshState
package import MeshTLS

/// What connections are judged by: one immutable value, replaced as a whole by the control plane.
package final class ProxyState: Sendable {
    package enum Credential: Sendable {
        /// Not fetched yet: connections wait.
        case pending
        case available(TLSCredential)
        /// Could not be had; connections fail with this reason.
        case unavailable(String)
    }

    package let snapshot: MeshSnapshot
    /// The workload that this proxy acts for.
    package let own: Workload
    package let policy: PolicyEngine
    package let credential: Credential
    /// Value of the `baggage` header that describes our workload.
    let baggage: [UInt8]

    package init(snapshot: MeshSnapshot, own: Workload, policy: PolicyEngine, credential: Credential, baggage: String) {
        self.snapshot = snapshot
        self.own = own
        self.policy = policy
        self.credential = credential
        self.baggage = Array(baggage.utf8)
    }
}
