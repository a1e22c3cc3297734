import MeshCore
import MeshKubernetes
import Testing

@Suite("Validation of AuthorizationPolicies")
struct ValidationTests {
    /// Number of the case in the reference where it has one, `spec`, path of the only error, a word of its message or
    /// remedy that tells it from others.
    static let refused: [(String, String, String)] = [
        ("{action: DENY}", "spec", "needs rules"),  // 4
        ("{action: CUSTOM, provider: {name: x}}", "spec", "needs rules"),  // 5
        // 27
        ("{rules: [{from: [{source: {serviceAccounts: ['a*']}}]}]}", at("from[0].source.serviceAccounts[0]"), "a*"),
        (
            "{rules: [{from: [{source: {serviceAccounts: [a], principals: [b]}}]}]}",
            at("from[0].source.serviceAccounts"), "beside"
        ),  // 28
        ("{rules: [{to: [{operation: {paths: ['/{**}/x/{*}']}}]}]}", at("to[0].operation.paths[0]"), "{**}"),  // 47
        ("{rules: [{to: [{operation: {paths: ['/foo/{*}.txt']}}]}]}", at("to[0].operation.paths[0]"), "{*}"),  // 48
        ("{rules: [{to: [{operation: {paths: ['/foo/{*}/b*r']}}]}]}", at("to[0].operation.paths[0]"), "b*r"),  // 49
        ("{rules: [{when: [{key: source.adress, values: [a]}]}]}", at("when[0].key"), "known"),  // 63
        ("{rules: [{when: [{key: 'experimental.envoy.filters.f[k]', values: [a]}]}]}", at("when[0].key"), "Envoy"),
        ("{rules: [{when: [{key: destination.user, values: [a]}]}]}", at("when[0].key"), "no longer"),
        ("{rules: [{when: [{key: request.headers, values: [a]}]}]}", at("when[0].key"), "brackets"),
        ("{rules: [{when: [{key: source.ip}]}]}", at("when[0]"), "needs values"),
        ("{rules: [{when: [{key: source.ip, values: [10.0.0.0/33]}]}]}", at("when[0].values[0]"), "block"),
        ("{rules: [{when: [{key: destination.port, values: ['70000']}]}]}", at("when[0].values[0]"), "port"),
        ("{rules: [null]}", "spec.rules[0]", "null"),
        ("{rules: [{from: []}]}", at("from"), "empty list"),
        ("{rules: [{to: []}]}", at("to"), "empty list"),
        ("{rules: [{from: [null]}]}", at("from[0]"), "null"),
        ("{rules: [{from: [{source: {}}]}]}", at("from[0].source"), "at least one field"),
        ("{rules: [{to: [{operation: null}]}]}", at("to[0].operation"), "at least one field"),
        ("{rules: [{to: [{operation: {methods: ['']}}]}]}", at("to[0].operation.methods[0]"), "empty"),
        ("{rules: [{to: [{operation: {ports: [80]}}]}]}", at("to[0].operation.ports[0]"), "quotes"),
        ("{rules: [{to: [{operation: {ports: ['65536']}}]}]}", at("to[0].operation.ports[0]"), "65535"),
        ("{rules: [{to: [{operation: {method: [GET]}}]}]}", at("to[0].operation.method"), "\"methods\""),
        ("{rules: [{from: [{source: {ipBlocks: [10.0.0]}}]}]}", at("from[0].source.ipBlocks[0]"), "10.0.0"),
        ("{rules: [{from: [{source: {trustDomains: ['a*b']}}]}]}", at("from[0].source.trustDomains[0]"), "a*b"),
        ("{rules: [{from: [{source: {trustDomains: ['*a*']}}]}]}", at("from[0].source.trustDomains[0]"), "*a*"),
        ("{rule: []}", "spec.rule", "\"rules\""),
        ("{action: REFUSE}", "spec.action", "REFUSE"),
        ("{provider: {name: x}}", "spec.provider", "CUSTOM"),
        ("{action: CUSTOM, rules: [{}]}", "spec", "provider.name"),
        (
            "{action: CUSTOM, provider: {name: x}, rules: [{from: [{source: {namespaces: [a]}}]}]}",
            at("from[0].source.namespaces"), "CUSTOM"
        ),
        (
            "{action: CUSTOM, provider: {name: x}, rules: [{when: [{key: request.auth.presenter, values: [a]}]}]}",
            at("when[0].key"), "CUSTOM"
        ),
        ("{selector: {matchLabels: {app: 'a*'}}}", "spec.selector.matchLabels.app", "wildcards"),
        ("{selector: {matchLabels: {'': a}}}", "spec.selector.matchLabels", "without a name"),
        ("{targetRefs: [{kind: Service, name: a, namespace: b}]}", "spec.targetRefs[0].namespace", "own namespace"),
        ("{targetRefs: [{kind: Service, name: ''}]}", "spec.targetRefs[0].name", "needs a name"),
        ("{targetRefs: [{kind: Gateway, name: a}]}", "spec.targetRefs[0].kind", "gateway.networking.k8s.io"),
        ("{targetRefs: [{kind: Pod, name: a}]}", "spec.targetRefs[0].kind", "Pod"),
        (
            "{selector: {matchLabels: {a: b}}, targetRef: {kind: Service, name: a}}", "spec.targetRef",
            "exclude one another"
        ),
    ]

