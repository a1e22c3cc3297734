import Crypto
import Foundation
import MeshCore
import MeshKubernetes
import MeshPolicyCheck
import MeshTestSupport
import MeshTokens

/// A shop whose service cart is behind a waypoint, and whatever is added to it.
enum Shop {
    static let base = """
        {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}},
          spec: {serviceAccountName: web, containers: [{ports: [{containerPort: 8000}]}]}, status: {podIP: 10.0.0.1}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop, labels: {app: cart}},
          spec: {serviceAccountName: cart, containers: [{ports: [{containerPort: 8080}]}]}, status: {podIP: 10.0.0.2}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: wp-1, namespace: shop, labels: {
          gateway.networking.k8s.io/gateway-name: wp}}, spec: {serviceAccountName: wp}, status: {podIP: 10.0.0.9}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop, labels: {istio.io/use-waypoint: wp}},
          spec: {clusterIP: 10.1.0.1, selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}}
        ---
        {apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: wp, namespace: shop},
          spec: {gatewayClassName: istio-waypoint}}

        """

    static func policy(
        _ spec: String, name: String = "p", namespace: String = "shop", kind: String = "AuthorizationPolicy",
        annotations: String = "{}"
    ) -> String {
        "---\n{apiVersion: security.istio.io/v1, kind: \(kind), metadata: {name: \(name), namespace: \(namespace), "
            + "annotations: \(annotations)}, spec: \(spec)}\n"
    }

    static func read(_ more: String..., settings: MeshSettings = MeshSettings()) -> (ClusterModel, ManifestProblems) {
        var reader = ClusterReader(settings: settings)
        reader.read(Manifest(name: "t.yaml", bytes: Array((base + more.joined()).utf8)))
        let (cluster, problems) = reader.finish()
        return (cluster, problems)
    }

    static func judge(_ more: String..., settings: MeshSettings = MeshSettings()) -> PolicyJudge {
        PolicyJudge(read(more.joined(), settings: settings).0)
    }

    static func report(
        _ judge: PolicyJudge, _ from: String = "shop/web", _ to: String = "shop/cart:80", _ request: FlowRequest? = nil
    ) throws -> FlowReport {
        let parser = FlowParser(judge.index, doing: "test")
        return judge.report(try parser.client(from), try parser.target(to), request)
    }

    /// The checks that lint reports, sorted, without those that the shop itself causes.
    static func lint(_ more: String..., settings: MeshSettings = MeshSettings()) -> [LintReport.Finding] {
        let (cluster, problems) = read(more.joined(), settings: settings)
        return LintReport(problems, problems.errors.isEmpty ? PolicyJudge(cluster) : nil).findings
    }
}

/// An issuer with an Ed25519 key.
struct Issuer {
    let key = Curve25519.Signing.PrivateKey()

    var jwks: String {
        let x = base64URL(key.publicKey.rawRepresentation)
        return "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k1\",\"x\":\"\(x)\"}]}"
    }

    func token(_ payload: String, header: String = "{\"alg\":\"EdDSA\",\"kid\":\"k1\"}") throws -> String {
        let signed = base64URL(Data(header.utf8)) + "." + base64URL(Data(payload.utf8))
        return signed + "." + base64URL(try key.signature(for: Data(signed.utf8)))
    }
}
