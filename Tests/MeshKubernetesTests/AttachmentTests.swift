import MeshCore
import MeshKubernetes
import MeshPolicy
import Testing

/// Numbers are those of the cases in the policy reference.
@Suite("Attachment of policies")
struct AttachmentTests {
    static let base = """
        apiVersion: v1
        kind: List
        items:
        - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/use-waypoint: wp}}}
        - apiVersion: gateway.networking.k8s.io/v1
          kind: Gateway
          metadata: {name: wp, namespace: shop}
          spec: {gatewayClassName: istio-waypoint}
        - apiVersion: v1
          kind: Service
          metadata: {name: cart, namespace: shop}
          spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: web}]}
        - apiVersion: v1
          kind: Service
          metadata: {name: bare, namespace: shop, labels: {istio.io/use-waypoint: none}}
          spec: {selector: {app: cart}, ports: [{port: 80}]}
        - apiVersion: v1
          kind: Pod
          metadata: {name: cart, namespace: shop, labels: {app: cart}}
          spec: {containers: [{ports: [{name: web, containerPort: 8080}]}]}

        """

    private func policy(_ name: String, _ namespace: String, _ spec: String) -> String {
        "---\n{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, "
            + "metadata: {name: \(name), namespace: \(namespace)}, spec: \(spec)}\n"
    }

    private func condition(_ text: String) throws -> PolicyCondition {
        let read = Manifests(Self.base + text)
        try #require(read.problems.errors.isEmpty, "\(read.problems.errors)")
        let nodes = NodePolicies(read.cluster)
        let (written, translation) = try #require(nodes.translations.first)
        return try #require(ClusterIndex(read.cluster).conditions(of: written, translation).first)
    }

    static let bindings: [(String, String, Bool, PolicyCondition.Reason)] = [
        ("shop", "{targetRefs: [{kind: Service, name: cart}]}", true, .accepted),  // 73
        ("shop", "{targetRefs: [{kind: Service, name: cort}]}", false, .targetNotFound),
        ("shop", "{targetRefs: [{kind: Service, name: bare}]}", false, .ancestorNotBound),
        ("shop", "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: wp}]}", true, .accepted),
        (
            "other", "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: wp}]}", false,
            .targetNotFound
        ),
        // 74
        (
            "shop", "{targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}]}",
            false, .invalid
        ),
        (
            "istio-system",
            "{targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}]}", true,
            .accepted
        ),
        ("shop", "{targetRefs: [{kind: Service, name: cart}, {kind: Service, name: x}]}", true, .partiallyInvalid),
        ("shop", "{targetRefs: [{kind: Service, name: a}, {kind: Service, name: x}]}", false, .invalid),
        ("shop", "{action: AUDIT, rules: [{}]}", false, .unsupportedValue),
        ("shop", "{rules: [{to: [{operation: {methods: [GET]}}]}]}", true, .unsupportedValue),
        ("shop", "{rules: [{}]}", true, .accepted),
    ]

    @Test("has the status that istiod would write", arguments: bindings)
    func status(namespace: String, spec: String, isTrue: Bool, reason: PolicyCondition.Reason) throws {
        let condition = try condition(policy("p", namespace, spec))
        #expect(condition.isTrue == isTrue)
        #expect(condition.reason == reason)
    }

    @Test("case 67: a policy in dry run is not sent to node proxies")
    func dryRun() throws {
        let read = Manifests(policy: "{rules: [{}]}", annotations: "{istio.io/dry-run: 'true'}")
        let nodes = NodePolicies(read.cluster)
        #expect(nodes.policies.isEmpty)
        let (written, translation) = try #require(nodes.translations.first)
        let condition = try #require(ClusterIndex(read.cluster).conditions(of: written, translation).first)
        #expect(!condition.isTrue && condition.reason == .unsupportedValue)
    }

    @Test("a waypoint is found by the label of the object, then of its namespace, and the first is final")
    func waypoints() throws {
        func binding(_ labels: String, _ extra: String = "") throws -> WaypointBinding {
            let read = Manifests(
                Self.base + "---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop, "
                    + "labels: \(labels)}, spec: {ports: [{port: 1}]}}\n" + extra)
            let index = ClusterIndex(read.cluster)
            return index.waypoint(of: try #require(index.service(namespace: "shop", name: "s")))
        }
        #expect(try binding("{}").gateway?.meta.name == "wp")
        #expect(try binding("{istio.io/use-waypoint: none}") == .optedOut)
        #expect(try binding("{istio.io/use-waypoint: x}") == .broken(wanted: "shop/x", .notFound))
        let far = """
            ---
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: {name: far, namespace: infra}
            spec: {gatewayClassName: istio-waypoint, listeners: [{port: 15008, protocol: HBONE,
              allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: a}}}}}]}

            """
        #expect(
            try binding("{istio.io/use-waypoint: far, istio.io/use-waypoint-namespace: infra}", far)
                == .broken(wanted: "infra/far", .attachmentDenied))
        let work = far.replacing("far", with: "work").replacing(
            "namespace: infra}", with: "namespace: infra, labels: {istio.io/waypoint-for: workload}}")
        #expect(
            try binding("{istio.io/use-waypoint: work, istio.io/use-waypoint-namespace: infra}", work)
                == .broken(wanted: "infra/work", .trafficType(waypointFor: "workload")))
    }

    @Test("a named target port is looked up in each pod")
    func namedPort() throws {
        let index = ClusterIndex(Manifests(Self.base).cluster)
        let service = try #require(index.service(namespace: "shop", name: "cart"))
        let pod = try #require(index.endpoints(of: service).first)
        #expect(ClusterIndex.targetPort(of: service.ports[0], in: pod) == 8080)
    }

    @Test("a selector in the root namespace selects everywhere, elsewhere only at home")
    func selectors() throws {
        let cluster = Manifests(
            Self.base + policy("all", "istio-system", "{selector: {matchLabels: {app: cart}}}")
                + policy("own", "shop", "{selector: {matchLabels: {app: cart}}}")
                + policy("far", "other", "{selector: {matchLabels: {app: cart}}}")
                + policy("miss", "shop", "{selector: {matchLabels: {app: web}}}")
        ).cluster
        let pod = try #require(cluster.workloads.first)
        #expect(NodePolicies(cluster).keys(for: pod) == ["istio-system/all", "shop/own"])
    }
}

