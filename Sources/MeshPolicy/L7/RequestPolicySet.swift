package import MeshCore

/// The policies of one waypoint for one service (or for workloads), made ready to judge requests.
///
/// Made when policies change. Order: CUSTOM, then tokens (not here), AUDIT, DENY, ALLOW. Cost of a verdict: a few
/// look-ups for each action, whatever the number of policies; no allocation unless a provider has to be asked.
package struct RequestPolicySet: Sendable {
    /// By key.
    package let policies: [SecurityPolicy]
    package let problems: [PolicyProblem]
    /// For explanations.
    let compiled: [(policy: SecurityPolicy, rules: [RequestRule])]
    /// Enforced policies that allow, matching or not.
    private let allowCount: Int
    private let dryRunAllowCount: Int
    private let dryRunDenyCount: Int
    private let audit: RequestRuleIndex
    private let deny: RequestRuleIndex
    private let allow: RequestRuleIndex
    private let dryRunDeny: RequestRuleIndex
    private let dryRunAllow: RequestRuleIndex
    private let custom: [CustomGroup]

    private struct CustomGroup: Sendable {
        let provider: Result<ExtensionProvider, CustomProviderError>
        let rules: RequestRuleIndex
    }

    private struct CustomProviderError: Error { let reason: CustomStep.BadProvider }

    /// - Parameters:
    ///   - policies: those that are attached, see `PolicyAttachment`.
    ///   - severalProviders: whether CUSTOM policies may name more than one provider between them.
    package init(
        _ policies: [SecurityPolicy], settings: MeshSettings, chain: PolicyChain = .http,
        severalProviders: Bool = false
    ) {
        self.policies = policies.sorted {
            ($0.identity.namespace, $0.identity.name) < ($1.identity.namespace, $1.identity.name)
        }
        let aliases = TrustDomainAliases(settings)
        var problems: [PolicyProblem] = []
        var rules: [(policy: SecurityPolicy, rules: [RequestRule])] = []
        for policy in self.policies {
            var compiler = RequestRuleCompiler(policy, aliases, chain)
            rules.append((policy, compiler.rules()))
            problems += compiler.problems
        }
        self.problems = problems
        compiled = rules
        func index(_ action: SecurityPolicy.Action, dryRun: Bool = false) -> RequestRuleIndex {
            RequestRuleIndex(
                rules.filter { $0.policy.action == action && $0.policy.dryRun == dryRun }.flatMap(\.rules))
        }
        func count(_ action: SecurityPolicy.Action, dryRun: Bool) -> Int {
            policies.count { $0.action == action && $0.dryRun == dryRun }
        }
        audit = index(.audit)
        deny = index(.deny)
        allow = index(.allow)
        dryRunDeny = index(.deny, dryRun: true)
        dryRunAllow = index(.allow, dryRun: true)
        allowCount = count(.allow, dryRun: false)
        dryRunAllowCount = count(.allow, dryRun: true)
        dryRunDenyCount = count(.deny, dryRun: true)
        custom = Self.groups(
            rules.filter { $0.policy.action == .custom }, settings, chain, severalProviders: severalProviders)
    }

    private static func groups(
        _ rules: [(policy: SecurityPolicy, rules: [RequestRule])], _ settings: MeshSettings, _ chain: PolicyChain,
        severalProviders: Bool
    ) -> [CustomGroup] {
        let names = Set(rules.map { $0.policy.provider ?? "" }).sorted()
        if names.count > 1, !severalProviders {
            let all = RequestRuleIndex(rules.flatMap(\.rules))
            return [CustomGroup(provider: .failure(.init(reason: .several(names))), rules: all)]
        }
        return names.compactMap { name in
            let index = RequestRuleIndex(rules.filter { ($0.policy.provider ?? "") == name }.flatMap(\.rules))
            guard let provider = settings.extensionProviders.first(where: { $0.name == name }) else {
                return CustomGroup(provider: .failure(.init(reason: .unknown(name))), rules: index)
            }
            switch provider.service {
            case .other: return CustomGroup(provider: .failure(.init(reason: .notAnAuthorizer(name))), rules: index)
            // It wants a request to look at, and a TCP connection has none.
            case .httpAuthorizer where chain == .tcp: return nil
            case .httpAuthorizer, .grpcAuthorizer: return CustomGroup(provider: .success(provider), rules: index)
            }
        }
    }

    /// Whether any request can be refused, marked or reported at all.
    package var isEmpty: Bool { policies.isEmpty }

    /// Whom to ask before anything else.
    package func customStep(_ facts: RequestFacts) -> CustomStep {
        if custom.isEmpty { return .none }
        var questions: [CustomStep.Question] = []
        for group in custom {
            guard let rule = group.rules.first(facts) else { continue }
            switch group.provider {
            case .success(let provider): questions.append(.init(provider: provider, rule: rule))
            case .failure(let bad): return .deny(rule, bad.reason)
            }
        }
        return questions.isEmpty ? .none : .ask(questions)
    }

    /// Whether a request may pass, and why. `facts` has the claims of its valid token by now.
    package func decide(_ facts: RequestFacts) -> RequestDecision {
        RequestDecision(
            verdict: verdict(facts), audit: audit.first(facts),
            dryRunDeny: Self.dryRun(dryRunDenyCount, dryRunDeny, facts),
            dryRunAllow: Self.dryRun(dryRunAllowCount, dryRunAllow, facts))
    }

    private func verdict(_ facts: RequestFacts) -> RequestVerdict {
        if let rule = deny.first(facts) { return .deny(.matched(rule)) }
        if allowCount == 0 { return .allow(.noAllowPolicies) }
        if let rule = allow.first(facts) { return .allow(.matched(rule)) }
        return .deny(.noneAllowed(policies: allowCount))
    }

    private static func dryRun(
        _ count: Int, _ rules: RequestRuleIndex, _ facts: RequestFacts
    ) -> RequestDecision.DryRun {
        if count == 0 { return .noPolicies }
        return rules.first(facts).map { .matched($0) } ?? .notMatched
    }
}
