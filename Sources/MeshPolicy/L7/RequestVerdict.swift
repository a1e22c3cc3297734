package import MeshCore

/// What the enforced policies say of a request. Texts are made only when asked for.
package enum RequestVerdict: Sendable, CustomStringConvertible {
    case allow(AllowReason)
    case deny(DenyReason)

    package enum AllowReason: Sendable {
        /// No policy that allows is in force, so all is allowed that is not denied.
        case noAllowPolicies
        case matched(RequestRule)
    }

    package enum DenyReason: Sendable {
        case matched(RequestRule)
        /// There are policies that allow, and none of them matches.
        case noneAllowed(policies: Int)
    }

    package var isAllowed: Bool {
        switch self {
        case .allow: true
        case .deny: false
        }
    }

    /// The rule that decided; `nil` when none did.
    package var rule: RequestRule? {
        switch self {
        case .allow(.matched(let rule)), .deny(.matched(let rule)): rule
        case .allow(.noAllowPolicies), .deny(.noneAllowed): nil
        }
    }

    package var description: String {
        switch self {
        case .allow(.noAllowPolicies): "allowed: no allow policies are in force"
        case .allow(.matched(let rule)): "allowed by \(rule)"
        case .deny(.matched(let rule)): "explicitly denied by \(rule)"
        case .deny(.noneAllowed(let count)):
            "allow policies exist, but none of \(count) matched; add the caller to one of them"
        }
    }
}

/// A verdict, the audit mark, and what policies in dry run would have said.
package struct RequestDecision: Sendable {
    package let verdict: RequestVerdict
    /// The audit rule that matches: loggers keep such a request.
    package let audit: RequestRule?
    package let dryRunDeny: DryRun
    package let dryRunAllow: DryRun

    package enum DryRun: Sendable {
        case noPolicies
        case matched(RequestRule)
        case notMatched
    }

    /// The dry run's results as the reference reports them, in the namespace `envoy.filters.http.rbac`.
    package var shadowResults: [(key: String, value: String)] {
        Self.shadow("allow", dryRunAllow, matched: "allowed", notMatched: "denied")
            + Self.shadow("deny", dryRunDeny, matched: "denied", notMatched: "allowed")
    }

    private static func shadow(
        _ action: String, _ result: DryRun, matched: String, notMatched: String
    ) -> [(key: String, value: String)] {
        let prefix = "istio_dry_run_\(action)_shadow_"
        switch result {
        case .noPolicies: return []
        case .notMatched: return [(prefix + "engine_result", notMatched)]
        case .matched(let rule):
            return [(prefix + "engine_result", matched), (prefix + "effective_policy_id", rule.id)]
        }
    }
}

/// Whom CUSTOM policies want asked, before tokens are looked at.
package enum CustomStep: Sendable {
    case none
    /// Each must allow, in this order.
    case ask([Question])
    /// Nobody can be asked, so the request is refused.
    case deny(RequestRule, BadProvider)

    package struct Question: Sendable {
        package let provider: ExtensionProvider
        /// The rule that wants it.
        package let rule: RequestRule
    }

    package enum BadProvider: Sendable, Hashable, CustomStringConvertible {
        case unknown(String)
        /// It exists, for something else.
        case notAnAuthorizer(String)
        /// The policies name several, which is not switched on.
        case several([String])

        package var description: String {
            switch self {
            case .unknown(let name): "extension provider \"\(name)\" is not in the mesh configuration"
            case .notAnAuthorizer(let name): "extension provider \"\(name)\" is no external authorizer"
            case .several(let names):
                "policies name \(names.count) providers (\(names.joined(separator: ", "))); use one"
            }
        }
    }

    /// The policy id that a refusal without a provider reports.
    package static func badProviderID(_ rule: RequestRule) -> String { rule.id + "-deny-due-to-bad-CUSTOM-action" }
}
