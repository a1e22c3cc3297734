import MeshCore
import MeshTestSupport
import Testing

@testable import MeshPolicy

/// The index must never change a verdict: policies drawn at random are judged with it, and one by one without it.
@Suite("Rule index")
struct RuleIndexTests {
    private static let namespaces = ["a", "b", "ab", "long-namespace"]
    private static let accounts = ["one", "two"]
    private static let blocks = ["10.0.0.0/8", "10.0.0.1", "127.0.0.0/31", "0.0.0.0/0", "2001:db8::/32", "::/0", "::1"]

    private static func pattern(_ dice: inout SplitMix, _ texts: [String]) -> AuthorizationPolicy.StringMatch {
        let text = dice.pick(texts)
        switch dice.roll(5) {
        case 0: return .prefix(String(text.prefix(dice.roll(text.count + 1))))
        case 1: return .suffix(String(text.suffix(dice.roll(text.count + 1))))
        case 2 where dice.roll(3) == 0: return .presence
        default: return .exact(text)
        }
    }

    private static func randomMatch(_ dice: inout SplitMix) -> Match {
        var match = Match()
        let principals = namespaces.flatMap { name in accounts.map { "td/ns/\(name)/sa/\($0)" } }
        for _ in 0..<dice.roll(3) {
            switch dice.roll(12) {
            case 0: match.namespaces.append(pattern(&dice, namespaces))
            case 1: match.notNamespaces.append(pattern(&dice, namespaces))
            case 2, 3: match.principals.append(pattern(&dice, principals))
            case 4: match.notPrincipals.append(pattern(&dice, principals))
            case 5:
                match.serviceAccounts.append(
                    .init(namespace: dice.pick(namespaces), serviceAccount: dice.pick(accounts)))
            case 6:
                match.notServiceAccounts.append(
                    .init(namespace: dice.pick(namespaces), serviceAccount: dice.pick(accounts)))
            case 7: match.sourceIPs += [CIDR(dice.pick(blocks))].compactMap { $0 }
            case 8: match.notSourceIPs += [CIDR(dice.pick(blocks))].compactMap { $0 }
            case 9: match.destinationIPs += [CIDR(dice.pick(blocks))].compactMap { $0 }
            case 10: match.notDestinationPorts.append(UInt16(80 + dice.roll(2)))
            default: match.destinationPorts.append(UInt16(80 + dice.roll(3)))
            }
        }
        return match
    }

    private static func policy(_ dice: inout SplitMix, _ number: Int) -> AuthorizationPolicy {
        var rules: [Rule] = []
        for _ in 0..<dice.roll(3) {
            var clauses: [Clause] = []
            for _ in 0..<dice.roll(3) {
                var matches: [Match] = []
                for _ in 0..<dice.roll(3) { matches.append(randomMatch(&dice)) }
                clauses.append(Clause(matches: matches))
            }
            rules.append(Rule(clauses: clauses))
        }
        return AuthorizationPolicy(
            name: "p\(number)", namespace: "ns", scope: .namespace, action: dice.roll(2) == 0 ? .allow : .deny,
            rules: rules, dryRun: dice.roll(5) == 0)
    }

    private static let addresses = ["10.0.0.1", "10.9.9.9", "127.0.0.1", "2001:db8::1", "::1"].compactMap {
        IPAddress($0)
    }

    private static func randomFacts(_ dice: inout SplitMix) -> PolicyFacts {
        let identity = dice.roll(4) == 0 ? nil : "td/ns/\(dice.pick(namespaces))/sa/\(dice.pick(accounts))"
        return facts(
            identity, from: dice.pick(addresses), to: UInt16(80 + dice.roll(3)), at: dice.pick(addresses))
    }

    /// The verdict by the definition: each policy, each rule, in any order.
    private static func agrees(_ policies: [AuthorizationPolicy], _ engine: PolicyEngine, _ facts: PolicyFacts) -> Bool
    {
        func matches(_ action: AuthorizationPolicy.Action, dryRun: Bool) -> Bool {
            policies.contains { policy in
                policy.action == action && policy.dryRun == dryRun && policy.rules.contains { $0.matches(facts) }
            }
        }
        let decision = engine.decide(facts)
        let hasAllow = policies.contains { $0.action == .allow && !$0.dryRun }
        guard (decision.dryRunDeny != nil) == matches(.deny, dryRun: true) else { return false }
        switch decision.verdict {
        case .deny(.matched(let rule)):
            return rule.policy.policy.action == .deny && rule.policy.policy.rules[rule.rule].matches(facts)
        case .allow(.matched(let rule)):
            return rule.policy.policy.action == .allow && rule.policy.policy.rules[rule.rule].matches(facts)
                && !matches(.deny, dryRun: false)
        case .allow(.noAllowPolicies): return !hasAllow && !matches(.deny, dryRun: false)
        case .deny(.noneAllowed):
            return hasAllow && !matches(.allow, dryRun: false) && !matches(.deny, dryRun: false)
        }
    }

    @Test("agrees with a policy at a time, in 100,000 pairs of policies and connections", arguments: 0..<50)
    func agrees(seed: Int) {
        var dice = SplitMix(seed: UInt64(seed))
        var disagreements = 0
        for _ in 0..<20 {
            // Few policies, and so many that rules are filed again under a second and a third key.
            let count = dice.roll(3) == 0 ? 1 + dice.roll(60) : 1 + dice.roll(6)
            let policies = (0..<count).map { Self.policy(&dice, $0) }
            let engine = PolicyEngine(policies)
            for _ in 0..<100 where !Self.agrees(policies, engine, Self.randomFacts(&dice)) { disagreements += 1 }
        }
        #expect(disagreements == 0)
    }

