import MeshCore
import MeshPolicy
import Testing

/// What is left of policies at layer 4. Numbers are those of the cases in the policy reference.
@Suite("Translation to layer 4")
struct L4TranslationTests {
    private func translate(_ policy: SecurityPolicy) -> (
        policy: AuthorizationPolicy?, findings: [L4Translation.Finding]
    ) {
        let translation = L4Translation(policy, settings: MeshSettings())
        guard case .sent(let sent) = translation.outcome else { return (nil, translation.findings) }
        return (sent, translation.findings)
    }

    private func allows(_ policy: SecurityPolicy, _ facts: PolicyFacts = facts("td/ns/a/sa/one")) -> Bool? {
        translate(policy).policy.map { PolicyEngine([$0]).decide(facts).verdict.isAllowed }
    }

    static let namespaceA = SecurityRule.from { $0.namespaces = Criterion(["a"]) }
    static let post = SecurityRule.to { $0.methods = Criterion(["POST"]) }
    static let postOn80 = SecurityRule.to {
        $0.methods = Criterion(["POST"])
        $0.ports = Criterion([80])
    }

    @Test("79, 80: a rule that allows is left out with its HTTP fields, the others stay")
    func allow() {
        #expect(allows(.make(.allow, Self.post)) == false)
        #expect(allows(.make(.allow, Self.post, Self.namespaceA)) == true)
        let findings = translate(.make(.allow, Self.post, Self.namespaceA)).findings
        #expect(findings.map(\.effect) == [.leftOut])
        #expect(findings.first?.attributes == ["methods"])
    }

