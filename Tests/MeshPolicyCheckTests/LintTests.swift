import MeshCore
import MeshKubernetes
import MeshPolicyCheck
import Testing

@Suite("Lint")
struct LintTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let what: String
        /// Manifests besides those of the shop.
        let manifests: String
        let check: String
        /// A part of what is to be written instead.
        let remedy: String
        var isError = true
        var testDescription: String { what }
    }

    static let cart = "targetRefs: [{kind: Service, name: cart}]"
    static let pods = "selector: {matchLabels: {app: cart}}"
    static let web = "{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]}"

    static func to(_ operation: String) -> String { "{to: [{operation: \(operation)}]}" }
    static func from(_ source: String) -> String { "{from: [{source: \(source)}]}" }

    static let layers = [
        Case(
            what: "a rule of layer 7 for a workload that only a node proxy guards",
            manifests: Shop.policy("{\(pods), rules: [\(to("{methods: [GET]}"))]}"),
            check: "left-out-at-l4", remedy: "targetRefs"),
        Case(
            what: "81: DENY of a namespace and a method, which denies nobody",
            manifests: Shop.policy(
                "{\(pods), action: DENY, rules: [{from: [{source: {namespaces: [a]}}], to: [{operation: {methods: [POST]}}]}]}"
            ), check: "no-effect-at-l4", remedy: "ports and identities"),
        Case(
            what: "82: DENY of a port and a method, which denies more",
            manifests: Shop.policy("{\(pods), action: DENY, rules: [\(to("{ports: ['8080'], methods: [POST]}"))]}"),
            check: "wider-at-l4", remedy: "targetRefs", isError: false),
        Case(
            what: "AUDIT with a selector",
            manifests: Shop.policy("{\(pods), action: AUDIT, rules: [\(web)]}"), check: "not-enforced",
            remedy: "targetRefs"),
        Case(
            what: "a policy in dry run with a selector",
            manifests: Shop.policy(
                "{\(pods), action: DENY, rules: [\(web)]}", annotations: "{istio.io/dry-run: 'true'}"),
            check: "not-enforced", remedy: "targetRefs", isError: false),
        Case(
            what: "a star inside a namespace, which only waypoints take for one",
            manifests: Shop.policy("{\(pods), rules: [\(from("{namespaces: ['a*b']}"))]}"),
            check: "namespace-wildcard-at-l4", remedy: "one end", isError: false),
        Case(
            what: "85: a trust domain at layer 4",
            manifests: Shop.policy("{\(pods), rules: [\(from("{trustDomains: [td], namespaces: [a]}"))]}"),
            check: "left-out-at-l4", remedy: "targetRefs"),
        Case(
            what: "75: a selector that selects the waypoint",
            manifests: Shop.policy(
                "{selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: wp}}, rules: [\(web)]}"),
            check: "selector-ignored-by-waypoint", remedy: "kind Gateway and name wp"),
        Case(
            what: "a target that is not there",
            manifests: Shop.policy("{targetRefs: [{kind: Service, name: carts}], rules: [\(web)]}"),
            check: "unbound-target", remedy: "reference"),
        Case(
            what: "78: pods that refuse the waypoint before them",
            manifests: Shop.policy("{\(pods), rules: [\(web)]}"), check: "waypoint-not-allowed",
            remedy: "cluster.local/ns/shop/sa/wp"),
        Case(
            what: "pods that may be called past the waypoint",
            manifests: Shop.policy("{\(cart), rules: [\(web)]}"), check: "waypoint-bypass",
            remedy: "cluster.local/ns/shop/sa/wp", isError: false),
        Case(
            what: "a service that asks for a waypoint that is not there",
            manifests: """
                ---
                {apiVersion: v1, kind: Service, metadata: {name: w, namespace: shop, labels: {istio.io/use-waypoint: no}},
                  spec: {clusterIP: 10.1.0.2, selector: {app: web}, ports: [{port: 80}]}}

                """, check: "waypoint-missing", remedy: "istio.io/use-waypoint"),
        Case(
            what: "94: the port of the service where that of the pod counts",
            manifests: Shop.policy("{\(pods), rules: [\(to("{ports: ['80']}"))]}"), check: "service-port-at-l4",
            remedy: "8080"),
        Case(
            what: "the port of the pod where that of the service counts",
            manifests: Shop.policy("{\(cart), rules: [\(to("{ports: ['8080']}"))]}"), check: "pod-port-at-waypoint",
            remedy: "80"),
        Case(
            what: "the address of the service where that of the pod counts",
            manifests: Shop.policy("{\(pods), rules: [{when: [{key: destination.ip, values: [10.1.0.1]}]}]}"),
            check: "service-address-at-l4", remedy: "labels"),
        Case(
            what: "the address of a pod where that of the service counts",
            manifests: Shop.policy("{\(cart), rules: [{when: [{key: destination.ip, values: [10.0.0.2]}]}]}"),
            check: "pod-address-at-waypoint", remedy: "selector"),
        Case(
            what: "94: a TLS mode for the port of the service",
            manifests: Shop.policy(
                "{\(pods), mtls: {mode: STRICT}, portLevelMtls: {80: {mode: PERMISSIVE}}}", kind: "PeerAuthentication"),
            check: "service-port-at-l4", remedy: "8080"),
        Case(
            what: "93: a port that is only DISABLE under an inherited STRICT",
            manifests: Shop.policy("{mtls: {mode: STRICT}}", name: "ns", kind: "PeerAuthentication")
                + Shop.policy("{\(pods), portLevelMtls: {8080: {mode: DISABLE}}}", kind: "PeerAuthentication"),
            check: "disabled-port-stays-strict", remedy: "PERMISSIVE", isError: false),
        Case(
            what: "a PeerAuthentication with labels in the root namespace",
            manifests: Shop.policy(
                "{\(pods), mtls: {mode: STRICT}}", namespace: "istio-system", kind: "PeerAuthentication"),
            check: "not-enforced", remedy: "remove the selector"),
    ]

    static let values = [
        Case(
            what: "16: a principal with a scheme",
            manifests: Shop.policy("{\(cart), rules: [\(from("{principals: ['spiffe://cluster.local/ns/a/sa/b']}"))]}"),
            check: "principal-with-scheme", remedy: "write \"cluster.local/ns/a/sa/b\""),
        Case(
            what: "a principal that nobody has",
            manifests: Shop.policy("{\(cart), rules: [\(from("{principals: [web]}"))]}"), check: "never-matches",
            remedy: "TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT"),
        Case(
            what: "a principal of a trust domain that is not known",
            manifests: Shop.policy("{\(cart), rules: [\(from("{principals: [td/ns/a/sa/b]}"))]}"),
            check: "foreign-trust-domain", remedy: "trustDomainAliases", isError: false),
        Case(
            what: "39: a method in lower case",
            manifests: Shop.policy("{\(cart), rules: [\(to("{methods: [get]}"))]}"), check: "never-matches",
            remedy: "\"GET\""),
        Case(
            what: "a path without its slash",
            manifests: Shop.policy("{\(cart), rules: [\(to("{paths: [admin]}"))]}"), check: "never-matches",
            remedy: "\"/admin\""),
        Case(
            what: "a path with a query",
            manifests: Shop.policy("{\(cart), rules: [\(to("{paths: ['/a?b=c']}"))]}"), check: "never-matches",
            remedy: "before the ?"),
        Case(
            what: "a star in the middle of a path",
            manifests: Shop.policy("{\(cart), rules: [\(to("{paths: ['/a*/b']}"))]}"), check: "literal-star",
            remedy: "{*}", isError: false),
        Case(
            what: "107, 108: DENY by path",
            manifests: Shop.policy("{\(cart), action: DENY, rules: [\(to("{paths: [/admin]}"))]}"),
            check: "deny-with-paths", remedy: "allow the paths", isError: false),
        Case(
            what: "DENY by host",
            manifests: Shop.policy("{\(cart), action: DENY, rules: [\(to("{hosts: [a.example]}"))]}"),
            check: "deny-with-hosts", remedy: "allow the hosts", isError: false),
        Case(
            what: "36, 37: a host without its port",
            manifests: Shop.policy("{\(cart), rules: [\(to("{hosts: [a.example]}"))]}"), check: "host-without-port",
            remedy: "\"a.example:*\"", isError: false),
        Case(
            what: "21: ALLOW of whoever is not named",
            manifests: Shop.policy("{\(cart), rules: [\(from("{notNamespaces: [a]}"))]}"),
            check: "only-negative-allow", remedy: "principals: [\"*\"]", isError: false),
        Case(
            what: "32: an address that the client writes",
            manifests: Shop.policy("{\(cart), rules: [\(from("{remoteIpBlocks: [10.0.0.0/8]}"))]}"),
            check: "forgeable-remote-ip", remedy: "ipBlocks", isError: false),
        Case(
            what: "62: a request principal that is divided inside its issuer",
            manifests: Shop.policy("{\(cart), rules: [\(from("{requestPrincipals: ['https://i*']}"))]}"),
            check: "request-principal-divided", remedy: "ISSUER/*"),
        Case(
            what: "tokens that nobody validates",
            manifests: Shop.policy("{\(cart), rules: [\(from("{requestPrincipals: ['*']}"))]}"),
            check: "never-matches", remedy: "RequestAuthentication", isError: false),
        Case(
            what: "values that are excluded as well",
            manifests: Shop.policy("{\(cart), rules: [\(to("{methods: [GET], notMethods: [GET]}"))]}"),
            check: "never-matches", remedy: "one of the two lists"),
        Case(
            what: "two conditions that exclude one another",
            manifests: Shop.policy(
                "{\(cart), rules: [{when: [{key: source.namespace, values: [a]}, {key: source.namespace, values: [b]}]}]}"
            ), check: "never-matches", remedy: "remove the rule"),
        Case(
            what: "a principal of another namespace than the one that is named",
            manifests: Shop.policy(
                "{\(cart), rules: [\(from("{principals: [cluster.local/ns/a/sa/b], namespaces: [c]}"))]}"),
            check: "never-matches", remedy: "remove the rule"),
        Case(
            what: "DENY that never matches",
            manifests: Shop.policy("{\(cart), action: DENY, rules: [\(to("{hosts: ['http://a']}"))]}"),
            check: "never-matches", remedy: "name alone"),
        Case(
            what: "63: an empty selector", manifests: Shop.policy("{selector: {}, rules: [\(web)]}"),
            check: "manifest", remedy: "", isError: false),
    ]

    static let tokens = [
        Case(
            what: "RequestAuthentication with a selector",
            manifests: Shop.policy("{\(pods), jwtRules: [{issuer: i}]}", kind: "RequestAuthentication"),
            check: "not-enforced", remedy: "targetRefs"),
        Case(
            what: "95: a token that nobody requires",
            manifests: Shop.policy(
                "{\(cart), jwtRules: [{issuer: 'https://i.example'}]}", kind: "RequestAuthentication"),
            check: "token-not-required", remedy: "requestPrincipals", isError: false),
        Case(
            what: "keys over plain HTTP",
            manifests: Shop.policy(
                "{\(cart), jwtRules: [{issuer: i, jwksUri: 'http://i.example/k'}]}", kind: "RequestAuthentication"),
            check: "keys-over-http", remedy: "https", isError: false),
        Case(
            what: "keys from the metadata address",
            manifests: Shop.policy(
                "{\(cart), jwtRules: [{issuer: i, jwksUri: 'http://169.254.169.254/'}]}", kind: "RequestAuthentication"),
            check: "keys-of-no-use", remedy: "somewhere else"),
        Case(
            what: "an issuer that is no URL, and no keys",
            manifests: Shop.policy("{\(cart), jwtRules: [{issuer: i}]}", kind: "RequestAuthentication"),
            check: "keys-of-no-use", remedy: "jwks"),
        Case(
            what: "103: a token that stays in its cookie",
            manifests: Shop.policy(
                "{\(cart), jwtRules: [{issuer: 'https://i.example', fromCookies: [t]}]}", kind: "RequestAuthentication"),
            check: "token-stays-in-cookie", remedy: "forwardOriginalToken", isError: false),
        Case(
            what: "65: the only ALLOW is in dry run",
            manifests: Shop.policy("{\(cart), rules: [\(web)]}", annotations: "{istio.io/dry-run: 'true'}"),
            check: "dry-run-allows-all", remedy: "another ALLOW", isError: false),
        Case(
            what: "68: a provider that nobody knows",
            manifests: Shop.policy("{\(cart), action: CUSTOM, provider: {name: x}, rules: [{}]}"),
            check: "unknown-provider", remedy: "extensionProviders", isError: false),
        Case(
            what: "69: two providers in one place",
            manifests: Shop.policy("{\(cart), action: CUSTOM, provider: {name: x}, rules: [{}]}")
                + Shop.policy("{\(cart), action: CUSTOM, provider: {name: z}, rules: [{}]}", name: "q"),
            check: "several-providers", remedy: "one provider"),
    ]

    @Test("finds what the layers make of a policy, and says what to write", arguments: layers)
    func layer(_ item: Case) { check(item) }

    @Test("finds values that match otherwise than they look", arguments: values)
    func value(_ item: Case) { check(item) }

    @Test("finds what is wrong around tokens and providers", arguments: tokens)
    func token(_ item: Case) { check(item) }

    private func check(_ item: Case) {
        let findings = Shop.lint(item.manifests)
        let found = findings.filter {
            $0.check == item.check && ($0.severity == .error) == item.isError && $0.remedy.contains(item.remedy)
        }
        #expect(!found.isEmpty, "\(findings.map { "\($0.severity) \($0.check): \($0.message); \($0.remedy)" })")
        #expect(found.allSatisfy { $0.line > 0 && !$0.object.isEmpty })
    }

    @Test("87: aliases that do not count at layer 4 are told of")
    func aliases() {
        var settings = MeshSettings()
        settings.trustDomainAliases = ["td1"]
        let findings = Shop.lint(Shop.policy("{\(Self.pods), rules: [\(Self.web)]}"), settings: settings)
        #expect(findings.contains { $0.check == "alias-not-at-l4" })
    }

    @Test("paths that nobody normalizes are told of")
    func normalization() {
        var settings = MeshSettings()
        let policy = Shop.policy("{\(Self.cart), rules: [\(Self.to("{paths: ['/a']}"))]}")
        #expect(!Shop.lint(policy, settings: settings).contains { $0.check == "paths-not-normalized" })
        settings.pathNormalization = .none
        #expect(Shop.lint(policy, settings: settings).contains { $0.check == "paths-not-normalized" })
    }

    @Test("an ALLOW in dry run next to one that is enforced is nothing to warn of")
    func dryRunBeside() {
        let findings = Shop.lint(
            Shop.policy("{\(Self.cart), rules: [\(Self.web)]}", annotations: "{istio.io/dry-run: 'true'}"),
            Shop.policy("{\(Self.cart), rules: [\(Self.web)]}", name: "q"))
        #expect(!findings.contains { $0.check == "dry-run-allows-all" })
    }

    @Test("has nothing to say of policies that do what they say")
    func clean() {
        let waypoint = "{from: [{source: {principals: [cluster.local/ns/shop/sa/wp]}}]}"
        let request =
            "{from: [{source: {principals: ['cluster.local/ns/shop/sa/web']}}], "
            + "to: [{operation: {methods: [GET], paths: ['/cart/{*}'], ports: ['80']}}]}"
        let findings = Shop.lint(
            Shop.policy("{\(Self.pods), rules: [\(waypoint)]}"),
            Shop.policy("{\(Self.cart), rules: [\(request)]}", name: "q"))
        #expect(findings.isEmpty, "\(findings.map { "\($0.check): \($0.message)" })")
    }
}