    /// Sets of one shape, which send every rule down the same path of the index.
    static let shapes: [String: @Sendable (Int, inout Match) -> Void] = [
        "one port, many namespaces": { number, match in
            match.destinationPorts = [80]
            match.namespaces = [.exact(number % 50 == 7 ? "a" : "n\(number)")]
        },
        "one namespace, many forbidden ports": { number, match in
            match.namespaces = [.exact("a")]
            match.notDestinationPorts = [80, 81, UInt16(1000 + number)].filter { number % 60 != 11 || $0 != 81 }
        },
        "forbidden principals": { number, match in
            match.notPrincipals = [.exact("td/ns/a/sa/one"), .suffix("two"), .exact("td/ns/x/sa/\(number)")]
        },
        "forbidden presence": { number, match in
            match.notPrincipals = [.presence]
            match.notSourceIPs = [CIDR("10.0.0.0/\(8 + number % 8)"), CIDR("::/0")].compactMap { $0 }
        },
        "blocks of all lengths": { number, match in
            match.sourceIPs = [CIDR("10.0.\(number % 256).0/\(9 + number % 24)")].compactMap { $0 }
            match.destinationIPs = [CIDR("127.0.0.\(number % 256)/32")].compactMap { $0 }
        },
        "blocks that overlap, some ports forbidden": { number, match in
            match.sourceIPs = [CIDR("10.\(number % 10).\(number % 256).0/\(8 + number % 12)")].compactMap { $0 }
            match.notDestinationPorts = [80, 81, 82].filter { number % 7 != 3 || $0 == 81 }
        },
        "blocks that overlap, some ports needed": { number, match in
            match.sourceIPs = [CIDR("10.0.0.0/\(8 + number % 5)")].compactMap { $0 }
            // 144 and 145 share the bits of 80 and 81.
            match.destinationPorts = [UInt16(80 + number % 3), UInt16(144 + number % 2), UInt16(1000 + number)]
        },
        "presence and a port": { number, match in
            match.principals = [.presence]
            match.destinationPorts = [UInt16(80 + number % 2)]
            match.notNamespaces = [.prefix("a"), .exact("b\(number)")]
        },
    ]

    @Test("agrees where many rules share what they need or forbid", arguments: Array(shapes.keys).sorted())
    func shape(name: String) throws {
        let shape = try #require(Self.shapes[name])
        var dice = SplitMix(seed: 1)
        for action in AuthorizationPolicy.Action.allCases {
            let policies = (0..<300).map { number in
                AuthorizationPolicy.make(action, name: "p\(number)", [[match { shape(number, &$0) }]])
            }
            let engine = PolicyEngine(policies)
            for _ in 0..<200 {
                let facts = Self.randomFacts(&dice)
                #expect(Self.agrees(policies, engine, facts), "\(action) \(facts.source) \(facts.destinationPort)")
            }
        }
    }

    @Test("rules are left out by their ports only where each of them fails", arguments: 0..<20)
    func screens(seed: Int) {
        var dice = SplitMix(seed: UInt64(seed))
        var (wrong, hidden) = (0, 0)
        for _ in 0..<100 {
            let rules = (0..<1 + dice.roll(3)).flatMap { Self.policy(&dice, $0).rules }
            let position = RuleIndex.Position(policy: 0, rule: 0)
            let filed = rules.compactMap { rule in Filing(position, rule).map { (rule, $0) } }
            let screen = PortScreen(filed.map(\.1))
            for _ in 0..<20 {
                let facts = Self.randomFacts(&dice)
                if screen.passes(facts.destinationPort) { continue }
                hidden += 1
                if filed.contains(where: { $0.0.matches(facts) }) { wrong += 1 }
            }
        }
        #expect(wrong == 0)
        #expect(hidden > 0)
    }

    @Test("a text that only shares its key with a forbidden one is not taken for it")
    func collisions() {
        // Whoever may choose a name must not be able to make a deny rule skip him: values are compared, not hashes.
        let blocker = Blocker(value: .namespace(.exact("a")))
        #expect(blocker.isFact(facts("td/ns/a/sa/one")))
        #expect(!blocker.isFact(facts("td/ns/b/sa/one")))
        #expect(!blocker.isFact(facts(nil)))
    }

    @Test("equal rules of many policies are tried once, and the first policy is named")
    func equalRules() {
        let policies = (0..<100).map {
            AuthorizationPolicy.make(.deny, name: "p\($0 + 100)", [[match { $0.destinationPorts = [80] }]])
        }
        #expect(PolicyEngine(policies.reversed()).decide(facts()).verdict.policyKey == "ns/p100")
    }

    @Test("sets of several scopes are judged together")
    func sets() {
        let allow = PolicySet([.allow { $0.namespaces = [.exact("b")] }])
        let deny = PolicySet([.make(.deny, [[match { $0.destinationPorts = [81] }]])])
        let engine = PolicyEngine(sets: [PolicySet([]), allow, deny])
        #expect(!engine.decide(facts()).verdict.isAllowed)
        #expect(engine.decide(facts("td/ns/b/sa/x")).verdict.isAllowed)
        #expect(!engine.decide(facts("td/ns/b/sa/x", to: 81)).verdict.isAllowed)
    }
}
