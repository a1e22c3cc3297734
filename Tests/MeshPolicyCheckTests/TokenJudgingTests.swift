import MeshCore
import MeshKubernetes
import MeshPolicyCheck
import MeshTokens
import Testing

/// Tokens as `policy-check eval` judges them. Numbers are those of the cases in the policy reference.
@Suite("Judging of tokens")
struct TokenJudgingTests {
    let issuer = Issuer()
    static let start: Int64 = 1_795_392_000

    /// The waypoint's policies: a token of `i` for the audience shop, and then what it says.
    private func judge(
        rule: String = "", keys: String? = nil, requires: String = "{from: [{source: {requestPrincipals: ['i/*']}}]}"
    ) -> PolicyJudge {
        let target = "targetRefs: [{kind: Service, name: cart}]"
        let keys = keys ?? "jwks: '\(issuer.jwks)'"
        let judge = Shop.judge(
            Shop.policy(
                "{\(target), jwtRules: [{issuer: i, audiences: [shop], \(keys)\(rule)}]}", kind: "RequestAuthentication"
            ),
            Shop.policy("{\(target), rules: [\(requires)]}"))
        judge.tokens.now = Self.start
        return judge
    }

    private func hop(
        _ judge: PolicyJudge, _ payload: String, header: String = "{\"alg\":\"EdDSA\",\"kid\":\"k1\"}",
        _ change: (inout FlowRequest) -> Void = { _ in }
    ) throws -> FlowReport.Hop {
        var request = FlowRequest()
        request.token = try issuer.token(payload, header: header)
        change(&request)
        return try #require(try Shop.report(judge, "shop/web", "shop/cart:80", request).hops.first)
    }

    private func claims(_ more: String = "") -> String { "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"shop\"\(more)}" }

    @Test("a token that is valid lets its claims count")
    func valid() throws {
        let hop = try hop(judge(), claims())
        #expect(hop.allowed, "\(hop.reason) \(hop.notes)")
        #expect(hop.notes.contains { $0.contains("signature was verified") })
        let nested = judge(requires: "{when: [{key: 'request.auth.claims[a][b]', values: [x]}]}")
        #expect(try self.hop(nested, claims(",\"a\":{\"b\":[\"y\",\"x\"]}")).allowed)
        #expect(try !self.hop(nested, claims(",\"a\":{\"b\":\"y\"}")).allowed)
    }

    @Test("95: without a token the request passes the first check, and is denied by the second")
    func none() throws {
        let hop = try #require(try Shop.report(judge(), "shop/web", "shop/cart:80", FlowRequest()).hops.first)
        #expect(!hop.allowed)
        #expect(hop.answer?.status == 403 && hop.answer?.body == "RBAC: access denied")
    }

    @Test("a refused token names who judges it, and the policies that were not asked any more")
    func notAsked() throws {
        let hop = try hop(judge(), claims(",\"exp\":\(Self.start - 61)"))
        #expect(hop.notes.contains { $0.hasPrefix("tokens are judged by RequestAuthentication shop/p at t.yaml:") })
        let policy = try #require(hop.policies.first { $0.policy == "shop/p" })
        #expect(policy.result == .notAsked)
        let custom = Shop.judge(
            Shop.policy(
                "{targetRefs: [{kind: Service, name: cart}], jwtRules: [{issuer: i, jwks: '\(issuer.jwks)'}]}",
                kind: "RequestAuthentication"),
            Shop.policy(
                "{targetRefs: [{kind: Service, name: cart}], action: CUSTOM, provider: {name: x}, "
                    + "rules: [{to: [{operation: {paths: [/other]}}]}]}"))
        let asked = try self.hop(custom, "{}").policies.first { $0.action == "CUSTOM" }
        #expect(asked?.result == .notMatched)
    }

