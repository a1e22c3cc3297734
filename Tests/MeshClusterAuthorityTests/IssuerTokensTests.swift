import Crypto
import Foundation
import MeshClusterAuthority
import MeshTestSupport
import MeshTokens
import Synchronization
import Testing
import _CryptoExtras

@Suite("Tokens that are verified by the keys of their issuer")
struct IssuerTokensTests {
    static let issuer = TestIssuer()

    /// Answers with what it holds, and counts.
    final class Source: Sendable {
        let text: Mutex<String?>
        let fetches = Count()
        init(_ text: String?) { self.text = Mutex(text) }

        struct Down: Error {}
        var fetch: IssuerKeys.Fetch {
            {
                self.fetches.up()
                guard let text = self.text.withLock({ $0 }) else { throw Down() }
                return Array(text.utf8)
            }
        }
    }

    private func tokens(_ source: Source) -> IssuerTokens {
        IssuerTokens(
            rule: ServiceTokenRule(issuer: TestIssuer.issuer, audiences: ["istio-ca", "a1"]), cluster: "here",
            keys: IssuerKeys(fetch: source.fetch))
    }

    @Test("name the account, the pod and the node that they are bound to")
    func accepted() async throws {
        let caller = try await tokens(Source(Self.issuer.jwks)).caller(Self.issuer.token(), now: start)
        #expect(caller.account == ServiceAccount(namespace: "istio-system", name: "ztunnel"))
        #expect(caller.pod == .init(name: "ztunnel-1", uid: "uid-z1"))
        #expect(caller.node == .init(name: "n1", uid: "n"))
        #expect(caller.cluster == "here")
        #expect(caller.isOffline)
    }

