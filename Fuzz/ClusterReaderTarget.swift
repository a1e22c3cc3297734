import MeshCore
import MeshKubernetes
import MeshPolicy

extension Target {
    /// Manifests with every kind that is read. What passes validation must be usable as it is: indexed, translated for
    /// node proxies, compiled for waypoints without a problem, and read again the same.
    static let clusterReader = Target(
        name: "ClusterReader",
        seeds: [
            """
            apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: {name: a, namespace: b, annotations: {istio.io/dry-run: "true"}}
            spec:
              action: DENY
              selector: {matchLabels: {app: x}}
              rules:
              - from: [{source: {principals: ["*/sa/x"], notNamespaces: [c], ipBlocks: [10.0.0.0/8]}}]
                to: [{operation: {paths: ["/a/{*}"], ports: ["80"], methods: [GET]}}]
                when: [{key: "request.headers[x]", values: ["a*"], notValues: [ab]}]
            """,
            """
            {apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a, namespace: b}, spec: {
              targetRefs: [{kind: Service, group: "", name: s}], rules: [{from: [{source: {requestPrincipals: ["i/*"],
              serviceAccounts: [c/d], trustDomains: ["*.x"], remoteIpBlocks: ["::/0"]}}]}, {when: [
              {key: "request.auth.claims[a][b]", values: [c]}, {key: destination.port, values: ["80"]}]}]}}
            """,
            """
            {apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: a, namespace: b}, spec: {
              selector: {matchLabels: {app: x}}, mtls: {mode: STRICT}, portLevelMtls: {80: {mode: PERMISSIVE}}}}
            ---
            {apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: a, namespace: b}, spec: {
              jwtRules: [{issuer: i, audiences: [x], jwksUri: "https://i/k", fromHeaders: [{name: n, prefix: p}],
              outputClaimToHeaders: [{header: h, claim: c}], timeout: 1.5s}]}}
            """,
            """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: b, labels: {app: x}}, spec: {
                serviceAccountName: s, containers: [{ports: [{containerPort: 80, name: http}]}]}, status: {podIP: 10.0.0.1}}
            - {apiVersion: v1, kind: Service, metadata: {name: s, namespace: b, labels: {istio.io/use-waypoint: w}}, spec: {
                clusterIP: 10.1.0.1, selector: {app: x}, ports: [{port: 80, targetPort: http}]}}
            - {apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: b}, spec: {template: {metadata: {
                labels: {app: x}}, spec: {containers: []}}}}
            - {apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: w, namespace: b}, spec: {
                gatewayClassName: istio-waypoint}}
            """,
            """
            {apiVersion: v1, kind: ConfigMap, metadata: {name: istio, namespace: istio-system}, data: {mesh: "trustDomain:
              td\\nextensionProviders: [{name: e, envoyExtAuthzHttp: {service: s, port: 80, timeout: 1s}}]"}}
            ---
            {apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: e, namespace: b}, spec: {
              hosts: [a.example], addresses: [1.2.3.4], ports: [{number: 80, name: http, protocol: HTTP}],
              workloadSelector: {labels: {app: x}}, resolution: STATIC}}
            """,
        ],
        check: { bytes in
            func read() -> (cluster: ClusterModel, problems: ManifestProblems) {
                var reader = ClusterReader()
                reader.read(Manifest(name: "f", bytes: bytes))
                return reader.finish()
            }
            let (cluster, problems) = read()
            for problem in problems.errors + problems.warnings {
                // The mesh's settings are a text of their own, inside of a line of the file.
                let file = problem.position.file
                guard file == "f" || file.hasPrefix("f:") && file.hasSuffix(" (data.mesh)") else {
                    return "\(problem) is nowhere"
                }
            }
            let again = read()
            if again.problems.errors != problems.errors || again.cluster.policies != cluster.policies {
                return "read again it is otherwise"
            }
            guard problems.errors.isEmpty else { return nil }
            let index = ClusterIndex(cluster)
            let nodes = NodePolicies(cluster)
            for workload in cluster.workloads { _ = nodes.keys(for: workload) }
            for service in cluster.services { _ = index.waypoint(of: service) }
            for chain in PolicyChain.allCases {
                let set = RequestPolicySet(cluster.policies, settings: cluster.settings, chain: chain)
                if chain == .http, let problem = set.problems.first { return "valid, and yet: \(problem)" }
            }
            return nil
        })
}
