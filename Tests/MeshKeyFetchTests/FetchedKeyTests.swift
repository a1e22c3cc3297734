import Crypto
import Foundation
import MeshCore
import MeshKeyFetch
import MeshKubernetes
import MeshPolicyCheck
import MeshTestSupport
import MeshTokens
import Testing

/// From a policy with `jwksUri` to the answer of a waypoint, over a server that is there.
@Suite("Tokens judged by keys that are fetched", .timeLimit(.minutes(1)))
struct FetchedKeyTests {
    let key = Curve25519.Signing.PrivateKey()
    static let now: Int64 = 1_795_392_000
    static let home = ["127.0.0.1/32"].compactMap { CIDR($0) }

    private var jwks: String {
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":\"\(base64URL(key.publicKey.rawRepresentation))\"}]}"
    }

    private func token(issuer: String, by key: Curve25519.Signing.PrivateKey) throws -> String {
        let head = base64URL(Data("{\"alg\":\"EdDSA\",\"kid\":\"k\"}".utf8))
        let signed = head + "." + base64URL(Data("{\"iss\":\"\(issuer)\",\"sub\":\"s\"}".utf8))
        return signed + "." + base64URL(try key.signature(for: Data(signed.utf8)))
    }

    /// A waypoint that wants a token of `issuer`, whose keys `rule` names.
    private func judge(issuer: String, rule: String) throws -> PolicyJudge {
        let target = "targetRefs: [{kind: Service, name: cart}]"
        let manifests = """
            {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {serviceAccountName: web},
              status: {podIP: 10.0.0.1}}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop, labels: {istio.io/use-waypoint: wp}},
              spec: {clusterIP: 10.1.0.1, ports: [{name: http, port: 80}]}}
            ---
            {apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: wp, namespace: shop},
              spec: {gatewayClassName: istio-waypoint}}
            ---
            {apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: r, namespace: shop},
              spec: {\(target), jwtRules: [{issuer: '\(issuer)', timeout: 20s\(rule)}]}}
            ---
            {apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a, namespace: shop},
              spec: {\(target), rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}}
            """
        var reader = ClusterReader()
        reader.read(Manifest(name: "t.yaml", bytes: Array(manifests.utf8)))
        let (cluster, problems) = reader.finish()
        try #require(problems.errors.isEmpty, "\(problems.errors)")
        let judge = PolicyJudge(cluster)
        judge.tokens.now = Self.now
        return judge
    }

    private func fetch(_ judge: PolicyJudge, roots: String? = nil, allowed: [CIDR] = home) async throws {
        let fetcher = try KeyFetcher(roots: roots.map { Array($0.utf8) }) { _ in .success([KeyFetcherTests.home]) }
        await judge.tokens.fetchKeys(
            for: judge.cluster.requestAuthentications, from: KeyStore(allowed: allowed, fetch: fetcher.fetch))
    }

    private func hop(_ judge: PolicyJudge, token: String?) throws -> FlowReport.Hop {
        var request = FlowRequest()
        request.token = token
        let parser = FlowParser(judge.index, doing: "test")
        return try #require(
            judge.report(try parser.client("shop/web"), try parser.target("shop/cart:80"), request).hops.first)
    }

    @Test("keys come over HTTPS from jwksUri: a token of the issuer passes, a forged one does not")
    func uri() async throws {
        let certificate = try ServerCertificate(name: "keys.example")
        let server = try await KeyServer(tls: certificate.tls, .whole(body: jwks))
        let judge = try judge(issuer: "i", rule: ", jwksUri: 'https://keys.example:\(server.port)/k'")
        try await fetch(judge, roots: certificate.pem)
        #expect(judge.tokens.failures.isEmpty, "\(judge.tokens.failures)")
        let good = try hop(judge, token: try token(issuer: "i", by: key))
        #expect(good.allowed, "\(good.reason) \(good.notes)")
        #expect(good.notes.contains { $0.contains("signature was verified") })
        let forged = try hop(judge, token: try token(issuer: "i", by: Curve25519.Signing.PrivateKey()))
        #expect(forged.answer?.status == 401 && forged.answer?.body == "Jwt verification fails")
        #expect(server.seen.map(\.target) == ["/k"])
        try await server.stop()
    }

    @Test("without jwksUri the issuer's OpenID configuration names the keys")
    func discovery() async throws {
        let keys = try await KeyServer(.whole(body: jwks))
        let configuration = "{\"jwks_uri\":\"http://keys.example:\(keys.port)/k\"}"
        let issuer = try await KeyServer(.whole(body: configuration))
        let name = "http://issuer.example:\(issuer.port)"
        let judge = try judge(issuer: name, rule: "")
        try await fetch(judge)
        #expect(try hop(judge, token: try token(issuer: name, by: key)).allowed, "\(judge.tokens.failures)")
        #expect(issuer.seen.map(\.target) == ["/.well-known/openid-configuration"])
        try await issuer.stop()
        try await keys.stop()
    }

    @Test("101: keys that cannot be fetched refuse tokens, with the reason, and nobody else")
    func unreachable() async throws {
        let certificate = try ServerCertificate(name: "other.example")
        let server = try await KeyServer(.whole(status: 404, body: ""))
        let closed = try await KeyServer(.whole(body: ""))
        let closedPort = closed.port
        try await closed.stop()
        let wrongName = try await KeyServer(tls: certificate.tls, .whole(body: jwks))
        let none = try await KeyServer(.whole(body: "{}"))
        let cases: [(uri: String, allowed: [CIDR], why: String)] = [
            ("http://keys.example:\(server.port)/", Self.home, "the answer has status 404"),
            ("http://keys.example:\(closedPort)/", Self.home, "connect: "),
            ("https://keys.example:\(wrongName.port)/", Self.home, "connect: "),
            ("http://keys.example:\(none.port)/", Self.home, "keys"),
            ("http://keys.example:\(server.port)/", [], "has the address 127.0.0.1, from which keys are not fetched"),
            ("http://127.0.0.1:\(server.port)/", [], "keys are not fetched from 127.0.0.1"),
        ]
        for (uri, allowed, why) in cases {
            let judge = try judge(issuer: "i", rule: ", jwksUri: '\(uri)'")
            try await fetch(judge, roots: certificate.pem, allowed: allowed)
            let refused = try hop(judge, token: try token(issuer: "i", by: key))
            #expect(refused.answer?.status == 401 && refused.answer?.body == "Jwks remote fetch is failed", "\(uri)")
            let told = refused.notes.first { $0.hasPrefix("the keys of issuer i could not be fetched: ") }
            #expect(told?.contains(why) ?? false, "\(refused.notes)")
            let tokenless = try hop(judge, token: nil)
            #expect(tokenless.answer?.status == 403)
        }
        for server in [server, wrongName, none] { try await server.stop() }
    }

    @Test("keys that were given are not fetched")
    func given() async throws {
        let server = try await KeyServer(.whole(body: "{}"))
        let uri = "http://keys.example:\(server.port)/"
        let judge = try judge(issuer: "i", rule: ", jwksUri: '\(uri)'")
        judge.tokens.keys[.url(uri)] = try KeySet(parsing: Array(jwks.utf8))
        try await fetch(judge)
        #expect(try hop(judge, token: try token(issuer: "i", by: key)).allowed)
        #expect(server.seen.isEmpty)
        try await server.stop()
    }
}
