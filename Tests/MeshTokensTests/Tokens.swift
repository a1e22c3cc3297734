import Crypto
import Foundation
import JWTKit
import MeshCore
import MeshPolicy
import MeshTestSupport
import MeshTokens
import _CryptoExtras

/// Signs whatever it is given with one P-256 key, whose public half is in `jwks`.
struct Signer: Sendable {
    let key = P256.Signing.PrivateKey()
    var kid: String? = "k1"

    var jwk: String {
        let point = key.publicKey.rawRepresentation
        let id = kid.map { ",\"kid\":\"\($0)\"" } ?? ""
        return
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(base64URL(point.prefix(32)))\",\"y\":\"\(base64URL(point.suffix(32)))\"\(id)}"
    }

    var jwks: String { "{\"keys\":[\(jwk)]}" }

    func token(
        _ payload: String = "{\"iss\":\"i\",\"sub\":\"s\"}", header: String = "{\"alg\":\"ES256\",\"kid\":\"k1\"}"
    ) -> String {
        let signed = base64URL(Array(header.utf8)) + "." + base64URL(Array(payload.utf8))
        guard let signature = try? key.signature(for: Data(signed.utf8)) else { return "" }
        return signed + "." + base64URL(signature.rawRepresentation)
    }

    func rules(_ change: (inout JWTRule) -> Void = { _ in }) -> TokenRules {
        var rule = JWTRule(issuer: "i", keys: .inline(jwks))
        change(&rule)
        return TokenRules([.of(rule)])
    }
}

extension RequestAuthentication {
    static func of(_ rules: JWTRule...) -> RequestAuthentication {
        RequestAuthentication(ResourceIdentity(namespace: "ns", name: "ra"), rules: rules)
    }
}

func request(
    _ token: String? = nil, method: String = "GET", target: String = "/path?q=1", _ headers: [(String, String)] = []
) -> TokenRequest {
    let all = (token.map { [("authorization", "Bearer \($0)")] } ?? []) + headers
    return TokenRequest(
        method: RequestText(method), scheme: "https", host: RequestText("example.com"), target: RequestText(target),
        headers: all.map { HeaderField(name: RequestText($0.0), value: RequestText($0.1)) })
}

/// 2026-11-23.
let now: Int64 = 1_795_392_000

extension TokenRules {
    func failure(_ token: String?, now time: Int64 = now) -> TokenFailure? {
        if case .refuse(let failure) = authenticate(request(token), now: time) { failure } else { nil }
    }

    func subject(_ request: TokenRequest) -> String? {
        guard case .pass(let claims?, _) = authenticate(request, now: now), case .string(let text)? = claims["sub"]
        else {
            return nil
        }
        return text
    }

    func changes(_ request: TokenRequest) -> TokenChanges? {
        if case .pass(_, let changes) = authenticate(request, now: now) { changes } else { nil }
    }
}