    @Test(
        "are for one of our audiences (C33)",
        arguments: [(#""istio-ca""#, true), (#"["a3","a1"]"#, true), (#"["a3"]"#, false), ("[]", false)])
    func audiences(text: String, isGood: Bool) async throws {
        let token = try Self.issuer.token(Claims(audience: text))
        let tokens = tokens(Source(Self.issuer.jwks))
        if isGood {
            _ = try await tokens.caller(token, now: start)
        } else {
            await #expect(throws: TokenProblem.self) { try await tokens.caller(token, now: start) }
        }
    }

    static let refused: [(String, Claims)] = [
        ("another issuer", Claims(issuer: "https://elsewhere")), ("no issuer", Claims(issuer: "")),
        ("ended", Claims(expiry: start - 61)), ("without end", Claims(expiry: nil)),
        ("an end of zero", Claims(expiry: 0)), ("not yet", Claims(notBefore: start + 61)),
        ("made in the future", Claims(issuedAt: start + 61)),
        ("a subject of one part", Claims(subject: "system:serviceaccount")),
        ("a subject of three parts", Claims(subject: "system:serviceaccount:istio-system")),
        ("a subject of five parts", Claims(subject: "system:serviceaccount:istio-system:ztunnel:x")),
        ("no subject of an account", Claims(subject: "alice")),
        ("another namespace inside", Claims(namespace: "kube-system")),
        ("another account inside", Claims(account: "admin")), ("a pod without name", Claims(pod: "")),
        ("a claim twice", Claims(extra: #""sub":"system:serviceaccount:kube-system:admin","#)),
    ]

    @Test("are refused for each thing that is wrong with them (C31, C32, C38)", arguments: refused)
    func claims(what: String, claims: Claims) async throws {
        let tokens = tokens(Source(Self.issuer.jwks))
        let token = try Self.issuer.token(claims)
        await #expect(throws: TokenProblem.self, "\(what)") { try await tokens.caller(token, now: start) }
    }

    @Test("a minute of difference between the clocks is borne")
    func skew() async throws {
        let tokens = tokens(Source(Self.issuer.jwks))
        for claims in [Claims(notBefore: start + 60), Claims(issuedAt: start + 60), Claims(expiry: start - 60)] {
            _ = try await tokens.caller(Self.issuer.token(claims), now: start)
        }
    }

    @Test(
        "no header makes another algorithm or another key count (C34)",
        arguments: [
            #"{"alg":"none"}"#, #"{"alg":"None","kid":"k1"}"#, #"{"alg":"RS256","kid":"k1"}"#,
            #"{"alg":"HS256","kid":"k1"}"#, #"{"alg":"ES384","kid":"k1"}"#,
            #"{"alg":"ES256","kid":"k1","crit":["exp"],"exp":1}"#, #"{"alg":"ES256","kid":"k1","alg":"none"}"#,
            #"{"kid":"k1"}"#,
        ])
    func headers(header: String) async throws {
        let tokens = tokens(Source(Self.issuer.jwks))
        let token = try Self.issuer.token(header: header)
        await #expect(throws: TokenProblem.self) { try await tokens.caller(token, now: start) }
    }

    @Test("a key that the token brings along does not count, nor one that it names (jwk, jku, x5u)")
    func embedded() async throws {
        let tokens = tokens(Source(Self.issuer.jwks))
        let other = TestIssuer()
        for member in [#""jwk":\#(other.jwk)"#, #""jku":"https://evil/keys""#, #""x5u":"https://evil/cert""#] {
            let token = try other.token(header: #"{"alg":"ES256","kid":"k1",\#(member)}"#)
            await #expect(throws: TokenProblem.self) { try await tokens.caller(token, now: start) }
        }
    }

    @Test("a shared secret is no proof, neither the public key's text nor a secret among the keys (C34)")
    func secrets() async throws {
        let secret = Array("0123456789abcdef0123456789abcdef".utf8)
        let oct = #"{"kty":"oct","kid":"s","alg":"HS256","k":"\#(base64URL(secret))"}"#
        let pem = Array(Self.issuer.key.publicKey.pemRepresentation.utf8)
        let tokens = tokens(Source(TestIssuer.jwks([Self.issuer.jwk, oct])))
        for (keyID, bytes) in [("s", secret), ("k1", pem)] {
            let signed =
                base64URL(Array(#"{"alg":"HS256","kid":"\#(keyID)"}"#.utf8)) + "."
                + base64URL(Array(Claims().text.utf8))
            let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: SymmetricKey(data: bytes))
            await #expect(throws: TokenProblem.self) {
                try await tokens.caller(signed + "." + base64URL(code), now: start)
            }
        }
    }

    @Test("every signature that is cut or changed is refused")
    func changed() async throws {
        let tokens = tokens(Source(Self.issuer.jwks))
        let token = try Self.issuer.token()
        for count in [0, 1, token.count / 2, token.count - 1] {
            let cut = String(token.prefix(count))
            await #expect(throws: TokenProblem.self) { try await tokens.caller(cut, now: start) }
        }
        let other = try TestIssuer().token()
        await #expect(throws: TokenProblem.self) { try await tokens.caller(other, now: start) }
    }

    @Test("a key that is new at the issuer is fetched when a token names it")
    func newKey() async throws {
        let source = Source(Self.issuer.jwks)
        let tokens = tokens(source)
        _ = try await tokens.caller(Self.issuer.token(), now: start)
        var next = TestIssuer()
        next.keyID = "k2"
        source.text.withLock { $0 = TestIssuer.jwks([Self.issuer.jwk, next.jwk]) }
        let token = try next.token()
        await #expect(throws: TokenProblem.self, "too early for another look") {
            try await tokens.caller(token, now: start + 9)
        }
        _ = try await tokens.caller(token, now: start + 10)
        #expect(source.fetches.now == 2)
    }

    @Test("made-up key names cause one fetch in ten seconds")
    func flood() async throws {
        let source = Source(Self.issuer.jwks)
        let tokens = tokens(source)
        for index in 0..<200 {
            let token = try TestIssuer().token(header: #"{"alg":"ES256","kid":"made-up-\#(index)"}"#)
            await #expect(throws: TokenProblem.self) { try await tokens.caller(token, now: start + Int64(index / 10)) }
        }
        // At 0, then at 10.
        #expect(source.fetches.now == 2)
    }

    @Test("without keys nobody is refused and nobody accepted; the source is left alone for longer and longer")
    func down() async throws {
        let source = Source(nil)
        let tokens = tokens(source)
        let token = try Self.issuer.token()
        for second in 0..<300 {
            let problem = await #expect(throws: TokenProblem.self) {
                try await tokens.caller(token, now: start + Int64(second))
            }
            guard case .unavailable? = problem else {
                Issue.record("\(String(describing: problem))")
                return
            }
        }
        // At 0, 10, 30, 70, 150; the next would be at 310.
        #expect(source.fetches.now == 5)
        source.text.withLock { $0 = Self.issuer.jwks }
        _ = try await tokens.caller(token, now: start + 310)
    }

    @Test("keys that are known serve on while the issuer is away")
    func away() async throws {
        let source = Source(Self.issuer.jwks)
        let tokens = tokens(source)
        _ = try await tokens.caller(Self.issuer.token(), now: start)
        source.text.withLock { $0 = nil }
        _ = try await tokens.caller(Self.issuer.token(), now: start + IssuerKeys.refreshInterval)
        #expect(source.fetches.now == 2)
    }
}
