import MeshCore
import MeshState
import MeshTestSupport
import Testing

@testable import MeshControl

/// Policies of Kubernetes manifests beside a local configuration.
@Suite("Policies of manifests, joined with records")
struct ManifestPoliciesTests {
    private static let mesh = """
        workloads:
        - {uid: c1//Pod/shop/cart, name: cart, namespace: shop, serviceAccount: cart, workloadIps: [10.0.0.1], protocol: HBONE}
        - {uid: c1//Pod/shop/web, name: web, namespace: shop, serviceAccount: web, workloadIps: [10.0.0.2], protocol: HBONE,
           authorizationPolicies: [shop/own]}
        - {uid: c1/networking.istio.io/WorkloadEntry/shop/vm, name: vm, namespace: shop, serviceAccount: vm,
           workloadIps: [10.0.0.3], protocol: HBONE}
        - {uid: c1//Pod/other/far, name: far, namespace: other, serviceAccount: far, workloadIps: [10.0.0.4], protocol: HBONE}
        policies:
        - {name: own, namespace: shop, scope: WorkloadSelector, action: Deny, rules: []}

        """

    private static let pods = """
        {apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop, labels: {app: cart}}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: vm, namespace: shop, labels: {app: decoy}}}
        ---
        {apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: vm, namespace: shop},
         spec: {address: 10.0.0.3, labels: {app: vm}}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: far, namespace: other, labels: {app: cart}}}
        ---

        """

    private static func policy(
        _ name: String, _ namespace: String, _ spec: String, kind: String = "AuthorizationPolicy"
    ) -> String {
        "apiVersion: security.istio.io/v1\nkind: \(kind)\nmetadata: {name: \(name), namespace: \(namespace)}\n"
            + "spec: \(spec)\n---\n"
    }

    private func load(
        _ manifests: [String], mesh: String = mesh, own: String? = "shop/cart", rootNamespace: String = "istio-system"
    ) throws -> LocalConfig {
        let folder = try TemporaryFolder()
        for (number, text) in manifests.enumerated() { try folder.write("m\(number).yaml", text) }
        let name = own?.split(separator: "/").map(String.init)
        return try withExtendedLifetime(folder) {
            try RecordsSource(
                .inline(mesh), manifests: ManifestSource(path: folder.path, rootNamespace: rootNamespace),
                own: name.map { .init(namespace: $0[0], name: $0[1], serviceAccount: $0[1]) }
            ).load()
        }
    }

    private func keys(_ config: LocalConfig) -> [String: [String]] {
        Dictionary(uniqueKeysWithValues: config.workloads.map { ($0.name, $0.fields.authorizationPolicies) })
    }