    @Test("rules that are sent keep the numbers under which they were written")
    func numbers() {
        let policy = SecurityPolicy.make(.allow, Self.namespaceA, Self.post, SecurityRule(), Self.post, Self.namespaceA)
        #expect(L4Translation(policy, settings: MeshSettings()).ruleNumbers == [0, 2, 4])
        #expect(
            L4Translation(.make(.deny, Self.post, Self.namespaceA), settings: MeshSettings()).ruleNumbers == [0, 1])
        #expect(L4Translation(.make(.audit, Self.post), settings: MeshSettings()).ruleNumbers.isEmpty)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let what: String
        let rule: SecurityRule
        let isDenied: Bool
        let effect: L4Translation.Finding.Effect?
        var testDescription: String { what }
    }

    static let denials = [
        Case(what: "82: port 80 and POST", rule: postOn80, isDenied: true, effect: .wider),
        Case(what: "a namespace, port 80 and POST", rule: namespaceA.and(postOn80), isDenied: true, effect: .wider),
        Case(what: "POST only", rule: post, isDenied: false, effect: .noEffect),
        Case(
            what: "81: a namespace, and POST without a port", rule: namespaceA.and(post), isDenied: false,
            effect: .noEffect),
        Case(
            what: "a namespace and a header", rule: namespaceA.and(.when("request.headers[x]", ["y"])), isDenied: false,
            effect: .noEffect),
        Case(
            what: "POST, or port 80", rule: post.and(.to { $0.ports = Criterion([80]) }), isDenied: true, effect: .wider
        ),
        Case(what: "a namespace", rule: namespaceA, isDenied: true, effect: nil),
        Case(
            what: "an address that cannot be read", rule: .when("source.ip", ["nonsense"]), isDenied: false,
            effect: .noEffect),
    ]

    @Test("DENY rules", arguments: denials)
    func deny(_ item: Case) {
        #expect(allows(.make(.deny, item.rule)) == !item.isDenied)
        #expect(translate(.make(.deny, item.rule)).findings.first?.effect == item.effect)
    }

    @Test("83, 84: an empty rule matches all, no rule nothing")
    func empties() {
        #expect(translate(.make(.allow, SecurityRule())).policy?.rules == [AuthorizationPolicy.Rule()])
        #expect(allows(.make(.allow, SecurityRule())) == true)
        #expect(allows(.make(.allow)) == false)
    }

    @Test("85: a trust domain is not known here, and does not make a rule wider")
    func trustDomains() {
        let rule = SecurityRule.from {
            $0.namespaces = Criterion(["a"])
            $0.trustDomains = Criterion(["td1"])
        }
        #expect(allows(.make(.allow, rule)) == false)
        #expect(translate(.make(.allow, rule)).findings.first?.attributes == ["trustDomains"])
    }

    @Test("87: a principal is taken as it is written, without aliases")
    func aliases() {
        let settings = mesh { $0.trustDomainAliases = ["td1"] }
        let rule = SecurityRule.from { $0.principals = Criterion(["cluster.local/ns/a/sa/b"]) }
        guard case .sent(let sent) = L4Translation(.make(.allow, rule), settings: settings).outcome else { return }
        #expect(!PolicyEngine([sent]).decide(facts("td1/ns/a/sa/b")).verdict.isAllowed)
        #expect(PolicyEngine([sent]).decide(facts("cluster.local/ns/a/sa/b")).verdict.isAllowed)
    }

    @Test("23: a star inside a namespace is only a character")
    func star() {
        #expect(allows(.make(.allow, .from { $0.namespaces = Criterion(["a*b"]) }), facts("td/ns/axb/sa/x")) == false)
    }

    @Test("clauses come in the order to, from, when; bare accounts are those of the namespace")
    func shape() {
        let rule = Self.namespaceA.and(.to { $0.ports = Criterion([80], not: [81]) })
            .and(.when("destination.port", ["1"], not: ["2"])).and(.when("source.serviceAccount", ["x"]))
        let clauses = translate(.make(.deny, rule)).policy?.rules.first?.clauses ?? []
        #expect(
            clauses == [
                Clause(
                    matches: [
                        match {
                            $0.destinationPorts = [80]
                            $0.notDestinationPorts = [81]
                        }
                    ]), Clause(matches: [match { $0.namespaces = [.exact("a")] }]),
                Clause(
                    matches: [
                        match {
                            $0.destinationPorts = [1]
                            $0.notDestinationPorts = [2]
                        }
                    ]), Clause(matches: [Match()]),
            ])
        let account = SecurityRule.from {
            $0.serviceAccounts = Criterion([.init(name: "x"), .init(namespace: "n", name: "y")])
        }
        #expect(
            translate(.make(.allow, account)).policy?.rules.first?.clauses.first?.matches.first?.serviceAccounts
                == [.init(namespace: "ns", serviceAccount: "x"), .init(namespace: "n", serviceAccount: "y")])
    }

    @Test("67: what is not sent says why")
    func notSent() {
        func reason(_ policy: SecurityPolicy) -> L4Translation.Outcome.Reason? {
            guard case .notSent(let reason) = L4Translation(policy, settings: MeshSettings()).outcome else {
                return nil
            }
            return reason
        }
        #expect(reason(.make(.deny, dryRun: true)) == .dryRun)
        #expect(reason(.make(.audit)) == .action(.audit))
        #expect(reason(.make(.custom)) == .action(.custom))
        #expect(reason(.make(targets: [.init(kind: .service, name: "x")])) == .hasTargets)
        #expect(reason(.make()) == nil)
    }

    @Test("63, 76: scopes, and an empty selector that selects all")
    func scopes() {
        #expect(translate(.make()).policy?.scope == .namespace)
        #expect(translate(.make(namespace: "istio-system")).policy?.scope == .global)
        #expect(translate(.make(selector: .labels(["a": "b"]))).policy?.scope == .workloadSelector)
        let empty = L4Translation(.make(selector: .empty), settings: MeshSettings())
        #expect(empty.hasEmptySelector)
        #expect(translate(.make(selector: .empty)).policy?.scope == .namespace)
        #expect(WorkloadSelector.empty.selects([:]))
    }

    /// Where both engines know every field, they must say the same. Left out are the known differences: stars inside a
    /// namespace, aliases, and the address and port that each of them sees.
    @Test("says the same as layer 7 where nothing needs HTTP", arguments: 0..<40)
    func agrees(seed: Int) {
        var random = RandomPolicies(seed: 1000 + seed)
        var policies: [SecurityPolicy] = []
        while policies.count < 20 {
            var policy = random.policy(policies.count)
            policy.dryRun = false
            policy.rules.removeAll { Self.needsMore($0) }
            if policy.action != .audit { policies.append(policy) }
        }
        let translated = policies.compactMap { translate($0).policy }
        #expect(translated.count == policies.count)
        // Neither trust domain of the random world, so that no principal has another name.
        let engine = RequestPolicySet(policies, settings: mesh { $0.trustDomain = "elsewhere" })
        let lower = PolicyEngine(translated)
        for _ in 0..<max(1, PolicyPropertyTests.pairs / 40 / 20) {
            let request = random.request()
            let facts = request.facts
            let connection = PolicyFacts(source: facts.source, destination: facts.destination, peer: facts.peer)
            let (upper, below) = (engine.decide(facts).verdict, lower.decide(connection).verdict)
            if upper.isAllowed != below.isAllowed {
                Issue.record("seed \(seed): \(upper) at layer 7, \(below) at layer 4; \(request)")
                return
            }
        }
    }

    private static func needsMore(_ rule: SecurityRule) -> Bool {
        let hasHTTP = rule.to.contains { !$0.hosts.isEmpty || !$0.methods.isEmpty || !$0.paths.isEmpty }
        let hasSource = rule.from.contains {
            !$0.remoteIPBlocks.isEmpty || !$0.requestPrincipals.isEmpty || !$0.trustDomains.isEmpty
                || ($0.namespaces.values + $0.namespaces.notValues).contains { isPeculiar($0) }
                || ($0.principals.values + $0.principals.notValues).contains { $0.hasPrefix("cluster.local/") }
        }
        let hasCondition = rule.when.contains { condition in
            switch condition.key {
            case "source.ip", "destination.ip", "destination.port": false
            case "source.namespace": (condition.values.values + condition.values.notValues).contains { isPeculiar($0) }
            case "source.principal":
                (condition.values.values + condition.values.notValues).contains { $0.hasPrefix("cluster.local/") }
            default: true
            }
        }
        return hasHTTP || hasSource || hasCondition
    }

    /// Stars that the two read differently.
    private static func isPeculiar(_ text: String) -> Bool {
        text.dropFirst().dropLast().contains("*") || text == "**" || (text.hasPrefix("*") && text.hasSuffix("*"))
    }
}
