import MeshCore
import MeshPolicy
import Testing

/// The index must never change a verdict: policies drawn at random are judged with it, and one by one without it.
@Suite("Rule index")
struct RuleIndexTests {
    struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(sides)) }
        mutating func pick<T>(_ from: [T]) -> T { from[roll(from.count)] }
    }

    private static let namespaces = ["a", "b", "ab", "long-namespace"]
    private static let accounts = ["one", "two"]
    private static let blocks = ["10.0.0.0/8", "10.0.0.1", "127.0.0.0/31", "0.0.0.0/0", "2001:db8::/32", "::/0", "::1"]

    private static func pattern(_ dice: inout Dice, _ texts: [String]) -> AuthorizationPolicy.StringMatch {
        let text = dice.pick(texts)
        switch dice.roll(5) {
        case 0: return .prefix(String(text.prefix(dice.roll(text.count + 1))))
        case 1: return .suffix(String(text.suffix(dice.roll(text.count + 1))))
        case 2 where dice.roll(3) == 0: return .presence
        default: return .exact(text)
        }
    }

    private static func randomMatch(_ dice: inout Dice) -> Match {
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

    private static func policy(_ dice: inout Dice, _ number: Int) -> AuthorizationPolicy {
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
            rules: rules)
    }

    @Test("agrees with a policy at a time", arguments: 0..<40)
    func agrees(seed: Int) {
        var dice = Dice(state: UInt64(seed))
        for _ in 0..<20 {
            var policies: [AuthorizationPolicy] = []
            for number in 0..<1 + dice.roll(6) { policies.append(Self.policy(&dice, number)) }
            let engine = PolicyEngine(policies)
            let texts = ["10.0.0.1", "10.9.9.9", "127.0.0.1", "2001:db8::1", "::1"]
            for _ in 0..<20 {
                let identity =
                    dice.roll(4) == 0 ? nil : "td/ns/\(dice.pick(Self.namespaces))/sa/\(dice.pick(Self.accounts))"
                let facts = facts(
                    identity, from: IPAddress(dice.pick(texts)) ?? .anyV4, to: UInt16(80 + dice.roll(3)),
                    at: IPAddress(dice.pick(texts)) ?? .anyV4)
                let hits = engine.explain(facts).filter { $0.matchedRule != nil }.map(\.policy.policy.action)
                let expected =
                    !hits.contains(.deny) && (hits.contains(.allow) || !policies.contains { $0.action == .allow })
                #expect(engine.decide(facts).verdict.isAllowed == expected)
            }
        }
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
