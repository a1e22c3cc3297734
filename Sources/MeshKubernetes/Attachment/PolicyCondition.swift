package import MeshCore
package import MeshPolicy

/// A status condition that istiod writes on an AuthorizationPolicy.
package struct PolicyCondition: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case ztunnelAccepted = "ZtunnelAccepted", waypointAccepted = "WaypointAccepted"
    }
    package enum Reason: String, Sendable {
        case accepted = "Accepted", unsupportedValue = "UnsupportedValue", targetNotFound = "TargetNotFound"
        case ancestorNotBound = "AncestorNotBound", invalid = "Invalid", partiallyInvalid = "PartiallyInvalid"
    }

    package let kind: Kind
    package let isTrue: Bool
    package let reason: Reason
    package let message: String
}

extension ClusterIndex {
    /// The conditions of a policy, given what became of it at layer 4.
    package func conditions(of policy: SecurityPolicy, _ translation: L4Translation) -> [PolicyCondition] {
        policy.targets.isEmpty ? [Self.nodeCondition(policy, translation)] : [waypointCondition(policy)]
    }

    private static func nodeCondition(_ policy: SecurityPolicy, _ translation: L4Translation) -> PolicyCondition {
        func condition(_ isTrue: Bool, _ reason: PolicyCondition.Reason, _ message: String) -> PolicyCondition {
            PolicyCondition(kind: .ztunnelAccepted, isTrue: isTrue, reason: reason, message: message)
        }
        switch translation.outcome {
        case .notSent(.action(let action)):
            return condition(false, .unsupportedValue, "ztunnel does not support action \(action.rawValue)")
        case .notSent(.dryRun): return condition(false, .unsupportedValue, "ztunnel does not support dry run")
        case .notSent(.hasTargets): return condition(false, .invalid, "the policy is attached to a waypoint")
        case .sent(let sent):
            let attributes = Set(translation.findings.flatMap(\.attributes)).sorted()
            if attributes.isEmpty { return condition(true, .accepted, "attached to ztunnel") }
            let effect: String
            switch policy.action {
            case .allow: effect = "rules with them are left out, so that less is allowed than was asked for"
            default:
                let isDead =
                    !sent.rules.isEmpty
                    && Set(translation.findings.filter { $0.effect == .noEffect }.map(\.rule)).count == sent.rules.count
                effect =
                    isDead
                    ? "no rule is left that can be enforced, so the policy has no effect"
                    : "rules are enforced without them, so that more is denied than was asked for"
            }
            return condition(
                true, .unsupportedValue, "ztunnel does not support \(attributes.joined(separator: ", ")): \(effect)")
        }
    }

    private func waypointCondition(_ policy: SecurityPolicy) -> PolicyCondition {
        let namespace = policy.identity.namespace
        let failures = policy.targets.map { failure(of: $0, namespace: namespace) }
        func condition(_ isTrue: Bool, _ reason: PolicyCondition.Reason, _ message: String) -> PolicyCondition {
            PolicyCondition(kind: .waypointAccepted, isTrue: isTrue, reason: reason, message: message)
        }
        if policy.targets.count == 1 {
            guard let failure = failures[0] else { return condition(true, .accepted, "bound to \(policy.targets[0])") }
            return condition(false, failure.reason, failure.message)
        }
        let unbound = zip(policy.targets, failures).filter { $0.1 != nil }.map { target, _ in
            "\(target.kind.rawValue).\(target.kind.group):\(namespace)/\(target.name)"
        }
        if unbound.isEmpty { return condition(true, .accepted, "bound to all targets") }
        let isNone = unbound.count == policy.targets.count
        return condition(
            !isNone, isNone ? .invalid : .partiallyInvalid, "not bound to \(unbound.joined(separator: ", "))")
    }

    /// Why a reference binds the policy to no waypoint; `nil` when it does.
    package func failure(
        of target: TargetReference, namespace: String
    ) -> (reason: PolicyCondition.Reason, message: String)? {
        switch target.kind {
        case .gateway:
            return gateway(namespace: namespace, name: target.name) == nil
                ? (.targetNotFound, "there is no Gateway \(namespace)/\(target.name)") : nil
        case .gatewayClass:
            if namespace != settings.rootNamespace {
                return (.invalid, "a GatewayClass is a target only for policies of \(settings.rootNamespace)")
            }
            if target.name != PolicyAttachment.gatewayClass {
                return (.invalid, "the only class that policies attach to is \(PolicyAttachment.gatewayClass)")
            }
            return nil
        case .service, .serviceEntry:
            let kind: ClusterService.Kind = target.kind == .service ? .service : .serviceEntry
            guard
                let service = cluster.services.first(where: {
                    $0.kind == kind && $0.namespace == namespace && $0.name == target.name
                })
            else { return (.targetNotFound, "there is no \(kind.rawValue) \(namespace)/\(target.name)") }
            switch waypoint(of: service) {
            case .bound: return nil
            case .notAsked: return (.ancestorNotBound, "\(kind.rawValue) \(service) uses no waypoint")
            case .optedOut: return (.ancestorNotBound, "\(kind.rawValue) \(service) opts out of waypoints")
            case .broken(let wanted, let reason):
                return (.ancestorNotBound, "\(kind.rawValue) \(service) wants waypoint \(wanted), but \(reason)")
            }
        }
    }
}
