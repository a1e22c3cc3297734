import MeshCore
import MeshKubernetes
import MeshPolicy
import MeshTestSupport
import Testing

@testable import MeshPolicyCheck

@Suite("Rules that others make superfluous")
struct ShadowTests {
    static let cart = "targetRefs: [{kind: Service, name: cart}]"
    static let pods = "selector: {matchLabels: {app: cart}}"
    static let web = "{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]}"
    static let anyone = "{from: [{source: {principals: ['*']}}]}"
    static let get = "{to: [{operation: {methods: [GET]}}]}"
    static let webGet =
        "{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}], to: [{operation: {methods: [GET]}}]}"

    private func checks(_ manifests: String...) -> [String] {
        Shop.lint(manifests.joined()).filter { $0.check == "unreachable-rule" || $0.check == "shadowed-policy" }
            .map { "\($0.object.split(separator: "/").last ?? "") \($0.check) \($0.message)" }
    }

    static let rules: [(rules: String, told: [String])] = [
        ("[\(get), \(get)]", ["rule 1 adds nothing: rule 0"]),
        ("[\(webGet), \(get)]", ["rule 0 adds nothing: rule 1"]),
        ("[{}, \(web)]", ["rule 1 adds nothing: rule 0"]),
        ("[\(web), \(get)]", []),
        ("[\(web), \(anyone)]", ["rule 0 adds nothing: rule 1"]),
        ("[{to: [{operation: {paths: ['/a*']}}]}, {to: [{operation: {paths: [/a/b]}}]}]", ["rule 1 adds nothing"]),
        ("[{to: [{operation: {paths: ['/a/{*}']}}]}, {to: [{operation: {paths: [/a/b/c]}}]}]", []),
        ("[{to: [{operation: {hosts: [A.example]}}]}, {to: [{operation: {hosts: [a.example]}}]}]", ["rule 1"]),
        (
            "[{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}, {from: [{source: {ipBlocks: [10.1.0.0/16]}}]}]",
            ["rule 1 adds nothing"]
        ),
        (
            "[{from: [{source: {namespaces: [a], notPrincipals: ['*/sa/x']}}]}, {from: [{source: {namespaces: [a]}}]}]",
            ["rule 0 adds nothing"]
        ),
    ]

    @Test("within one policy", arguments: rules)
    func repeats(rules: String, told: [String]) {
        let found = checks(Shop.policy("{\(Self.cart), rules: \(rules)}"))
        #expect(found.count == told.count, "\(found)")
        for (one, expected) in zip(found, told) { #expect(one.contains(expected)) }
    }

    @Test("a policy that DENY covers, or a wider ALLOW, is shadowed; one in another place is not")
    func policies() {
        let allowWeb = Shop.policy("{\(Self.cart), rules: [\(Self.webGet)]}", name: "narrow")
        let allowGet = Shop.policy("{\(Self.cart), rules: [\(Self.get)]}", name: "wide")
        #expect(checks(allowWeb, allowGet).map { $0.prefix(25) } == ["narrow shadowed-policy it"])
        let deny = Shop.policy("{\(Self.cart), action: DENY, rules: [\(Self.get)]}", name: "wide")
        #expect(checks(allowWeb, deny).first?.contains("it allows nobody: shop/wide, rule 0") ?? false)
        // DENY is not excused by an ALLOW.
        let denyWeb = Shop.policy("{\(Self.cart), action: DENY, rules: [\(Self.webGet)]}", name: "narrow")
        #expect(checks(denyWeb, allowGet).isEmpty)
        // The gateway is above its service, and not the other way round.
        let gateway = Shop.policy(
            "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: wp}], action: DENY, rules: [\(Self.get)]}",
            name: "wide")
        #expect(checks(denyWeb, gateway).count == 1)
        let narrowGateway = gateway.replacing("methods: [GET]", with: "methods: [GET], ports: ['80']")
        #expect(checks(Shop.policy("{\(Self.cart), action: DENY, rules: [\(Self.get)]}"), narrowGateway).isEmpty)
        // A selector, its namespace and the mesh.
        let pods = Shop.policy("{\(Self.pods), action: DENY, rules: [\(Self.web)]}", name: "narrow")
        for (namespace, count) in [("shop", 1), ("istio-system", 1), ("other", 0)] {
            let wide = Shop.policy("{action: DENY, rules: [\(Self.anyone)]}", name: "wide", namespace: namespace)
            #expect(checks(pods, wide).count == count, "\(namespace)")
        }
        // Of two that say the same one is told.
        #expect(checks(allowGet, allowGet.replacing("wide", with: "twin")).count == 1)
    }

    @Test("a policy in dry run shadows nothing, and is shadowed by nothing")
    func dryRun() {
        let deny = Shop.policy(
            "{\(Self.cart), action: DENY, rules: [\(Self.get)]}", name: "wide",
            annotations: "{istio.io/dry-run: 'true'}")
        #expect(checks(Shop.policy("{\(Self.cart), rules: [\(Self.webGet)]}"), deny).isEmpty)
    }

    @Test("what is said to cover a rule matches whatever that rule does", arguments: 0..<20)
    func sound(seed: Int) {
        var draw = SmallWorld(seed: UInt64(seed))
        let settings = MeshSettings()
        let aliases = TrustDomainAliases(settings)
        func set(_ rule: SecurityPolicy.Rule) -> RequestPolicySet {
            RequestPolicySet(
                [SecurityPolicy(ResourceIdentity(namespace: "a", name: "p"), action: .allow, rules: [rule])],
                settings: settings)
        }
        var (covered, never) = (0, 0)
        for _ in 0..<400 {
            let (wide, narrow) = (draw.rule(), draw.rule())
            let requests = (0..<60).map { _ in draw.facts() }
            let (outerCover, cover) = (
                RuleCover(wide, namespace: "a", aliases: aliases), RuleCover(narrow, namespace: "a", aliases: aliases)
            )
            if cover.contradiction != nil {
                never += 1
                let policies = set(narrow)
                #expect(!requests.contains { policies.decide($0).verdict.isAllowed }, "\(narrow)")
            }
            guard outerCover.covers(cover) else { continue }
            covered += 1
            let (outer, inner) = (set(wide), set(narrow))
            for facts in requests where inner.decide(facts).verdict.isAllowed {
                #expect(outer.decide(facts).verdict.isAllowed, "\(wide) does not cover \(narrow)")
            }
        }
        #expect(covered > 5 && never > 0, "the world is too large for the test to say anything")
    }
}

/// Rules and requests from so few values that they meet.
private struct SmallWorld {
    private var random: SplitMix

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    mutating func roll(_ sides: Int) -> Int { random.roll(sides) }
    mutating func pick<T>(_ values: [T]) -> T { random.pick(values) }

