import MeshCore
import MeshKubernetes
import MeshPolicy
import MeshPolicyCheck
import Testing

/// Cases of the policy reference that need a whole flow: client, waypoint and workload.
@Suite("Cases of whole flows")
struct CaseTests {
    static let cart = "targetRefs: [{kind: Service, name: cart}]"
    static let pods = "selector: {matchLabels: {app: cart}}"
    static let post = "{to: [{operation: {methods: [POST]}}]}"

    /// Whether each hop lets a flow pass, in order.
    private func hops(_ judge: PolicyJudge, _ from: String = "shop/web", _ to: String = "shop/cart:80") throws -> [Bool]
    {
        try Shop.report(judge, from, to).hops.map(\.allowed)
    }

    // MARK: Providers

    private func custom(_ answer: ProviderAnswer?, failOpen: Bool = false) throws -> FlowReport.Hop {
        var endpoint = ExtensionProvider.Endpoint(service: "authz.shop.svc.cluster.local", port: 8000)
        endpoint.failOpen = failOpen
        var settings = MeshSettings()
        settings.extensionProviders = [
            ExtensionProvider(name: "authz", service: .httpAuthorizer(.init(endpoint: endpoint)))
        ]
        let judge = Shop.judge(
            Shop.policy("{\(Self.cart), action: CUSTOM, provider: {name: authz}, rules: [{}]}"), settings: settings)
        if let answer { judge.providers["authz"] = answer }
        return try #require(try Shop.report(judge, "shop/web", "shop/cart:80", FlowRequest()).hops.first)
    }

    @Test("70: the redirect of a provider is what the client gets")
    func redirect() throws {
        let hop = try custom(.answered(status: 302, headers: [.init("location", "https://login.example/")]))
        #expect(!hop.allowed)
        #expect(hop.answer?.status == 302 && hop.answer?.headers["location"] == "https://login.example/")
        #expect(hop.reason == "provider authz denies with 302, asked by policy shop/p, rule 0")
    }

    @Test("71: a provider that does not answer in time refuses with 403, unless it has failOpen")
    func timeout() throws {
        let closed = try custom(.failed("no answer in time"))
        #expect(!closed.allowed && closed.answer?.status == 403)
        let open = try custom(.failed("no answer in time"), failOpen: true)
        #expect(open.allowed && open.notes.contains { $0.contains("failOpen") })
    }

    @Test("a provider of which nothing is said is taken to allow, with a note")
    func unsaid() throws {
        let hop = try custom(nil)
        #expect(hop.allowed && hop.notes.contains { $0.contains("--provider") })
    }

    @Test(
        "answers of providers are words or statuses",
        arguments: [
            ("allow", ProviderAnswer.allowing), ("deny", .denying), ("302", .answered(status: 302)),
            ("timeout", .failed("no answer in time")), ("", nil), ("99", nil), ("600", nil), ("yes", nil),
        ])
    func words(text: String, answer: ProviderAnswer?) {
        #expect(ProviderInput.answer(text) == answer)
    }

    // MARK: Attachment

    @Test("75: a waypoint does not look at a policy whose selector selects it")
    func selectorOfWaypoint() throws {
        let judge = Shop.judge(
            Shop.policy(
                "{selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: wp}}, action: DENY, rules: [{}]}"))
        #expect(try hops(judge) == [true, true])
        let outcome = try Shop.report(judge).hops.first?.policies.first
        #expect(outcome?.result == .notHere)
    }

    @Test("76: ALLOW of nothing in the root namespace closes the workloads, and not the waypoint")
    func rootAllowsNothing() throws {
        let judge = Shop.judge(Shop.policy("{}", namespace: "istio-system"))
        #expect(try hops(judge) == [true, false])
        #expect(try hops(judge, "shop/cart", "shop/web:8000") == [false])
    }

    @Test("77: a policy of the service is not for its workloads by address, one of the gateway is")
    func workloadAddressed() throws {
        let pods = Shop.base.replacing(
            "metadata: {name: cart, namespace: shop, labels: {app: cart}",
            with: "metadata: {name: cart, namespace: shop, labels: {app: cart, istio.io/use-waypoint: wp}"
        ).replacing(
            "kind: Gateway, metadata: {name: wp, namespace: shop}",
            with: "kind: Gateway, metadata: {name: wp, namespace: shop, labels: {istio.io/waypoint-for: all}}")
        func judge(_ policy: String) throws -> PolicyJudge {
            var reader = ClusterReader()
            reader.read(Manifest(name: "t.yaml", bytes: Array((pods + policy).utf8)))
            let (cluster, problems) = reader.finish()
            try #require(problems.errors.isEmpty, "\(problems.errors)")
            return PolicyJudge(cluster)
        }
        let ofService = try judge(Shop.policy("{\(Self.cart), action: DENY, rules: [{}]}"))
        #expect(try hops(ofService) == [false, true])
        #expect(try hops(ofService, "shop/web", "pod:shop/cart:8080") == [true, true])
        let gateway = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: wp}]"
        let ofGateway = try judge(Shop.policy("{\(gateway), action: DENY, rules: [{}]}"))
        #expect(try hops(ofGateway, "shop/web", "pod:shop/cart:8080") == [false, true])
    }

    // MARK: Layer 4

    static let layer4: [(what: String, spec: String, namespace: String, isAllowed: Bool, check: String?)] = [
        ("79: ALLOW with a method allows nobody", "rules: [\(post)]", "shop", false, "left-out-at-l4"),
        (
            "80: a rule of layer 4 next to it still allows",
            "rules: [\(post), {from: [{source: {namespaces: [shop]}}]}]",
            "shop", true, "left-out-at-l4"
        ),
        (
            "81: DENY of a namespace and a method denies nobody, and is told",
            "action: DENY, rules: [{from: [{source: {namespaces: [shop]}}], to: [{operation: {methods: [POST]}}]}]",
            "shop", true, "no-effect-at-l4"
        ),
        (
            "82: DENY of a port and a method denies all of the port",
            "action: DENY, rules: [{to: [{operation: {ports: ['8000'], methods: [POST]}}]}]", "shop", false,
            "wider-at-l4"
        ),
    ]

    @Test("HTTP attributes at a node proxy", arguments: layer4)
    func methods(what: String, spec: String, namespace: String, isAllowed: Bool, check: String?) throws {
        let policy = Shop.policy("{selector: {matchLabels: {app: web}}, \(spec)}")
        #expect(try hops(Shop.judge(policy), "shop/cart", "shop/web:8000") == [isAllowed], "\(what)")
        #expect(Shop.lint(policy).contains { $0.check == check }, "\(what)")
    }

    @Test("94: of a service 80 to 8080 only the key 8080 of portLevelMtls counts")
    func targetPort() throws {
        func judge(_ ports: String) -> PolicyJudge {
            Shop.judge(
                Shop.policy(
                    "{\(Self.pods), mtls: {mode: STRICT}, portLevelMtls: {\(ports)}}", kind: "PeerAuthentication"))
        }
        let permissive = "{mode: PERMISSIVE}"
        #expect(try hops(judge("80: \(permissive)"), "none") == [false])
        #expect(try hops(judge("8080: \(permissive)"), "none") == [true])
        #expect(try hops(judge("80: \(permissive)")) == [true, true])
    }
}
