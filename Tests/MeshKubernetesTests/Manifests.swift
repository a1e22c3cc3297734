import MeshCore
import MeshKubernetes

/// Manifests of one text, read whole.
struct Manifests {
    let cluster: ClusterModel
    let problems: ManifestProblems

    init(_ text: String, settings: MeshSettings = MeshSettings()) {
        var reader = ClusterReader(settings: settings)
        reader.read(Manifest(name: "t.yaml", bytes: Array(text.utf8)))
        (cluster, problems) = reader.finish()
    }

    /// A policy `shop/p` with this spec, each line indented by two spaces.
    init(policy spec: String, kind: String = "AuthorizationPolicy", annotations: String = "{}") {
        self.init(
            """
            apiVersion: security.istio.io/v1
            kind: \(kind)
            metadata: {name: p, namespace: shop, annotations: \(annotations)}
            spec: \(spec)
            """)
    }
}
