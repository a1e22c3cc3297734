import Crypto
import FakeAPIServer
import Foundation
import Logging
import MeshCA
import MeshClusterAuthority
import MeshCore
import MeshKubernetesAPI
import MeshTestSupport
import SwiftASN1
import Synchronization
import X509
import _CryptoExtras

/// 2026-01-01T00:00:00Z, when these tests take place.
let start: Int64 = 1_767_225_600

func domain(_ name: String = "cluster.local") throws -> TrustDomain { try TrustDomain(parsing: name) }

func spiffe(_ namespace: String, _ account: String, _ domain: String = "cluster.local") -> String {
    "spiffe://\(domain)/ns/\(namespace)/sa/\(account)"
}

extension TemporaryFolder {
    func authority() throws -> CertificateAuthority {
        try AuthorityDirectory(file("ca")).create(trustDomain: try domain(), rootLifetime: 365 * 86400, now: start)
    }
}

func withClient<T: Sendable>(
    _ url: String, _ body: (KubernetesClient) async throws -> T
) async throws -> T {
    var limits = ClientLimits()
    limits.callTimeout = .seconds(20)
    limits.attempts = 1
    let pause: KubernetesClient.Pause = { _ in
        try Task.checkCancellation()
        await Task.yield()
    }
    return try await KubernetesClient.with(ClusterAccess(server: url), limits: limits, pause: pause, body)
}

/// A signing request, and certificates of an authority, as callers have them.
func signingRequest() throws -> String {
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    return try CertificateSigningRequest(
        version: .v1, subject: DistinguishedName(), privateKey: key, attributes: .init()
    ).serializeAsPEM().pemString
}

extension CertificateAuthority {
    func certificate(_ names: SubjectName...) throws -> Certificate {
        try issue(SigningRequest(pem: signingRequest()), names: names, lifetime: 3600, now: start).certificate
    }
}

// MARK: Tokens

/// Signs tokens as an API server does, or as somebody who would like to be one.
struct TestIssuer: Sendable {
    let key = P256.Signing.PrivateKey()
    var keyID = "k1"

    static let issuer = "https://kubernetes.default.svc"

    var jwks: String { Self.jwks([jwk]) }
    var jwk: String {
        let point = Array(key.publicKey.x963Representation)
        return #"{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"\#(keyID)","#
            + #""x":"\#(base64URL(point[1...32]))","y":"\#(base64URL(point[33...64]))"}"#
    }
    static func jwks(_ keys: [String]) -> String { #"{"keys":[\#(keys.joined(separator: ","))]}"# }

    func token(_ claims: Claims = Claims(), header: String? = nil) throws -> String {
        let header = header ?? #"{"alg":"ES256","kid":"\#(keyID)"}"#
        let signed = base64URL(Array(header.utf8)) + "." + base64URL(Array(claims.text.utf8))
        return signed + "." + base64URL(try key.signature(for: Data(signed.utf8)).rawRepresentation)
    }
}

/// The claims of a bound token. Source: the example of the Kubernetes documentation.
struct Claims: Sendable {
    var issuer = TestIssuer.issuer
    var audience = #"["istio-ca"]"#
    var subject = "system:serviceaccount:istio-system:ztunnel"
    var namespace = "istio-system"
    var account = "ztunnel"
    var pod: String? = "ztunnel-1"
    var podUID = "uid-z1"
    var node: String? = "n1"
    var notBefore = start - 10
    var expiry: Int64? = start + 3600
    var issuedAt = start - 10
    var extra = ""

    var text: String {
        var nested = #""namespace":"\#(namespace)","serviceaccount":{"name":"\#(account)","uid":"u"}"#
        if let pod { nested += #","pod":{"name":"\#(pod)","uid":"\#(podUID)"}"# }
        if let node { nested += #","node":{"name":"\#(node)","uid":"n"}"# }
        return #"{"iss":"\#(issuer)","aud":\#(audience),"sub":"\#(subject)","nbf":\#(notBefore),"iat":\#(issuedAt),"#
            + (expiry.map { #""exp":\#($0),"# } ?? "") + extra + #""jti":"j","kubernetes.io":{\#(nested)}}"#
    }
}

// MARK: Pods

func podJSON(
    _ namespace: String, _ name: String, account: String = "default", node: String? = "n1", uid: String? = nil,
    phase: String = "Running", deletion: String? = nil
) -> JSONValue {
    var metadata: [String: JSONValue] = ["namespace": .string(namespace), "name": .string(name)]
    metadata["uid"] = .string(uid ?? "uid-\(name)")
    metadata["deletionTimestamp"] = deletion.map { .string($0) }
    var spec: [String: JSONValue] = ["serviceAccountName": .string(account)]
    spec["nodeName"] = node.map { .string($0) }
    return ["metadata": .object(metadata), "spec": .object(spec), "status": ["phase": .string(phase)]]
}

/// The status of a review of a bound token.
func reviewStatus(
    _ username: String = "system:serviceaccount:istio-system:ztunnel", pod: String? = "ztunnel-1",
    uid: String = "uid-z1", node: String? = nil, audiences: [String]? = ["istio-ca"],
    groups: [String] = ["system:serviceaccounts", "system:serviceaccounts:istio-system", "system:authenticated"]
) -> JSONValue {
    var extra: [String: JSONValue] = ["authentication.kubernetes.io/credential-id": ["JTI=j"]]
    if let pod {
        extra["authentication.kubernetes.io/pod-name"] = [.string(pod)]
        extra["authentication.kubernetes.io/pod-uid"] = [.string(uid)]
    }
    if let node { extra["authentication.kubernetes.io/node-name"] = [.string(node)] }
    var status: [String: JSONValue] = [
        "authenticated": .bool(true),
        "user": [
            "username": .string(username), "uid": "u", "groups": .list(groups.map { .string($0) }),
            "extra": .object(extra),
        ],
    ]
    status["audiences"] = audiences.map { .list($0.map { .string($0) }) }
    return .object(status)
}

/// Pods that a test lists.
struct ListedPods: PodDirectory {
    var pods: [PodFacts]
    var obstacle: String?

    func pod(namespace: String, name: String) -> PodFacts? {
        pods.first { $0.namespace == namespace && $0.name == name }
    }
    func pods(at place: PodPlace) -> [PodFacts] { pods.filter { $0.place == place } }
}
