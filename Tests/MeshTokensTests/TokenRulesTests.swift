import Foundation
import MeshCore
import MeshPolicy
import MeshTokens
import Testing

/// Which requests a token lets pass. Numbers are those of the cases in the policy reference.
@Suite("Request authentication")
struct TokenRulesTests {
    let signer = Signer()

    @Test("95: no token passes, without identity")
    func noToken() {
        guard case .pass(nil, _) = signer.rules().authenticate(request(), now: now) else {
            Issue.record("a request without a token was stopped or got claims")
            return
        }
    }

    @Test(
        "96: a minute of difference between clocks is allowed",
        arguments: [
            ("exp", -59, nil), ("exp", -60, nil), ("exp", -61, TokenFailure.expired), ("exp", 10, nil),
            ("nbf", 59, nil),
            ("nbf", 60, nil), ("nbf", 61, .notYetValid), ("nbf", -10, nil), ("iat", 1000, nil),
        ])
    func time(claim: String, offset: Int64, expected: TokenFailure?) {
        let token = signer.token("{\"iss\":\"i\",\"\(claim)\":\(now + offset)}")
        #expect(signer.rules().failure(token) == expected)
    }

    @Test("a token without end, or that ends in the far future, is valid", arguments: ["0", "9223372036854775807"])
    func endless(expiry: String) {
        #expect(signer.rules().failure(signer.token("{\"iss\":\"i\",\"exp\":\(expiry)}")) == nil)
    }

    @Test("97: another audience is 403, everything else 401")
    func audience() {
        let rules = signer.rules { $0.audiences = ["a", "b"] }
        #expect(rules.failure(signer.token("{\"iss\":\"i\",\"aud\":\"b\"}")) == nil)
        #expect(rules.failure(signer.token("{\"iss\":\"i\",\"aud\":[\"x\",\"a\"]}")) == nil)
        #expect(rules.failure(signer.token("{\"iss\":\"i\",\"aud\":[]}")) == .audience)
        #expect(rules.failure(signer.token("{\"iss\":\"i\"}")) == .audience)
        #expect(TokenFailure.audience.status == 403)
        #expect(TokenFailure.expired.status == 401)
    }

    @Test("the checks come in the order issuer, time, audience, signature")
    func order() {
        let rules = signer.rules { $0.audiences = ["a"] }
        let stranger = Signer()
        #expect(rules.failure(stranger.token("{\"iss\":\"x\",\"exp\":1}")) == .issuer)
        #expect(rules.failure(stranger.token("{\"iss\":\"i\",\"exp\":1}")) == .expired)
        #expect(rules.failure(stranger.token("{\"iss\":\"i\"}")) == .audience)
        #expect(rules.failure(stranger.token("{\"iss\":\"i\",\"aud\":\"a\"}")) == .signature)
    }

    @Test("98, 99: a token of any configured issuer passes, one of another does not")
    func issuers() {
        let second = Signer()
        let rules = TokenRules([
            .of(JWTRule(issuer: "i", keys: .inline(signer.jwks))),
            .of(JWTRule(issuer: "j", keys: .inline(second.jwks))),
        ])
        #expect(rules.subject(request(second.token("{\"iss\":\"j\",\"sub\":\"of j\"}"))) == "of j")
        #expect(rules.failure(second.token("{\"iss\":\"k\"}")) == .issuer)
        #expect(rules.failure(second.token()) == .signature)
        #expect(rules.failure(second.token("{\"iss\":\"j\",\"exp\":1}")) == .expired)
    }

    @Test("101: without keys a token is refused, and a request without one passes")
    func unreachable() throws {
        let rule = JWTRule(issuer: "i", keys: .remote("https://i.example/keys"))
        #expect(TokenRules([.of(rule)]).failure(signer.token()) == .keysUnavailable)
        #expect(TokenRules([.of(rule)]).failure(nil) == nil)
        let keys = try KeySet(parsing: Array(signer.jwks.utf8))
        let fetched = TokenRules([.of(rule)], remoteKeys: [.url("https://i.example/keys"): keys])
        #expect(fetched.failure(signer.token()) == nil)
    }

    @Test("an empty issuer takes any, with remote keys")
    func anyIssuer() throws {
        let keys = try KeySet(parsing: Array(signer.jwks.utf8))
        let rules = TokenRules(
            [.of(JWTRule(issuer: "", keys: .remote("https://x/")))], remoteKeys: [.url("https://x/"): keys])
        #expect(rules.failure(signer.token("{\"iss\":\"whoever\"}")) == nil)
    }

    // MARK: Places

    @Test("a token is found at its places")
    func places() {
        let token = signer.token()
        let rules = signer.rules {
            $0.fromHeaders = [.init(name: "X-JWT", prefix: "JWT "), .init(name: "x-plain")]
            $0.fromParameters = ["tok"]
            $0.fromCookies = ["session"]
        }
        #expect(rules.subject(request(nil, [("x-jwt", "JWT \(token)")])) == "s")
        #expect(rules.subject(request(nil, [("x-plain", token)])) == "s")
        #expect(rules.subject(request(target: "/?a=b&tok=\(token)")) == "s")
        #expect(rules.subject(request(nil, [("cookie", "a=b; session=\(token)")])) == "s")
        #expect(rules.subject(request(nil, [("cookie", "session=\"\(token)\"")])) == "s")
        #expect(rules.subject(request(nil, [("x-jwt", "JWT bad"), ("x-jwt", "JWT \(token)")])) == "s")
        #expect(rules.subject(request(token)) == nil)
        #expect(signer.rules().subject(request(target: "/?access_token=\(token)")) == "s")
        #expect(signer.rules().failure(nil) == nil)
    }

