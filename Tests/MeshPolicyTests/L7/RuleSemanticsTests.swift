import MeshCore
import MeshPolicy
import Testing

/// Rules and verdicts. Numbers are those of the cases in the policy reference.
@Suite("Layer 7 rules")
struct RuleSemanticsTests {
    static let all = SecurityRule()
    static let never = SecurityRule.to { $0.methods = Criterion(["NEVER"]) }
    static let get = SecurityRule.to { $0.methods = Criterion(["GET"]) }

    struct Case: Sendable, CustomTestStringConvertible {
        let what: String
        let policies: [SecurityPolicy]
        let isAllowed: Bool
        var testDescription: String { what }
    }

    static let cases = [
        Case(what: "1: ALLOW without rules", policies: [.make()], isAllowed: false),
        Case(what: "2: ALLOW with an empty rule", policies: [.make(.allow, all)], isAllowed: true),
        Case(
            what: "3: DENY with an empty rule beats ALLOW",
            policies: [.make(.deny, named: "d", all), .make(.allow, all)],
            isAllowed: false),
        Case(what: "4: DENY without rules matches nothing", policies: [.make(.deny)], isAllowed: true),
        Case(what: "6: no policy", policies: [], isAllowed: true),
        Case(what: "7: only DENY, none matches", policies: [.make(.deny, never)], isAllowed: true),
        Case(
            what: "8: the second of two ALLOW matches",
            policies: [.make(.allow, named: "a", never), .make(.allow, named: "b", get)], isAllowed: true),
        Case(
            what: "9: DENY and ALLOW match", policies: [.make(.allow, named: "a", get), .make(.deny, named: "b", get)],
            isAllowed: false),
        Case(what: "65: only ALLOW in dry run", policies: [.make(.allow, dryRun: true, never)], isAllowed: true),
        Case(what: "64: DENY in dry run", policies: [.make(.deny, dryRun: true, all)], isAllowed: true),
    ]

    @Test("verdict", arguments: cases)
    func verdict(_ item: Case) {
        let set = RequestPolicySet(item.policies, settings: MeshSettings())
        #expect(set.decide(Request().facts).verdict.isAllowed == item.isAllowed)
    }

    @Test("10: AUDIT marks a request and refuses nothing")
    func audit() {
        let marked = decide(.make(.audit, Self.get))
        #expect(marked.verdict.isAllowed)
        #expect(marked.audit?.id == "ns[ns]-policy[policy]-rule[0]")
        #expect(decide(.make(.audit, Self.never)).audit == nil)
    }

    @Test("11: the second source is enough")
    func secondSource() {
        #expect(matches(.from({ $0.namespaces = Criterion(["x"]) }, { $0.namespaces = Criterion(["a"]) })))
    }

    @Test("12: from and to must both hold")
    func bothParts() {
        let rule = SecurityRule.from { $0.namespaces = Criterion(["a"]) }
        #expect(!matches(rule.and(Self.never)))
        #expect(matches(rule.and(Self.get)))
    }

    @Test("13: all fields of a source must hold")
    func allFields() {
        let rule = SecurityRule.from {
            $0.principals = Criterion(["cluster.local/ns/a/sa/one"])
            $0.ipBlocks = Criterion(blocks("192.168.0.0/16"))
        }
        #expect(!matches(rule))
    }