    @Test("96 to 102: what is wrong is answered as a waypoint answers it, and explained")
    func refusals() throws {
        let now = Self.start
        let cases: [(String, String, Int, String)] = [
            (claims(",\"exp\":\(now - 61)"), "EdDSA", 401, "Jwt is expired"),
            (claims(",\"nbf\":\(now + 61)"), "EdDSA", 401, "Jwt not yet valid"),
            ("{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"bank\"}", "EdDSA", 403, "Audiences in Jwt are not allowed"),
            ("{\"iss\":\"j\",\"sub\":\"s\",\"aud\":\"shop\"}", "EdDSA", 401, "Jwt issuer is not configured"),
            (claims(), "none", 401, "Jwt header [alg] field value is invalid"),
            (claims(), "HS256", 401, "Jwks doesn't have key to match kid or alg from Jwt"),
        ]
        for (payload, algorithm, status, body) in cases {
            let hop = try hop(judge(), payload, header: "{\"alg\":\"\(algorithm)\",\"kid\":\"k1\"}")
            #expect(!hop.allowed)
            #expect(hop.answer?.status == status, "\(payload)")
            #expect(hop.answer?.body == body)
            #expect(hop.answer?.headers["www-authenticate"]?.hasSuffix("error=\"invalid_token\"") ?? false)
            #expect(hop.notes.contains { $0.contains("the token") }, "\(hop.notes)")
        }
        #expect(try hop(judge(), claims(",\"exp\":\(now - 59)")).allowed)
        let unknown = try hop(judge(), claims(), header: "{\"alg\":\"EdDSA\",\"kid\":\"k2\"}")
        #expect(unknown.answer?.body == "Jwks doesn't have key to match kid or alg from Jwt")
    }

    @Test("a signature of somebody else is refused")
    func forged() throws {
        let other = Issuer()
        let hop = try hop(judge(keys: "jwks: '\(other.jwks)'"), claims())
        #expect(hop.answer?.status == 401 && hop.answer?.body == "Jwt verification fails")
    }

    @Test("what cannot be read is refused, with its reason")
    func malformed() throws {
        let hop = try hop(judge(), claims()) { $0.token = "abc" }
        #expect(hop.answer?.status == 401)
        #expect(hop.answer?.body.hasPrefix("Jwt is not in the form of Header.Payload.Signature") ?? false)
    }

    @Test("101: keys that are not at hand leave the signature open; keys that could not be fetched refuse")
    func remote() throws {
        let judge = judge(keys: "jwksUri: 'https://i.example/keys'")
        let open = try hop(judge, claims())
        #expect(open.allowed)
        #expect(open.notes.contains { $0.contains("was not verified") })
        // Everything else was looked at all the same.
        #expect(try hop(judge, claims(",\"exp\":1")).answer?.body == "Jwt is expired")
        judge.tokens.keys[.url("https://i.example/keys")] = try KeySet(parsing: Array(Issuer().jwks.utf8))
        #expect(try hop(judge, claims()).answer?.body == "Jwt verification fails")
        judge.tokens.keys = [:]
        judge.tokens.failures[.url("https://i.example/keys")] = "connect: refused"
        let failed = try hop(judge, claims())
        #expect(failed.answer?.status == 401 && failed.answer?.body == "Jwks remote fetch is failed")
        #expect(failed.notes.contains { $0.contains("connect: refused") })
    }

    @Test(
        "a token is sent where the policies look for one",
        arguments: [
            ("", "header authorization"), (", fromHeaders: [{name: X-T, prefix: 'T '}]", "header X-T"),
            (", fromParams: [t]", "parameter t"), (", fromCookies: [t]", "cookie t"),
        ])
    func places(rule: String, place: String) throws {
        let hop = try hop(judge(rule: rule), claims())
        #expect(hop.allowed, "\(hop.reason)")
        #expect(hop.notes.first == "the token is sent in \(place)")
    }