@Suite("Conversion of PeerAuthentications")
struct PeerAuthenticationConversionTests {
    struct Case: Sendable {
        let number: String
        let specs: [(namespace: String, spec: String)]
        /// Port, and whether plaintext is taken.
        let plaintext: [(UInt16, Bool)]
    }
    private static let own = "selector: {matchLabels: {app: a}}"

    static let cases = [
        Case(number: "none", specs: [], plaintext: [(80, true)]),
        Case(number: "88", specs: [("istio-system", "{mtls: {mode: STRICT}}")], plaintext: [(80, false)]),
        Case(
            number: "89", specs: [("istio-system", "{mtls: {mode: STRICT}}"), ("shop", "{mtls: {mode: PERMISSIVE}}")],
            plaintext: [(80, true)]),
        Case(
            number: "90",
            specs: [("shop", "{\(own), mtls: {mode: STRICT}, portLevelMtls: {9090: {mode: PERMISSIVE}}}")],
            plaintext: [(80, false), (9090, true)]),
        Case(
            number: "91",
            specs: [("shop", "{\(own), mtls: {mode: PERMISSIVE}, portLevelMtls: {9090: {mode: STRICT}}}")],
            plaintext: [(80, true), (9090, false)]),
        Case(
            number: "93",
            specs: [
                ("istio-system", "{mtls: {mode: STRICT}}"),
                ("shop", "{\(own), portLevelMtls: {9090: {mode: DISABLE}}}"),
            ], plaintext: [(80, false), (9090, false)]),
        Case(
            number: "unset with an exempt port",
            specs: [
                ("istio-system", "{mtls: {mode: STRICT}}"),
                ("shop", "{\(own), portLevelMtls: {9090: {mode: PERMISSIVE}}}"),
            ], plaintext: [(80, false), (9090, true)]),
        Case(
            number: "strict on all its ports",
            specs: [("shop", "{\(own), mtls: {mode: STRICT}, portLevelMtls: {9090: {mode: STRICT}}}")],
            plaintext: [(80, false), (9090, false)]),
        Case(
            number: "selector in the root namespace", specs: [("istio-system", "{\(own), mtls: {mode: STRICT}}")],
            plaintext: [(80, true)]),
    ]

    private func engine(_ specs: [(namespace: String, spec: String)], times: [String] = []) throws -> PolicyEngine {
        var text = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {app: a}}}\n"
        for (number, entry) in specs.enumerated() {
            let time = times.isEmpty ? "" : ", creationTimestamp: '\(times[number])'"
            text +=
                "---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: p\(number), "
                + "namespace: \(entry.namespace)\(time)}, spec: \(entry.spec)}\n"
        }
        let read = Manifests(text)
        try #require(read.problems.errors.isEmpty, "\(read.problems.errors)")
        return NodePolicies(read.cluster).engine(for: try #require(read.cluster.workloads.first))
    }

    private func facts(_ port: UInt16, _ peer: String?) throws -> PolicyFacts {
        PolicyFacts(
            source: .loopbackV4, destination: SocketAddress(.loopbackV4, port),
            peer: try peer.map { PeerIdentity(try SPIFFEID(parsing: $0)) })
    }

    @Test("takes plaintext only where the modes say so, and identities always", arguments: cases)
    func modes(case given: Case) throws {
        let engine = try engine(given.specs)
        for (port, isTaken) in given.plaintext {
            #expect(try engine.decide(facts(port, nil)).verdict.isAllowed == isTaken, "\(given.number), port \(port)")
            #expect(try engine.decide(facts(port, "spiffe://cluster.local/ns/a/sa/b")).verdict.isAllowed)
        }
    }

    @Test("case 92: of two policies for a workload the oldest wins")
    func oldest() throws {
        let specs = [
            ("shop", "{\(Self.own), mtls: {mode: STRICT}}"), ("shop", "{\(Self.own), mtls: {mode: PERMISSIVE}}"),
        ]
        let first = try engine(specs, times: ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"])
        #expect(try first.decide(facts(80, nil)).verdict.isAllowed)
        let second = try engine(specs, times: ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"])
        #expect(try !second.decide(facts(80, nil)).verdict.isAllowed)
    }

    @Test("writes one group with a clause for each exempt port, in order")
    func shape() {
        let policy = PeerAuthentication(
            ResourceIdentity(namespace: "shop", name: "p"), selector: .labels(["a": "b"]), mode: .strict,
            portModes: [9090: .permissive, 80: .disable, 443: .strict])
        let converted = PeerAuthenticationConversion([policy], rootNamespace: "istio-system").policies[1]
        #expect(converted.key == "shop/converted_peer_authentication_p")
        #expect(converted.rules.count == 1)
        #expect(converted.rules[0].clauses.map { $0.matches[0].notDestinationPorts } == [[], [80], [9090]])
        #expect(converted.rules[0].clauses[0].matches[0].notPrincipals == [.presence])
    }
}
