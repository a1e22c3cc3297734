import MeshCore
import MeshPolicy
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Policy semantics")
struct PolicySemanticsTests {
    @Test("102: what is empty")
    func empties() {
        #expect(!allows(.make(.allow)))
        #expect(allows(.make(.allow, [])))
        #expect(allows(.make(.allow, [[]])))
        #expect(!allows(.make(.allow, [[Match()]])))
        #expect(allows(.make(.allow, [[Match(), match { $0.destinationPorts = [80] }]])))
        #expect(allows(.make(.deny, [[Match()]])))
        #expect(!allows(.make(.deny, [])))
    }

    @Test("103: a clause of two namespaces, and one of a port")
    func clauses() {
        let policy = AuthorizationPolicy.make(
            .allow,
            [
                [match { $0.namespaces = [.exact("a")] }, match { $0.namespaces = [.exact("b")] }],
                [match { $0.destinationPorts = [80] }],
            ])
        for (identity, port, expected) in [
            ("td/ns/a/sa/x", UInt16(80), true), ("td/ns/b/sa/x", 80, true), ("td/ns/c/sa/x", 80, false),
            ("td/ns/a/sa/x", 81, false),
        ] {
            #expect(allows(policy, to: facts(identity, to: port)) == expected)
        }
    }

    @Test("104: either of two rules is enough")
    func rules() {
        let policy = AuthorizationPolicy.make(
            .allow, [[match { $0.namespaces = [.exact("a")] }]], [[match { $0.destinationPorts = [90] }]])
        #expect(allows(policy))
        #expect(allows(policy, to: facts("td/ns/c/sa/x", to: 90)))
        #expect(!allows(policy, to: facts("td/ns/c/sa/x")))
    }

    struct Field: Sendable, CustomTestStringConvertible {
        let name: String
        let set: @Sendable (inout Match) -> Void
        /// For plaintext, the peer that is meant, another peer.
        let holds: (plain: Bool, meant: Bool, other: Bool)
        var testDescription: String { name }
    }

    static let fields = [
        Field(name: "namespaces", set: { $0.namespaces = [.exact("a")] }, holds: (false, true, false)),
        Field(name: "notNamespaces", set: { $0.notNamespaces = [.exact("a")] }, holds: (true, false, true)),
        Field(name: "principals", set: { $0.principals = [.exact("td/ns/a/sa/one")] }, holds: (false, true, false)),
        Field(
            name: "notPrincipals", set: { $0.notPrincipals = [.exact("td/ns/a/sa/one")] }, holds: (true, false, true)),
        Field(name: "principals presence", set: { $0.principals = [.presence] }, holds: (false, true, true)),
        Field(name: "notPrincipals presence", set: { $0.notPrincipals = [.presence] }, holds: (true, false, false)),
        Field(name: "principals prefix empty", set: { $0.principals = [.prefix("")] }, holds: (false, true, true)),
        Field(
            name: "principals with scheme", set: { $0.principals = [.exact("spiffe://td/ns/a/sa/one")] },
            holds: (false, false, false)),
        Field(name: "namespaces presence", set: { $0.namespaces = [.presence] }, holds: (false, true, true)),
        Field(name: "namespaces prefix empty", set: { $0.namespaces = [.prefix("")] }, holds: (true, true, true)),
        Field(
            name: "serviceAccounts", set: { $0.serviceAccounts = [.init(namespace: "a", serviceAccount: "one")] },
            holds: (false, true, false)),
        Field(
            name: "notServiceAccounts", set: { $0.notServiceAccounts = [.init(namespace: "a", serviceAccount: "one")] },
            holds: (true, false, true)),
        Field(
            name: "sourceIPs", set: { $0.sourceIPs = [CIDR("127.0.0.1")].compactMap { $0 } }, holds: (true, true, true)),
        Field(
            name: "notSourceIPs", set: { $0.notSourceIPs = [CIDR("127.0.0.1")].compactMap { $0 } },
            holds: (false, false, false)),
        Field(
            name: "destinationIPs", set: { $0.destinationIPs = [CIDR("127.0.0.2/31")].compactMap { $0 } },
            holds: (true, true, true)),
        Field(
            name: "notDestinationIPs", set: { $0.notDestinationIPs = [CIDR("127.0.0.2/31")].compactMap { $0 } },
            holds: (false, false, false)),
        Field(name: "destinationPorts", set: { $0.destinationPorts = [79, 80] }, holds: (true, true, true)),
        Field(name: "notDestinationPorts", set: { $0.notDestinationPorts = [79, 80] }, holds: (false, false, false)),
        Field(name: "other port", set: { $0.destinationPorts = [81] }, holds: (false, false, false)),
    ]

    @Test("105: each field against plaintext, the peer that is meant, and another", arguments: fields)
    func field(_ field: Field) {
        let policy = AuthorizationPolicy.allow(field.set)
        #expect(allows(policy, to: facts(nil)) == field.holds.plain)
        #expect(allows(policy, to: facts("td/ns/a/sa/one")) == field.holds.meant)
        #expect(allows(policy, to: facts("td2/ns/b/sa/two")) == field.holds.other)
    }

    @Test("a service account is the same in every trust domain")
    func trustDomain() {
        let policy = AuthorizationPolicy.allow { $0.serviceAccounts = [.init(namespace: "a", serviceAccount: "one")] }
        #expect(allows(policy, to: facts("elsewhere/ns/a/sa/one")))
        #expect(!allows(policy, to: facts("td/ns/a/sa/oneone")))
    }

