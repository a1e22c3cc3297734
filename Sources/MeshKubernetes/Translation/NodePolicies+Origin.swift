package import MeshCore
import MeshPolicy

extension NodePolicies {
    /// Where a policy that node proxies are sent was written.
    package struct Origin: Sendable {
        package enum Kind: String, Sendable {
            case authorizationPolicy = "AuthorizationPolicy", peerAuthentication = "PeerAuthentication"
        }

        package let kind: Kind
        /// `namespace/name` and place of each object that it was made from; several where PeerAuthentications share one.
        package let objects: [ResourceIdentity]
        /// For each rule that is sent, its number from 0 and its place as it was written; none for what istiod writes itself.
        package let rules: [(number: Int, position: FilePosition)]
    }

    /// By key, of all that are sent.
    package func origins() -> [String: Origin] {
        var origins = conversion.sources.mapValues { Origin(kind: .peerAuthentication, objects: $0, rules: []) }
        for (policy, translation) in translations {
            guard case .sent(let sent) = translation.outcome else { continue }
            origins[sent.key] = Origin(
                kind: .authorizationPolicy, objects: [policy.identity],
                rules: translation.ruleNumbers.map { ($0, policy.rules[$0].position) })
        }
        return origins
    }

    /// An object that selects pods of `namespace` by their labels, so that whether it holds for one of them only its labels
    /// say; the first as it was written, `nil` when there is none.
    package func selecting(in namespace: String) -> (kind: Origin.Kind, identity: ResourceIdentity)? {
        for (policy, translation) in translations {
            guard case .sent = translation.outcome, case .labels = policy.selector,
                [namespace, rootNamespace].contains(policy.identity.namespace)
            else { continue }
            return (.authorizationPolicy, policy.identity)
        }
        return conversion.selecting(in: namespace).map { (.peerAuthentication, $0) }
    }
}