    private mutating func some(_ values: [String]) -> Criterion<String> {
        var result = Criterion<String>()
        for _ in 0...roll(2) {
            if roll(4) == 0 { result.notValues.append(pick(values)) } else { result.values.append(pick(values)) }
        }
        return result
    }

    static let principals = [
        "cluster.local/ns/a/sa/x", "cluster.local/ns/b/sa/x", "cluster.local/ns/a/*", "*/sa/x", "*",
    ]
    static let namespaces = ["a", "b", "ab", "a*", "*b", "*"]
    static let paths = ["/a", "/a/b", "/a*", "*/b", "*", "/a/{*}", "/{**}", "/a/{**}"]
    static let hosts = ["a.example", "A.Example", "*.example", "a*", "*"]
    static let words = ["x", "xy", "x*", "*y", "*"]

    mutating func rule() -> SecurityPolicy.Rule {
        var rule = SecurityPolicy.Rule()
        if roll(2) == 0 {
            var source = SecurityPolicy.Source()
            if roll(2) == 0 { source.principals = some(Self.principals) }
            if roll(3) == 0 { source.namespaces = some(Self.namespaces) }
            if roll(4) == 0 {
                source.ipBlocks = Criterion(
                    ["10.0.0.0/8", "10.0.0.0/24", "10.0.0.1"].prefix(roll(3) + 1).suffix(1).compactMap { CIDR($0) })
            }
            if source.isEmpty { source.namespaces = some(Self.namespaces) }
            rule.from.append(source)
        }
        if roll(2) == 0 {
            var operation = SecurityPolicy.Operation()
            if roll(2) == 0 { operation.methods = some(["GET", "POST", "P*", "*"]) }
            if roll(2) == 0 { operation.paths = some(Self.paths) }
            if roll(4) == 0 { operation.hosts = some(Self.hosts) }
            if roll(4) == 0 { operation.ports = Criterion([UInt16(80 + roll(2))]) }
            if operation.isEmpty { operation.methods = some(["GET", "POST"]) }
            rule.to.append(operation)
        }
        for _ in 0..<roll(3) {
            let (key, values): (String, [String]) =
                switch roll(4) {
                case 0: ("request.headers[x]", Self.words)
                case 1: ("source.namespace", Self.namespaces)
                case 2: ("source.principal", Self.principals)
                default: ("request.auth.claims[c]", Self.words)
                }
            rule.when.append(SecurityPolicy.Condition(key: key, values: some(values)))
        }
        return rule
    }

    mutating func facts() -> RequestFacts {
        let id = "spiffe://cluster.local/ns/\(pick(["a", "b", "ab"]))/sa/\(pick(["x", "y"]))"
        let peer = roll(6) == 0 ? nil : try? SPIFFEID(parsing: id)
        var facts = RequestFacts(
            peer: peer.map { PeerIdentity($0) },
            source: IPAddress(pick(["10.0.0.1", "10.0.0.2", "10.1.0.1"])) ?? .anyV4,
            destination: SocketAddress(.anyV4, UInt16(80 + roll(2))))
        facts.method = RequestText(pick(["GET", "POST", "PUT"]))
        facts.host = RequestText(pick(["a.example", "b.example", "a", "a.example:80"]))
        facts.target = RequestText(pick(["/", "/a", "/a/b", "/a/b/c", "/ab"]))
        for _ in 0..<roll(3) {
            facts.headers.append(HeaderField(name: RequestText("x"), value: RequestText(pick(["x", "xy", "y", ""]))))
        }
        if roll(2) == 0 {
            let claim: ClaimValue =
                roll(2) == 0 ? .string(pick(["x", "xy", "y"])) : .list([.string("x"), .string("y")])
            facts.claims = TokenClaims(["iss": .string("i"), "sub": .string("s"), "c": claim])
        }
        return facts
    }
}
