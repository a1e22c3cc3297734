package import MeshCore

/// Policies made ready to judge connections: those of a namespace, of the mesh, or those that select one workload.
///
/// Made when policies change, shared by all the workloads that they hold for. Cost: linear in the rules.
package final class PolicySet: Sendable {
    /// By key, so that the first that matches is the same one each time.
    package let policies: [CompiledPolicy]
    /// Enforced policies that allow, matching or not.
    let allowCount: Int
    let dryRunAllowCount: Int
    private let deny: RuleIndex
    private let allow: RuleIndex
    private let dryRunDeny: RuleIndex
    private let dryRunAllow: RuleIndex

    package init(_ policies: some Sequence<AuthorizationPolicy>) {
        let sorted = policies.map { CompiledPolicy($0) }.sorted { $0.key < $1.key }
        self.policies = sorted
        allowCount = sorted.count { $0.policy.action == .allow && !$0.policy.dryRun }
        dryRunAllowCount = sorted.count { $0.policy.action == .allow && $0.policy.dryRun }
        func index(_ action: AuthorizationPolicy.Action, dryRun: Bool) -> RuleIndex {
            var rules: [(RuleIndex.Position, AuthorizationPolicy.Rule)] = []
            for (number, compiled) in sorted.enumerated()
            where compiled.policy.action == action && compiled.policy.dryRun == dryRun {
                for (ruleNumber, rule) in compiled.policy.rules.enumerated() {
                    rules.append((RuleIndex.Position(policy: Int32(number), rule: Int32(ruleNumber)), rule))
                }
            }
            return RuleIndex(rules)
        }
        deny = index(.deny, dryRun: false)
        allow = index(.allow, dryRun: false)
        dryRunDeny = index(.deny, dryRun: true)
        dryRunAllow = index(.allow, dryRun: true)
    }

    /// A rule that matches, of the policies with that action.
    func firstMatch(
        _ facts: PolicyFacts, _ action: AuthorizationPolicy.Action, dryRun: Bool
    ) -> PolicyRuleReference? {
        let index =
            switch action {
            case .deny: dryRun ? dryRunDeny : deny
            case .allow: dryRun ? dryRunAllow : allow
            }
        if index.isEmpty { return nil }
        let found = index.first(facts) { policies[Int($0.policy)].policy.rules[Int($0.rule)].matches(facts) }
        return found.map { PolicyRuleReference(policy: policies[Int($0.policy)], rule: Int($0.rule)) }
    }
}

/// A policy with its key, made once.
package final class CompiledPolicy: Sendable {
    package let policy: AuthorizationPolicy
    /// `namespace/name`.
    package let key: String

    init(_ policy: AuthorizationPolicy) {
        self.policy = policy
        key = policy.key
    }
}

/// A rule of a policy, as verdicts name it.
package struct PolicyRuleReference: Sendable, CustomStringConvertible {
    package let policy: CompiledPolicy
    /// From 0, as in the list of rules.
    package let rule: Int

    package var description: String { "policy \(policy.key), rule \(rule)" }
}