    @Test("14: a value that matches does not excuse a notValue that does")
    func valuesAndNotValues() {
        #expect(
            !matches(.when("request.headers[x-a]", ["v*"], not: ["v1"]), Request.with { $0.headers = [("x-a", "v1")] }))
        #expect(
            matches(.when("request.headers[x-a]", ["v*"], not: ["v1"]), Request.with { $0.headers = [("x-a", "v2")] }))
    }

    @Test("the smallest id of the rules that match is reported, as texts compare")
    func smallestID() {
        let rules = Array(repeating: Self.never, count: 2) + Array(repeating: Self.get, count: 9)
        var policy = SecurityPolicy.make(.deny)
        policy.rules = rules
        #expect(decide(policy).verdict.rule?.id == "ns[ns]-policy[policy]-rule[10]")
        let other = SecurityPolicy.make(.deny, named: "a", Self.get)
        #expect(decide(policy, other).verdict.rule?.id == "ns[ns]-policy[a]-rule[0]")
    }

    @Test("64, 65: a dry run is reported as the reference does")
    func shadow() {
        let denied = decide(.make(.deny, dryRun: true, Self.get)).shadowResults.map { "\($0.key)=\($0.value)" }
        #expect(
            denied == [
                "istio_dry_run_deny_shadow_engine_result=denied",
                "istio_dry_run_deny_shadow_effective_policy_id=ns[ns]-policy[policy]-rule[0]",
            ])
        let notAllowed = decide(.make(.allow, dryRun: true, Self.never)).shadowResults.map { "\($0.key)=\($0.value)" }
        #expect(notAllowed == ["istio_dry_run_allow_shadow_engine_result=denied"])
        #expect(decide(.make(.allow, Self.get)).shadowResults.isEmpty)
    }

    @Test(
        "66: the annotation takes the words of Go and no others",
        arguments: [("true", true), ("1", true), ("T", true), ("False", false), ("0", false), ("yes", nil), ("", nil)])
    func annotation(text: String, expected: Bool?) {
        #expect(SecurityPolicy.dryRun(annotation: text) == expected)
    }

    @Test("a verdict says which rule decided, or that none did")
    func reasons() {
        #expect(decide(.make(.deny, Self.get)).verdict.description == "explicitly denied by policy ns/policy, rule 0")
        #expect(decide(.make(.allow, Self.get)).verdict.description == "allowed by policy ns/policy, rule 0")
        #expect(
            decide(.make(.allow, Self.never)).verdict.description
                == "allow policies exist, but none of 1 matched; add the caller to one of them")
        #expect(decide().verdict.description == "allowed: no allow policies are in force")
    }

    // MARK: What cannot be done keeps people out

    @Test(
        "63: a rule with a part that cannot be compared allows nobody, and denies as if the part held",
        arguments: [
            SecurityRule.when("destination.name", ["x"]), .when("experimental.envoy.filters.f[k]", ["v"]),
            .when("source.ip", ["nonsense"]), .when("destination.port", ["99999"]),
            .when("source.serviceAccount", ["a/b/c"]), .path("/{**}/x/{*}"), .when("source.ip"),
            .from { _ in }, .to { _ in },
        ])
    func unusable(_ rule: SecurityRule) {
        #expect(!matches(rule))
        #expect(!decide(.make(.deny, rule)).verdict.isAllowed)
        let set = RequestPolicySet([.make(.deny, rule)], settings: MeshSettings())
        #expect(set.problems.count == 1)
        #expect(set.problems.first?.isLeftOut == false)
        #expect(RequestPolicySet([.make(.allow, rule)], settings: MeshSettings()).problems.first?.isLeftOut == true)
    }

    @Test("a rule that denies still needs its other parts")
    func otherParts() {
        let rule = SecurityRule.when("destination.name", ["x"]).and(Self.never)
        #expect(decide(.make(.deny, rule)).verdict.isAllowed)
    }

    // MARK: TCP

    @Test(
        "111: on a TCP port HTTP fields deny everything and allow nothing",
        arguments: [
            SecurityRule.path("/a"), .to { $0.hosts = Criterion(["h"]) },
            .to { $0.methods = Criterion([], not: ["GET"]) },
            .from { $0.requestPrincipals = Criterion(["*"]) }, .when("request.headers[x]", ["y"]),
            .when("request.auth.claims[a]", ["b"]),
        ])
    func tcp(_ rule: SecurityRule) {
        #expect(!decide(.make(.allow, rule), chain: .tcp).verdict.isAllowed)
        #expect(!decide(.make(.deny, rule), chain: .tcp).verdict.isAllowed)
        #expect(decide(.make(.audit, rule), chain: .tcp).audit != nil)
    }

    @Test("on a TCP port the parts that can be seen still count")
    func tcpPort() {
        let rule = SecurityRule.to {
            $0.paths = Criterion(["/a"])
            $0.ports = Criterion([8080])
        }
        #expect(decide(.make(.deny, rule), chain: .tcp).verdict.isAllowed)
        #expect(
            !decide(.make(.deny, rule), of: Request.with { $0.destination = "10.96.0.1:8080" }, chain: .tcp).verdict
                .isAllowed)
        #expect(
            matchesTCP(.when("connection.sni", ["*.example.com"]), Request.with { $0.serverName = "a.example.com" }))
        #expect(matchesTCP(.from { $0.remoteIPBlocks = Criterion(blocks("10.0.0.0/8")) }))
    }

    private func matchesTCP(_ rule: SecurityRule, _ facts: RequestFacts = Request().facts) -> Bool {
        decide(.make(.allow, rule), of: facts, chain: .tcp).verdict.isAllowed
    }

    // MARK: Many policies

    @Test("a verdict among ten thousand policies names the right one")
    func many() {
        var policies: [SecurityPolicy] = []
        for number in 0..<10_000 {
            policies.append(
                .make(
                    .allow, named: "p\(number)",
                    SecurityRule.from { $0.principals = Criterion(["cluster.local/ns/a/sa/s\(number)"]) }
                        .and(.path("/api/{*}"))))
        }
        let set = RequestPolicySet(policies, settings: MeshSettings())
        let facts = Request.with {
            $0.identity = "cluster.local/ns/a/sa/s7777"
            $0.target = "/api/x"
        }
        #expect(set.decide(facts).verdict.rule?.policy.identity.name == "p7777")
        #expect(!set.decide(Request().facts).verdict.isAllowed)
    }
}