    private static func at(_ rest: String) -> String { "spec.rules[0].\(rest)" }

    @Test("refuses, and says where", arguments: refused)
    func refuses(spec: String, path: String, word: String) throws {
        let errors = Manifests(policy: spec).problems.errors
        #expect(errors.count == 1, "\(errors)")
        let error = try #require(errors.first)
        #expect(error.path.hasPrefix(path))
        #expect("\(error.message); \(error.remedy)".contains(word), "\(error)")
        #expect(error.position.file == "t.yaml")
        #expect(error.position.line == 4)
        #expect(error.position.column > 1)
        #expect(error.object == "AuthorizationPolicy shop/p")
        #expect(!error.remedy.isEmpty)
    }

    static let accepted = [
        "{}", "null", "{rules: []}", "{rules: [{}]}", "{action: DENY, rules: [{}]}", "{action: AUDIT}",
        "{selector: null, rules: null}",
        "{targetRefs: [{group: '', kind: Service, name: a}, {group: core, kind: Service, name: b}]}",
        "{targetRef: {group: networking.istio.io, kind: ServiceEntry, name: a}}",
        "{action: CUSTOM, provider: {name: x}, rules: [{to: [{operation: {paths: ['/a/{*}/b/{**}']}}]}]}",
        "{rules: [{from: [{source: {serviceAccounts: [a, b/c], ipBlocks: [10.0.0.1, '2001:db8::/32']}}]}]}",
        "{rules: [{when: [{key: 'request.auth.claims[a][b]', values: ['*']}]}]}",
    ]

    @Test("accepts", arguments: accepted)
    func accepts(spec: String) {
        let read = Manifests(policy: spec)
        #expect(read.problems.errors.isEmpty, "\(read.problems.errors)")
        #expect(read.cluster.policies.count == 1)
    }

    @Test("case 66: takes as dry run what Go takes as a boolean, and nothing else")
    func dryRun() {
        for (text, isDryRun) in [("true", true), ("1", true), ("F", false)] {
            let read = Manifests(policy: "{}", annotations: "{istio.io/dry-run: '\(text)'}")
            #expect(read.problems.errors.isEmpty)
            #expect(read.cluster.policies.first?.dryRun == isDryRun)
        }
        #expect(Manifests(policy: "{}", annotations: "{istio.io/dry-run: 'yes'}").problems.errors.count == 1)
        #expect(
            Manifests(policy: "{action: AUDIT}", annotations: "{istio.io/dry-run: 'true'}").problems.errors.count == 1)
        let peer = Manifests(policy: "{}", kind: "PeerAuthentication", annotations: "{istio.io/dry-run: 'true'}")
        #expect(peer.problems.errors.count == 1)
    }

    @Test(
        "case 63: warns of a selector without labels, which holds for all here",
        arguments: [
            "{selector: {}}", "{selector: {matchLabels: {}}}",
        ])
    func emptySelector(spec: String) {
        let read = Manifests(policy: spec)
        #expect(read.problems.errors.isEmpty)
        #expect(read.problems.warnings.map(\.path) == ["spec.selector"])
        #expect(read.cluster.policies.first?.selector == .empty)
    }

    static let onlyHTTP: [(String, Bool)] = [
        ("{action: DENY, rules: [{to: [{operation: {paths: [/a]}}]}]}", true),
        ("{action: DENY, rules: [{to: [{operation: {paths: [/a], ports: ['80']}}]}]}", false),
        ("{action: DENY, rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}", true),
        ("{action: DENY, rules: [{from: [{source: {namespaces: [a], requestPrincipals: ['*']}}]}]}", false),
        ("{action: ALLOW, rules: [{to: [{operation: {paths: [/a]}}]}]}", false),
        ("{action: DENY, rules: [{}]}", false),
    ]

    @Test("warns of a DENY rule with only HTTP attributes", arguments: onlyHTTP)
    func warnsOnlyHTTP(spec: String, warns: Bool) {
        #expect(Manifests(policy: spec).problems.warnings.isEmpty == !warns)
    }

    @Test("keeps a bounded number of problems and counts the rest")
    func bounded() {
        let rules = (0..<300).map { "{r\($0): 1}" }.joined(separator: ", ")
        let problems = Manifests(policy: "{rules: [\(rules)]}").problems
        #expect(problems.errors.count == ManifestProblems.limit)
        #expect(problems.uncounted == 300 - ManifestProblems.limit)
    }
}

