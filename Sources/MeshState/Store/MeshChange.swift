import HashTreeCollections
package import MeshCore

/// One step of a discovery feed or of a local configuration.
package enum MeshChange: Sendable {
    case workload(Workload)
    case service(Service)
    case policy(AuthorizationPolicy)
    /// A workload uid or a service key `namespace/hostname`.
    case removeAddress(String)
    /// A policy key `namespace/name`.
    case removePolicy(String)
}

/// What a batch of changes did that others must act upon.
package struct MeshUpdateResult: Sendable, Equatable {
    /// Workloads of this node that speak HBONE: their certificates can be fetched ahead of need.
    package var identitiesToWarm: [SPIFFEID] = []
    /// No workload of this node has these any more.
    package var identitiesToForget: [SPIFFEID] = []
    /// Names in a removal that nothing had.
    package var unknownRemovals: [String] = []
    package var policiesChanged = false
    package var workloadsInserted = false
    package init() {}
}

/// Endpoints of services not known yet, unfiltered.
typealias StagedEndpoints = TreeDictionary<NamespacedHostname, TreeDictionary<String, Endpoint>>
