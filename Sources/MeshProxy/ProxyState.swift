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
    /// The workload that this proxy acts for; its last record when it has none any more.
    package let own: Workload
    /// False when the control plane has removed the record. Nothing new is taken then, since what holds for it cannot be
    /// told. What is open goes on, and is judged by the policies that the last record names as they change: a pod that
    /// is really gone takes its connections with it, and one that is not must not lose them to a lost record.
    package let isOwnKnown: Bool
    package let policy: PolicyEngine
    package let credential: Credential
    /// Value of the `baggage` header that describes our workload.
    let baggage: [UInt8]

    package init(
        snapshot: MeshSnapshot, own: Workload, isOwnKnown: Bool = true, policy: PolicyEngine, credential: Credential,
        baggage: String
    ) {
        self.snapshot = snapshot
        self.own = own
        self.isOwnKnown = isOwnKnown
        self.policy = policy
        self.credential = credential
        self.baggage = Array(baggage.utf8)
    }
}
