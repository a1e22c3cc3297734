import MeshCore

/// What policies say of a connection. Texts are made only when asked for.
package enum PolicyVerdict: Sendable, CustomStringConvertible {
    case allow(AllowReason)
    case deny(DenyReason)

    package enum AllowReason: Sendable {
        /// No policy that allows is in force, so all is allowed that is not denied.
        case noAllowPolicies
        case matched(PolicyRuleReference)
    }

    package enum DenyReason: Sendable {
        case matched(PolicyRuleReference)
        /// There are policies that allow, and none of them matches.
        case noneAllowed(policies: Int)
    }

    package var isAllowed: Bool {
        switch self {
        case .allow: true
        case .deny: false
        }
    }

    /// The policy that decided, `namespace/name`; `nil` when none did.
    package var policyKey: String? {
        switch self {
        case .allow(.matched(let rule)), .deny(.matched(let rule)): rule.policy.key
        case .allow(.noAllowPolicies), .deny(.noneAllowed): nil
        }
    }

    package var description: String { described { $0.description } }

    /// - Parameter name: what a rule is called, where it has a better name than its number.
    package func described(_ name: (PolicyRuleReference) -> String) -> String {
        switch self {
        case .allow(.noAllowPolicies): "allowed: no allow policies are in force"
        case .allow(.matched(let rule)): "allowed by \(name(rule))"
        case .deny(.matched(let rule)): "explicitly denied by \(name(rule))"
        case .deny(.noneAllowed(let count)):
            "allow policies exist, but none of \(count) matched; add the caller to one of them"
        }
    }
}

/// A verdict, and what policies in dry run would have said.
package struct PolicyDecision: Sendable {
    package let verdict: PolicyVerdict
    /// One that matches; `PolicyEngine.dryRunDenials` gives all.
    package let dryRunDeny: PolicyRuleReference?
    package let dryRunAllow: DryRunAllow

    package enum DryRunAllow: Sendable {
        case noPolicies
        case matched(PolicyRuleReference)
        case notMatched
    }
}