@Suite("Validation of PeerAuthentications and RequestAuthentications")
struct AuthenticationValidationTests {
    static let peers: [(String, String)] = [
        ("{mtls: {mode: strict}}", "spec.mtls.mode"),
        ("{portLevelMtls: {80: {mode: STRICT}}}", "spec.portLevelMtls"),
        ("{selector: {matchLabels: {a: b}}, portLevelMtls: {}}", "spec.portLevelMtls"),
        ("{selector: {matchLabels: {a: b}}, portLevelMtls: {0: {mode: STRICT}}}", "spec.portLevelMtls.0"),
        ("{mtsl: {mode: STRICT}}", "spec.mtsl"),
    ]

    @Test("refuses a PeerAuthentication", arguments: peers)
    func peer(spec: String, path: String) {
        #expect(Manifests(policy: spec, kind: "PeerAuthentication").problems.errors.map(\.path) == [path])
    }

    static let requests: [(String, String)] = [
        ("{issuer: i, audiences: ['']}", ".audiences[0]"),
        ("{jwks: '{\"keys\":[]}'}", ""),
        ("{issuer: i, jwksUri: 'ftp://a'}", ".jwksUri"),
        ("{issuer: i, jwks: nothing}", ".jwks"),
        ("{issuer: i, jwks: '{\"keys\":[]}', jwksUri: 'https://a'}", ".jwks"),
        ("{issuer: i, fromHeaders: [{prefix: a}]}", ".fromHeaders[0]"),
        ("{issuer: i, outputClaimToHeaders: [{header: 'a b', claim: c}]}", ".outputClaimToHeaders[0].header"),
        ("{issuer: i, timeout: 100us}", ".timeout"),
        ("{issuer: i, timeout: 0s}", ".timeout"),
        ("{issuer: i, audience: [a]}", ".audience"),
    ]

    @Test("refuses a rule of a RequestAuthentication", arguments: requests)
    func request(rule: String, path: String) {
        let read = Manifests(policy: "{jwtRules: [\(rule)]}", kind: "RequestAuthentication")
        #expect(read.problems.errors.map(\.path) == ["spec.jwtRules[0]" + path])
    }

    @Test("warns of keys that are secrets")
    func secretKeys() {
        let rule = "{issuer: i, jwks: '{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}'}"
        let read = Manifests(policy: "{jwtRules: [\(rule)]}", kind: "RequestAuthentication")
        #expect(read.problems.errors.isEmpty)
        #expect(read.problems.warnings.count == 1)
    }

    @Test(
        "reads times as Go writes them", arguments: [("1m30s", 90_000), ("250ms", 250), ("5s", 5000), ("1.5s", 1500)])
    func times(text: String, milliseconds: Int) {
        let read = Manifests(policy: "{jwtRules: [{issuer: i, timeout: \(text)}]}", kind: "RequestAuthentication")
        #expect(read.cluster.requestAuthentications.first?.rules.first?.timeout == .milliseconds(milliseconds))
    }
}
