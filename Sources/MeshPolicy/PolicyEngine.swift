package import MeshCore

/// The policies that hold for one workload.
///
/// Source: spec of the node proxy, section 10. Cost of a verdict: a few look-ups for each set, whatever the number of
/// policies; no allocation.
package struct PolicyEngine: Sendable {
    private let sets: [PolicySet]
    private let allowCount: Int
    private let dryRunAllowCount: Int
    /// Keys of policies that the workload names and nobody sent. They are skipped, so whoever they would have refused
    /// gets in: worth a warning.
    package let missing: [String]

    /// - Parameter sets: the policies of the mesh, of the workload's namespace, and those that select it.
    package init(sets: [PolicySet], missing: [String] = []) {
        self.sets = sets.filter { !$0.policies.isEmpty }
        allowCount = sets.reduce(0) { $0 + $1.allowCount }
        dryRunAllowCount = sets.reduce(0) { $0 + $1.dryRunAllowCount }
        self.missing = missing
    }

    package init(_ policies: [AuthorizationPolicy], missing: [String] = []) {
        self.init(sets: [PolicySet(policies)], missing: missing)
    }

    /// Whether both judge by the same compiled policies. False may also mean that equal ones were compiled twice.
    package func isSame(as other: PolicyEngine) -> Bool { sets.elementsEqual(other.sets, by: ===) }

    /// Whether a connection may pass, and why.
    package func decide(_ facts: PolicyFacts) -> PolicyDecision {
        let dryRunDeny = firstMatch(facts, .deny, dryRun: true)
        if let rule = firstMatch(facts, .deny, dryRun: false) {
            return PolicyDecision(verdict: .deny(.matched(rule)), dryRunDeny: dryRunDeny, dryRunAllow: .noPolicies)
        }
        var dryRunAllow = PolicyDecision.DryRunAllow.noPolicies
        if dryRunAllowCount > 0 {
            dryRunAllow = firstMatch(facts, .allow, dryRun: true).map { .matched($0) } ?? .notMatched
        }
        let verdict: PolicyVerdict
        if allowCount == 0 {
            verdict = .allow(.noAllowPolicies)
        } else if let rule = firstMatch(facts, .allow, dryRun: false) {
            verdict = .allow(.matched(rule))
        } else {
            verdict = .deny(.noneAllowed(policies: allowCount))
        }
        return PolicyDecision(verdict: verdict, dryRunDeny: dryRunDeny, dryRunAllow: dryRunAllow)
    }

    /// Every policy in dry run that would deny, with its first rule that matches. For logs: not for the data path.
    package func dryRunDenials(_ facts: PolicyFacts) -> [PolicyRuleReference] {
        sets.flatMap(\.policies).filter { $0.policy.action == .deny && $0.policy.dryRun }.compactMap { policy in
            policy.policy.rules.firstIndex { $0.matches(facts) }.map { PolicyRuleReference(policy: policy, rule: $0) }
        }
    }

    private func firstMatch(
        _ facts: PolicyFacts, _ action: AuthorizationPolicy.Action, dryRun: Bool
    ) -> PolicyRuleReference? {
        for set in sets {
            if let rule = set.firstMatch(facts, action, dryRun: dryRun) { return rule }
        }
        return nil
    }

    /// What each policy says of a connection, for people. Not for the data path.
    package func explain(_ facts: PolicyFacts) -> [PolicyExplanation] {
        sets.flatMap { $0.policies }.map { PolicyExplanation($0, facts) }
    }
}

/// Why one policy matches a connection or not.
package struct PolicyExplanation: Sendable {
    /// A match that does not hold.
    package struct Miss: Sendable, Equatable, CustomStringConvertible {
        package let rule: Int
        package let clause: Int
        package let match: Int
        package let field: PolicyField
        package var description: String { "rule \(rule), clause \(clause), match \(match): \(field.rawValue)" }
    }

    package let policy: CompiledPolicy
    /// The first rule that matches.
    package let matchedRule: Int?
    /// For each rule that does not match, the matches of its first clause that fails.
    package let misses: [Miss]

    init(_ policy: CompiledPolicy, _ facts: PolicyFacts) {
        self.policy = policy
        var (matched, misses): (Int?, [Miss]) = (nil, [])
        for (number, rule) in policy.policy.rules.enumerated() {
            guard let failing = rule.clauses.firstIndex(where: { !$0.matches(facts) }) else {
                if matched == nil { matched = number }
                continue
            }
            for (index, match) in rule.clauses[failing].matches.enumerated() {
                guard let field = match.firstMiss(facts) else { continue }
                misses.append(Miss(rule: number, clause: failing, match: index, field: field))
            }
        }
        matchedRule = matched
        self.misses = misses
    }
}