    @Test("106: host bits of a block do not count; families do not mix")
    func blocks() throws {
        for (block, address, expected) in [
            ("127.0.0.1/24", "127.0.0.4", true), ("127.0.0.1/24", "127.0.1.4", false), ("0.0.0.0/0", "9.9.9.9", true),
            ("::/0", "9.9.9.9", false), ("2001:db8::1/32", "2001:db8:ffff::", true),
            ("2001:db8::/33", "2001:db8:8000::", false),
            ("0.0.0.0/0", "2001:db8::", false), ("2001:db8::5/128", "2001:db8::5", true),
        ] {
            let ip = try #require(IPAddress(address))
            let policy = AuthorizationPolicy.allow { $0.sourceIPs = [CIDR(block)].compactMap { $0 } }
            #expect(allows(policy, to: facts(from: ip)) == expected, "\(block) \(address)")
            let destination = AuthorizationPolicy.allow { $0.destinationIPs = [CIDR(block)].compactMap { $0 } }
            #expect(allows(destination, to: facts(at: ip)) == expected)
        }
    }

    @Test(
        "107: kinds of text",
        arguments: [
            (AuthorizationPolicy.StringMatch.exact("td/ns/a/sa/one"), true), (.exact("td/ns/a/sa/On"), false),
            (.exact(""), false),
            (.prefix("td/ns/a"), true), (.prefix("td/ns/b"), false), (.prefix("td/ns/a/sa/one/more"), false),
            (.suffix("sa/one"), true), (.suffix("sa/two"), false), (.suffix("x/td/ns/a/sa/one"), false),
            (.suffix("ONE"), false), (.presence, true),
        ])
    func texts(_ pattern: AuthorizationPolicy.StringMatch, expected: Bool) {
        #expect(allows(.allow { $0.principals = [pattern] }) == expected)
        #expect(allows(.allow { $0.principals = [.exact("no"), pattern] }) == expected)
        #expect(allows(.allow { $0.notPrincipals = [pattern] }) == !expected)
    }

    @Test("108: deny beats allow; without allow policies all pass; with them, only who matches")
    func precedence() {
        #expect(allows())
        #expect(!allows(.make(.allow, []), .make(.deny, name: "d", [])))
        #expect(!allows(.allow { $0.namespaces = [.exact("b")] }))
        #expect(allows(.make(.deny, [[match { $0.namespaces = [.exact("b")] }]])))
    }

    @Test("109, 110: a dry run has no effect, and is told")
    func dryRun() {
        let deny = PolicyEngine([.make(.deny, name: "d", dryRun: true, []), .make(.allow, name: "a", dryRun: true, [])])
            .decide(facts())
        guard case .allow(.noAllowPolicies) = deny.verdict, case .matched(let allowed) = deny.dryRunAllow else {
            Issue.record("\(deny)")
            return
        }
        #expect(deny.dryRunDeny?.policy.key == "ns/d")
        #expect(allowed.policy.key == "ns/a")
        let other = AuthorizationPolicy.make(.allow, dryRun: true, [[match { $0.namespaces = [.exact("b")] }]])
        let unmatched = PolicyEngine([other]).decide(facts())
        guard case .allow(.noAllowPolicies) = unmatched.verdict, case .notMatched = unmatched.dryRunAllow else {
            Issue.record("\(unmatched)")
            return
        }
    }

    @Test("111: a policy that was named and not sent is skipped, and told")
    func missing() {
        let engine = PolicyEngine([], missing: ["ns/none"])
        #expect(engine.decide(facts()).verdict.isAllowed)
        #expect(engine.missing == ["ns/none"])
    }

    @Test("100: a strict policy closes plaintext and lets TLS through")
    func strict() {
        let strict = AuthorizationPolicy.make(.deny, [[match { $0.notPrincipals = [.presence] }]])
        #expect(!allows(strict, to: facts(nil)))
        #expect(allows(strict, to: facts()))
    }

    @Test("88: a verdict names the policy and the rule that decided, or that none allowed")
    func reasons() {
        let deny = PolicyEngine([
            .make(
                .deny, name: "d", [[match { $0.destinationPorts = [1] }]], [[match { $0.namespaces = [.exact("a")] }]])
        ])
        #expect(deny.decide(facts()).verdict.description == "explicitly denied by policy ns/d, rule 1")
        #expect(deny.decide(facts()).verdict.policyKey == "ns/d")
        let none = PolicyEngine([.allow { $0.namespaces = [.exact("b")] }]).decide(facts()).verdict
        #expect(none.description == "allow policies exist, but none of 1 matched; add the caller to one of them")
        #expect(none.policyKey == nil)
        #expect(PolicyEngine([]).decide(facts()).verdict.description == "allowed: no allow policies are in force")
    }

    @Test("an explanation names the field that did not hold")
    func explanation() {
        let engine = PolicyEngine([
            .make(
                .allow,
                [
                    [match { $0.destinationPorts = [80] }],
                    [
                        match { $0.namespaces = [.exact("b")] },
                        match { $0.sourceIPs = [CIDR("10.0.0.0/8")].compactMap { $0 } },
                    ],
                ])
        ])
        let explained = engine.explain(facts())
        #expect(explained.count == 1)
        #expect(explained[0].matchedRule == nil)
        #expect(
            explained[0].misses.map(\.description) == [
                "rule 0, clause 1, match 0: namespaces", "rule 0, clause 1, match 1: sourceIPs",
            ])
        #expect(engine.explain(facts("td/ns/b/sa/x"))[0].matchedRule == 0)
    }
}
