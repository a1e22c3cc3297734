import MeshCore
import MeshPolicy
import Testing

/// Fields of a source. Numbers are those of the cases in the policy reference.
@Suite("Layer 7 sources")
struct SourceFieldTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let what: String
        let rule: SecurityRule
        var identity: String? = "cluster.local/ns/a/sa/one"
        let isMatch: Bool
        var testDescription: String { what }
    }

    static func principal(_ value: String) -> SecurityRule { .from { $0.principals = Criterion([value]) } }
    static func namespace(_ value: String) -> SecurityRule { .from { $0.namespaces = Criterion([value]) } }
    static func domain(_ value: String) -> SecurityRule { .from { $0.trustDomains = Criterion([value]) } }
    static func account(_ value: String) -> SecurityRule {
        .from { $0.serviceAccounts = Criterion([value].compactMap { ServiceAccountReference($0) }) }
    }

    static let cases = [
        Case(what: "15: exact principal", rule: principal("cluster.local/ns/a/sa/one"), isMatch: true),
        Case(what: "16: principal with scheme", rule: principal("spiffe://cluster.local/ns/a/sa/one"), isMatch: false),
        Case(what: "17: any principal, no identity", rule: principal("*"), identity: nil, isMatch: false),
        Case(what: "any principal", rule: principal("*"), isMatch: true),
        Case(what: "18: suffix", rule: principal("*/sa/x"), identity: "td9/ns/q/sa/x", isMatch: true),
        Case(what: "18: suffix, other account", rule: principal("*/sa/x"), isMatch: false),
        Case(what: "19: prefix", rule: principal("td/ns/a/*"), identity: "td/ns/a/sa/one", isMatch: true),
        Case(
            what: "19: prefix, other domain", rule: principal("td/ns/a/*"), identity: "td2/ns/a/sa/one", isMatch: false),
        Case(what: "22: namespaces pro*", rule: namespace("pro*"), identity: "td/ns/prod/sa/x", isMatch: true),
        Case(what: "22: namespaces pro*", rule: namespace("pro*"), identity: "td/ns/production/sa/x", isMatch: true),
        Case(what: "23: namespaces a*b", rule: namespace("a*b"), identity: "td/ns/axb/sa/x", isMatch: true),
        Case(what: "23: namespaces a*b", rule: namespace("a*b"), identity: "td/ns/ab/sa/x", isMatch: true),
        Case(what: "23: namespaces a*b", rule: namespace("a*b"), identity: "td/ns/axbc/sa/x", isMatch: false),
        Case(what: "24: foo is not foobar", rule: namespace("foo"), identity: "td/ns/foobar/sa/x", isMatch: false),
        Case(what: "a star stays in its part", rule: namespace("*sa"), identity: "td/ns/a/sa/x", isMatch: false),
        Case(what: "an account is no namespace", rule: namespace("sa"), identity: "td/ns/ns/sa/x", isMatch: false),
        Case(what: "any namespace, no identity", rule: namespace("*"), identity: nil, isMatch: false),
        Case(what: "25: bare account is one of ns", rule: account("sa"), identity: "td/ns/ns/sa/sa", isMatch: true),
        Case(what: "25: bare account elsewhere", rule: account("sa"), identity: "td/ns/other/sa/sa", isMatch: false),
        Case(what: "26: account in another domain", rule: account("n/sa"), identity: "td9/ns/n/sa/sa", isMatch: true),
        Case(what: "26: longer account", rule: account("n/sa"), identity: "td9/ns/n/sa/sa2", isMatch: false),
        Case(what: "29: td1 is not td10", rule: domain("td1"), identity: "td10/ns/a/sa/x", isMatch: false),
        Case(what: "30: *.corp", rule: domain("*.corp"), identity: "a.corp/ns/a/sa/x", isMatch: true),
        Case(what: "30: *.corp", rule: domain("*.corp"), identity: "a.corp.x/ns/a/sa/x", isMatch: false),
        Case(what: "any domain", rule: domain("*"), isMatch: true),
        Case(what: "any domain, no identity", rule: domain("*"), identity: nil, isMatch: false),
    ]

    @Test("match", arguments: cases)
    func match(_ item: Case) {
        #expect(matches(item.rule, Request.with { $0.identity = item.identity }) == item.isMatch)
    }

    @Test("20, 21: without identity every negative field matches")
    func absent() {
        let facts = Request.with { $0.identity = nil }
        for rule in [
            SecurityRule.from { $0.principals = Criterion([], not: ["x"]) },
            .from { $0.namespaces = Criterion([], not: ["x"]) }, .from { $0.trustDomains = Criterion([], not: ["*"]) },
            .from { $0.serviceAccounts = Criterion([], not: [ServiceAccountReference(name: "x")]) },
            .from { $0.requestPrincipals = Criterion([], not: ["*"]) },
        ] {
            #expect(!decide(.make(.deny, rule), of: facts).verdict.isAllowed)
            #expect(matches(rule, facts))
        }
    }

    @Test(
        "27: a service account has no wildcard, and at most one slash", arguments: ["*", "a*", "a/b/c", "/a", "a/", ""])
    func accountForm(text: String) {
        #expect(ServiceAccountReference(text) == nil)
    }

    @Test("31: ipBlocks look at the connection, whatever headers say")
    func directAddress() {
        let facts = Request.with { $0.headers = [("x-forwarded-for", "192.168.1.1")] }
        #expect(matches(.from { $0.ipBlocks = Criterion(blocks("10.0.0.0/8")) }, facts))
        #expect(!matches(.from { $0.ipBlocks = Criterion(blocks("192.168.0.0/16")) }, facts))
    }

    @Test(
        "32, 33: remoteIpBlocks look at the last entry of X-Forwarded-For",
        arguments: [
            ("1.1.1.1, 2.2.2.2", "2.2.2.2"), ("2.2.2.2,1.1.1.1 ", "1.1.1.1"), ("nonsense", "10.0.0.1"),
            (nil, "10.0.0.1"),
            ("", "10.0.0.1"), ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]:80", "2001:db8::1"),
            ("1.1.1.1,", "10.0.0.1"),
        ])
    func forwarded(header: String?, expected: String) throws {
        let facts = Request.with { $0.headers = header.map { [("x-forwarded-for", $0)] } ?? [] }
        #expect(facts.remote.description == expected)
        let block = try #require(CIDR(expected))
        #expect(matches(.from { $0.remoteIPBlocks = Criterion([block]) }, facts))
        #expect(matches(.when("remote.ip", [expected]), facts))
    }

    @Test("of a repeated X-Forwarded-For the last field counts")
    func repeated() {
        let facts = Request.with { $0.headers = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")] }
        #expect(facts.remote.description == "2.2.2.2")
    }

    @Test("34: an IPv6 block takes what is in it")
    func v6() {
        let rule = SecurityRule.from { $0.ipBlocks = Criterion(blocks("2001:db8:0:1::/64")) }
        #expect(matches(rule, Request.with { $0.source = "2001:db8:0:1:ffff::1" }))
        #expect(!matches(rule, Request.with { $0.source = "2001:db8:0:2::1" }))
        #expect(!matches(rule))
    }

    // MARK: Trust domain aliases

    @Test("86: a principal of the trust domain means every name of it, at layer 7")
    func aliases() {
        let settings = mesh {
            $0.trustDomain = "td0"
            $0.trustDomainAliases = ["td1"]
        }
        for domain in ["td0", "td1"] {
            let facts = Request.with { $0.identity = "\(domain)/ns/a/sa/b" }
            #expect(matches(Self.principal("cluster.local/ns/a/sa/b"), facts, settings: settings))
            #expect(matches(Self.domain("td0"), facts, settings: settings))
            #expect(!matches(Self.domain("cluster.local"), facts, settings: settings))
        }
        let foreign = Request.with { $0.identity = "td2/ns/a/sa/b" }
        #expect(!matches(Self.principal("td1/ns/a/sa/b"), foreign, settings: settings))
        #expect(matches(Self.principal("td2/ns/a/sa/b"), foreign, settings: settings))
    }

    @Test(
        "principals under trust domains new-td, old-td and other",
        arguments: [
            ("other/ns/a/sa/b", ["new-td/ns/a/sa/b", "old-td/ns/a/sa/b", "other/ns/a/sa/b"]),
            ("*-td/ns/a/sa/b", ["*-td/ns/a/sa/b", "other/ns/a/sa/b"]),
            ("ot*/ns/a/sa/b", ["new-td/ns/a/sa/b", "old-td/ns/a/sa/b", "other/ns/a/sa/b"]),
            ("cluster.local/ns/a/sa/*", ["new-td/ns/a/sa/*", "old-td/ns/a/sa/*", "other/ns/a/sa/*"]),
            ("foreign/ns/a/sa/b", ["foreign/ns/a/sa/b"]), ("*/ns/a/sa/b", ["*/ns/a/sa/b"]), ("other", ["other"]),
            ("other/ns/a/sa/b/c", ["other/ns/a/sa/b/c"]), ("*", ["*"]),
        ])
    func expansion(value: String, expected: [String]) {
        let aliases = TrustDomainAliases(
            mesh {
                $0.trustDomain = "new-td"
                $0.trustDomainAliases = ["old-td", "other"]
            })
        #expect(aliases.principals(value) == expected)
        #expect(aliases.isForeign(value) == (value == "foreign/ns/a/sa/b"))
    }
}