    @Test("103, 104: rules see the request as validation leaves it: no token, and headers only from claims")
    func changed() throws {
        let rule = ", outputClaimToHeaders: [{header: x-sub, claim: sub}]"
        func judge(_ key: String, _ value: String) -> PolicyJudge {
            self.judge(rule: rule, requires: "{when: [{key: 'request.headers[\(key)]', values: ['\(value)']}]}")
        }
        #expect(try !hop(judge("authorization", "*"), claims()).allowed)
        #expect(try hop(judge("x-sub", "s"), claims()) { $0.headers.append(("X-Sub", "forged")) }.allowed)
        let forged = try Shop.report(
            judge("x-sub", "forged"), "shop/web", "shop/cart:80",
            {
                var request = FlowRequest()
                request.headers = [("x-sub", "forged")]
                return request
            }())
        #expect(!forged.allowed)
    }

    @Test("105: a preflight passes the first check, and may still be denied")
    func preflight() throws {
        let hop = try hop(judge(), claims(",\"exp\":1")) {
            $0.method = "OPTIONS"
            $0.headers = [("origin", "https://a"), ("access-control-request-method", "PUT")]
        }
        #expect(hop.answer?.status == 403 && hop.answer?.body == "RBAC: access denied")
    }

    @Test("106: to gRPC refusals are 200 with a status in trailers")
    func grpc() throws {
        let expired = try hop(judge(), claims(",\"exp\":1")) { $0.headers = [("content-type", "application/grpc")] }
        #expect(expired.answer?.status == 200 && expired.answer?.headers["grpc-status"] == "16")
        let audience = try hop(judge(), "{\"iss\":\"i\",\"aud\":\"x\"}") {
            $0.headers = [("content-type", "application/grpc")]
        }
        #expect(audience.answer?.headers["grpc-status"] == "7")
    }

    @Test("without a RequestAuthentication a token counts for nothing")
    func uncounted() throws {
        let judge = Shop.judge()
        let hop = try hop(judge, claims())
        #expect(hop.allowed)
        #expect(hop.notes.contains { $0.contains("no RequestAuthentication") })
    }

    @Test(
        "110 and the like: a bad head is answered 400 before any policy",
        arguments: ["/a%00", "/a#b", "a", "http://u@cart/"])
    func heads(path: String) throws {
        var request = FlowRequest()
        request.path = path
        let hop = try #require(try Shop.report(Shop.judge(), "shop/web", "shop/cart:80", request).hops.first)
        #expect(!hop.allowed && hop.answer?.status == 400)
    }

    @Test("two Host headers are answered 400, whoever names the second")
    func hosts() throws {
        var request = FlowRequest()
        request.headers = [("Host", "a"), ("host", "b")]
        #expect(try Shop.report(Shop.judge(), "shop/web", "shop/cart:80", request).hops.first?.answer?.status == 400)
        request.headers = [("Host", "a")]
        #expect(try Shop.report(Shop.judge(), "shop/web", "shop/cart:80", request).hops.first?.allowed ?? false)
        request.host = "a"
        #expect(try Shop.report(Shop.judge(), "shop/web", "shop/cart:80", request).hops.first?.answer?.status == 400)
    }

    @Test("an absolute target names the host that policies see")
    func absolute() throws {
        let judge = Shop.judge(
            Shop.policy(
                "{targetRefs: [{kind: Service, name: cart}], action: DENY, rules: [{to: [{operation: {hosts: [admin]}}]}]}"
            ))
        var request = FlowRequest()
        (request.path, request.host) = ("http://admin/", "cart")
        #expect(try !Shop.report(judge, "shop/web", "shop/cart:80", request).allowed)
    }

    @Test(
        "a time is seconds, or a date",
        arguments: [("0", 0), ("1795392000", 1_795_392_000), ("2026-11-23T00:00:00Z", 1_795_392_000)])
    func times(text: String, seconds: Int64) throws {
        #expect(try TokenSettings.time(text, doing: "t") == seconds)
    }

    @Test("anything else is no time", arguments: ["", "-1", "now", "2026-11-23", "2026-13-01T00:00:00Z"])
    func badTimes(text: String) {
        #expect(throws: MeshFailure.self) { try TokenSettings.time(text, doing: "t") }
    }
}