    @Test("a selector attaches a policy to the workloads whose Pod or WorkloadEntry has the labels")
    func selectors() throws {
        let config = try load([
            Self.pods + Self.policy("carts", "shop", "{selector: {matchLabels: {app: cart}}, rules: [{}]}")
                + Self.policy("front", "shop", "{selector: {matchLabels: {app: web, tier: front}}, rules: [{}]}")
                + Self.policy("back", "shop", "{selector: {matchLabels: {app: web, tier: back}}, rules: [{}]}")
                + Self.policy("vms", "shop", "{selector: {matchLabels: {app: vm}}, rules: [{}]}")
                + Self.policy("all-carts", "istio-system", "{selector: {matchLabels: {app: cart}}, rules: [{}]}")
                + Self.policy("space", "shop", "{rules: [{}]}") + Self.policy("mesh", "istio-system", "{rules: [{}]}")
        ])
        #expect(
            keys(config) == [
                "cart": ["istio-system/all-carts", "shop/carts"], "web": ["shop/own", "shop/front"],
                "vm": ["shop/vms"], "far": ["istio-system/all-carts"],
            ])
        let scopes = Dictionary(uniqueKeysWithValues: config.policies.map { ($0.key, $0.scope) })
        #expect(scopes["shop/space"] == .namespace && scopes["istio-system/mesh"] == .global)
        #expect(scopes["shop/back"] == .workloadSelector && scopes.count == 8)
    }

    @Test("the root namespace is the one that is given, and a ConfigMap istio wins over it")
    func rootNamespace() throws {
        let root = Self.policy("mesh", "roots", "{rules: [{}]}")
        func scope(_ config: LocalConfig) -> AuthorizationPolicy.Scope? {
            config.policies.first { $0.name == "mesh" }?.scope
        }
        #expect(scope(try load([root])) == .namespace)
        #expect(scope(try load([root], rootNamespace: "roots")) == .global)
        let map =
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: istio, namespace: x}, data: {mesh: 'rootNamespace: roots'}}"
        #expect(scope(try load([root, map])) == .global)
    }

    @Test("PeerAuthentications become upstream's policies, by mesh, namespace and port")
    func peerAuthentications() throws {
        let config = try load([
            Self.pods + Self.policy("mesh", "istio-system", "{mtls: {mode: STRICT}}", kind: "PeerAuthentication")
                + Self.policy("space", "other", "{mtls: {mode: PERMISSIVE}}", kind: "PeerAuthentication")
                + Self.policy(
                    "ports", "shop",
                    "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}, portLevelMtls: {9090: {mode: PERMISSIVE}}}",
                    kind: "PeerAuthentication")
        ])
        let strict = "istio-system/istio_converted_static_strict"
        #expect(
            keys(config) == [
                "cart": [strict], "web": ["shop/own", "shop/converted_peer_authentication_ports"], "vm": [strict],
                "far": [],
            ])
        #expect(config.origins.places[strict]?.kind == "PeerAuthentication")
        #expect(config.origins.places[strict]?.places.count == 1)
    }

    @Test("without any selector the labels of nobody are asked for, and modes hold all the same")
    func noLabels() throws {
        let config = try load([Self.policy("s", "shop", "{mtls: {mode: STRICT}}", kind: "PeerAuthentication")])
        #expect(keys(config)["cart"] == ["istio-system/istio_converted_static_strict"] && keys(config)["far"] == [])
        #expect(config.origins.doubts.isEmpty)
    }

    static let selecting = [
        ("AuthorizationPolicy", "shop"), ("AuthorizationPolicy", "istio-system"), ("PeerAuthentication", "shop"),
    ]

    @Test(
        "our own workload without labels is refused where a policy selects by them, and both are named",
        arguments: selecting)
    func unlabelledOwn(kind: String, namespace: String) throws {
        let manifest = Self.policy("p", namespace, "{selector: {matchLabels: {app: cart}}}", kind: kind)
        let failure = #expect(throws: MeshFailure.self) { try load([manifest]) }
        let reason = try #require(failure?.reason)
        #expect(
            failure?.kind == .corrupt && reason.contains("m0.yaml:1:1: \(kind) \(namespace)/p selects pods by labels"))
        #expect(reason.contains("c1//Pod/shop/cart; add Pod shop/cart"))
    }

    @Test("selectors of other namespaces, and of PeerAuthentications in the root namespace, select nothing there")
    func harmlessSelectors() throws {
        _ = try load([
            Self.policy("p", "other", "{selector: {matchLabels: {app: cart}}}")
                + Self.policy(
                    "q", "istio-system", "{selector: {matchLabels: {app: cart}}, mtls: {mode: STRICT}}",
                    kind: "PeerAuthentication")
        ])
    }

    @Test("of another workload without labels no verdict is given, with the reason; of all others it is")
    func unlabelledOther() throws {
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop, labels: {app: cart}}}\n---\n"
        let config = try load([pod + Self.policy("p", "shop", "{selector: {matchLabels: {app: cart}}, rules: [{}]}")])
        #expect(
            config.origins.doubts.keys.sorted() == ["c1//Pod/shop/web", "c1/networking.istio.io/WorkloadEntry/shop/vm"])
        let view = MeshView(snapshot: config.store(localNode: nil).snapshot, origins: config.origins)
        let known = try view.explain(ConnectionQuestion(from: "shop/web", to: "10.0.0.1:80"))
        #expect(known.verdict == .allowed)
        for view in [view, try ConfigDump(view.snapshot, origins: view.origins).view(origin: "dump")] {
            let failure = #expect(throws: MeshFailure.self) {
                try view.explain(ConnectionQuestion(from: "shop/cart", to: "10.0.0.3:80"))
            }
            #expect(failure?.kind == .notFound && failure?.reason.contains("add WorkloadEntry shop/vm") == true)
        }
    }

    @Test("a policy that stands in both, and two pods of one name that differ, are refused")
    func twice() throws {
        let both = #expect(throws: MeshFailure.self) { try load([Self.policy("own", "shop", "{rules: [{}]}")]) }
        #expect(both?.reason.contains("m0.yaml:1:1: error: AuthorizationPolicy shop/own") == true)
        let other = "{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop, labels: {app: x}}}\n"
        let pods = #expect(throws: MeshFailure.self) { try load([Self.pods, other]) }
        #expect(pods?.reason.contains("m1.yaml:1:1: error: Pod shop/cart") == true)
        #expect(pods?.reason.contains("m0.yaml:1:1") == true)
        _ = try load([Self.pods, Self.pods])
    }

    @Test("rules that node proxies cannot enforce are left out or lose their condition, and are warned about")
    func layer7() throws {
        let config = try load([
            Self.pods
                + Self.policy(
                    "mixed", "shop",
                    "\n  rules:\n  - to: [{operation: {methods: [GET]}}]\n  - to: [{operation: {ports: ['80']}}]")
                + Self.policy("custom", "shop", "{action: CUSTOM, provider: {name: x}, rules: [{}]}")
                + Self.policy(
                    "way", "shop",
                    "{targetRefs: [{kind: Service, name: s}], rules: [{to: [{operation: {methods: [GET]}}]}]}")
        ])
        #expect(config.policies.map(\.key).sorted() == ["shop/mixed", "shop/own"])
        #expect(config.policies.first { $0.name == "mixed" }?.rules.count == 1)
        #expect(config.warnings.count == 2)
        #expect(config.warnings.contains { $0.contains("shop/custom: CUSTOM is not enforced by node proxies") })
        #expect(config.warnings.contains { $0.contains("rule 0 needs a waypoint for methods: it allows nobody") })
    }

    @Test("an explanation says where policies and rules were written, and what is not enforced; so does a dump of it")
    func explanation() throws {
        let config = try load([
            Self.pods
                + Self.policy(
                    "mixed", "shop",
                    "\n  rules:\n  - to: [{operation: {methods: [GET]}}]\n  - to: [{operation: {ports: ['80']}}]")
                + Self.policy("strict", "shop", "{mtls: {mode: STRICT}}", kind: "PeerAuthentication")
        ])
        let view = MeshView(snapshot: config.store(localNode: nil).snapshot, origins: config.origins)
        let dump = try ConfigDump(parsing: ConfigDump(view.snapshot, origins: view.origins).json, origin: "dump")
        for view in [view, try dump.view(origin: "dump")] {
            let allowed = try view.explain(ConnectionQuestion(from: "shop/web", to: "10.0.0.1:80"))
            #expect(
                allowed.verdict == .allowed
                    && allowed.reason.hasPrefix("allowed by policy shop/mixed, rule 0 (rule 1 at "))
            #expect(allowed.reason.hasSuffix("m0.yaml:18:5)"), "\(allowed.reason)")
            let mixed = try #require(allowed.inbound?.policies.first { $0.policy == "shop/mixed" })
            #expect(
                mixed.origin?.places.first?.hasSuffix("m0.yaml:12:1") == true
                    && mixed.origin?.rules?.map(\.number) == [1])
            #expect(allowed.notes.contains { $0.contains("m0.yaml:17:5") && $0.contains("it allows nobody") })
            let plain = try view.explain(ConnectionQuestion(from: "192.0.2.1", to: "10.0.0.1:80"))
            #expect(plain.verdict == .denied)
            #expect(plain.reason.contains("istio_converted_static_strict, rule 0 (PeerAuthentication at "))
            #expect(plain.reason.hasSuffix("m0.yaml:20:1)"), "\(plain.reason)")
        }
    }
}
