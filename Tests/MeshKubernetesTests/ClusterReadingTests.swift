import MeshCore
import MeshKubernetes
import Testing

@Suite("Reading of manifests")
struct ClusterReadingTests {
    static let pod = """
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-7c-1", "namespace": "shop",
        "labels": {"app": "web", "pod-template-hash": "7c"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-7c", "controller": true}]},
        "spec": {"serviceAccountName": "web", "containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]},
        "status": {"podIPs": [{"ip": "10.0.0.7"}]}}
        """
    static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web}}}
        """

    @Test("takes several documents, lists, and typed lists whose elements leave out their kind")
    func shapes() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- \(Self.pod)\n"
        let typed = "apiVersion: v1\nkind: PodList\nitems:\n- {metadata: {name: a}, spec: {}}\n"
        let read = Manifests(list + "---\n" + typed + "---\n# nothing\n---\n" + Self.deployment)
        #expect(read.problems.errors.isEmpty, "\(read.problems.errors)")
        #expect(read.cluster.workloads.map(\.description) == ["shop/web-7c-1", "default/a"])
    }

    @Test("names pods after their Deployment, whose template is then left out")
    func owners() throws {
        let pod = try #require(Manifests(Self.pod + "\n---\n" + Self.deployment).cluster.workloads.first)
        #expect(pod.owner == .init(kind: "Deployment", name: "web"))
        #expect(pod.serviceAccount == "web")
        #expect(pod.addresses == [IPAddress("10.0.0.7")].compactMap { $0 })
        #expect(pod.ports == [ContainerPort(name: "http", port: 8080)])
        #expect(Manifests(Self.deployment).cluster.workloads.map(\.kind) == [.deployment])
    }

    @Test("passes over other kinds, and kinds of the same name elsewhere, and counts them")
    func passedOver() {
        let read = Manifests(
            "{apiVersion: v1, kind: Secret, metadata: {name: a}}\n---\n"
                + "{apiVersion: example.com/v1, kind: AuthorizationPolicy, metadata: {name: a}, sepc: {}}")
        #expect(read.problems.errors.isEmpty)
        #expect(read.cluster.passedOver == ["Secret": 1, "AuthorizationPolicy": 1])
    }

    @Test("reads the mesh's settings from istiod's ConfigMap")
    func settings() {
        let read = Manifests(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: istio, namespace: istio-system}
            data:
              mesh: |
                rootNamespace: mesh-root
                trustDomain: td0
                trustDomainAliases: [td1]
                pathNormalization: {normalization: MERGE_SLASHES}
                extensionProviders:
                - {name: opa, envoyExtAuthzGrpc: {service: opa.shop, port: 9191, timeout: 2s}}
            """)
        #expect(read.problems.errors.isEmpty, "\(read.problems.errors)")
        #expect(read.cluster.settings.rootNamespace == "mesh-root")
        #expect(read.cluster.settings.trustDomains == ["td0", "td1"])
        #expect(read.cluster.settings.pathNormalization == .mergeSlashes)
        #expect(read.cluster.settings.extensionProviders.map(\.name) == ["opa"])
    }

    @Test("tells the position of a text that is no YAML, and of an object twice")
    func broken() {
        let broken = Manifests("a: b\n  c: [\n")
        #expect(broken.problems.errors.count == 1)
        #expect(broken.problems.errors.first?.position.line ?? 0 > 0)
        let policy = "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a}}"
        let twice = Manifests(policy + "\n---\n" + policy)
        #expect(twice.problems.errors.count == 1)
        #expect(twice.cluster.policies.count == 1)
    }

    @Test("refuses a version of the security API that is not served")
    func version() {
        let read = Manifests("{apiVersion: security.istio.io/v1alpha1, kind: AuthorizationPolicy, metadata: {name: a}}")
        #expect(read.problems.errors.map(\.path) == ["apiVersion"])
    }

    @Test("survives every truncation of a manifest")
    func truncations() {
        let bytes = Array((Self.pod + "\n---\n" + Self.deployment).utf8)
        for end in bytes.indices {
            var reader = ClusterReader()
            reader.read(Manifest(name: "t", bytes: Array(bytes[..<end])))
            let (cluster, problems) = reader.finish()
            #expect(cluster.workloads.count <= 2 && problems.errors.count <= 3)
        }
    }

    @Test(
        "reads times of creation",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-08-01T12:34:56Z", 1_785_587_696), ("2000-02-29T23:59:59Z", 951_868_799),
        ])
    func times(text: String, seconds: Int64) {
        let read = Manifests(
            "{apiVersion: v1, kind: Pod, metadata: {name: a, creationTimestamp: '\(text)'}}")
        #expect(read.cluster.workloads.first?.meta.createdAt == seconds)
    }
}