    @Test("a header of another scheme is no token; an empty one is a bad token")
    func otherScheme() {
        let rules = signer.rules()
        #expect(rules.changes(request(nil, [("authorization", "Basic eDp5")])) != nil)
        guard case .refuse(.form) = rules.authenticate(request(nil, [("authorization", "Bearer ")]), now: now) else {
            Issue.record("an empty token passed")
            return
        }
    }

    @Test("103: the token goes no further, unless asked for")
    func forwarding() {
        let token = signer.token()
        #expect(signer.rules().changes(request(token))?.removedHeaders == ["authorization"])
        #expect(signer.rules { $0.forwardOriginalToken = true }.changes(request(token))?.removedHeaders == [])
        for (target, expected) in [
            ("/a?access_token=\(token)", "/a"), ("/a?x=1&access_token=\(token)&y=2", "/a?x=1&y=2"),
            ("/a?access_token=\(token)&access_token=z", "/a"),
        ] {
            let changed = signer.rules().changes(request(target: target))?.target
            #expect(changed.map { String(decoding: $0, as: UTF8.self) } == expected)
        }
        #expect(signer.rules().changes(request())?.target == nil)
    }

    @Test("104: headers that only validation may set are removed from every request")
    func forged() {
        let rules = signer.rules {
            $0.outputPayloadToHeader = "X-Payload"
            $0.outputClaimToHeaders = [.init(header: "X-Sub", claim: "sub")]
        }
        #expect(rules.changes(request())?.removedHeaders == ["x-payload", "x-sub"])
        let preflight = request(method: "OPTIONS", [("origin", "https://a"), ("access-control-request-method", "PUT")])
        #expect(rules.changes(preflight)?.removedHeaders == ["x-payload", "x-sub"])
    }

    @Test("claims become headers")
    func outputs() {
        let payload = """
            {"iss":"i","sub":"s","n":5,"f":5.0,"h":0.5,"t":true,"o":{"in":"deep"},"l":["x"],"z":null,"scope":"a b",\
            "evil":"x\\r\\ny: z","a.b":"dotted"}
            """
        let names = ["sub", "n", "f", "h", "t", "o.in", "o", "l", "z", "none", "scope", "evil", "a.b"]
        let rules = signer.rules { rule in
            rule.outputPayloadToHeader = "x-payload"
            rule.outputClaimToHeaders = names.map { .init(header: "X-\($0)", claim: $0) }
        }
        let token = signer.token(payload)
        let set = rules.changes(request(token))?.setHeaders.map { "\($0.name)=\($0.value)" } ?? []
        #expect(set.first == "x-payload=\(token.split(separator: ".")[1])")
        #expect(
            set.dropFirst().sorted() == [
                "x-a.b=dotted", "x-f=5", "x-h=0.5", "x-n=5", "x-o.in=deep", "x-scope=a b", "x-sub=s", "x-t=true",
            ])
    }

    @Test("105: a preflight needs no token, and nothing else that says OPTIONS goes free")
    func preflight() {
        let bad = ("authorization", "Bearer bad")
        let full = [("origin", "https://a"), ("access-control-request-method", "PUT"), bad]
        #expect(signer.rules().changes(request(method: "OPTIONS", full)) != nil)
        #expect(signer.rules().changes(request(method: "GET", full)) == nil)
        #expect(signer.rules().changes(request(method: "OPTIONS", [full[0], bad])) == nil)
        #expect(signer.rules().changes(request(method: "OPTIONS", [full[1], bad])) == nil)
    }

    @Test("60: claims that a rule names are lists written with spaces")
    func spaceDelimited() {
        let rules = signer.rules { $0.spaceDelimitedClaims = ["roles"] }
        let token = signer.token("{\"iss\":\"i\",\"roles\":\"a b\",\"other\":\"a b\"}")
        guard case .pass(let claims?, _) = rules.authenticate(request(token), now: now) else {
            Issue.record("the token is valid")
            return
        }
        #expect(claims["roles"] == .list([.string("a"), .string("b")]))
        #expect(claims["other"] == .string("a b"))
    }

    @Test("a refusal says why, with a realm that holds no quotes and is not long")
    func answer() {
        let answer = TokenFailure.expired.answer(url: request().url, isGRPC: false)
        #expect(answer.status == 401)
        #expect(answer.body == "Jwt is expired")
        #expect(answer.details == "jwt_authn_access_denied{Jwt_is_expired}")
        #expect(
            answer.headers.last
                == .init("www-authenticate", "Bearer realm=\"https://example.com/path\", error=\"invalid_token\""))
        let evil = TokenFailure.expired.answer(
            url: "https://h/\"\r\nx" + String(repeating: "a", count: 1000), isGRPC: true)
        let header = evil.headers.last?.value ?? ""
        #expect(header.utf8.count < 256 + 50)
        #expect(!header.contains("\r") && header.filter { $0 == "\"" }.count == 4)
        #expect(evil.headers.contains(.init("grpc-status", "16")))
        #expect(TokenFailure.audience.answer(url: "", isGRPC: true).headers.contains(.init("grpc-status", "7")))
    }
}
