import Crypto
import Foundation
import JWTKit
import MeshCore
import MeshTestSupport
import MeshTokens
import Testing
import _CryptoExtras

/// Tokens made by another implementation (JWTKit), and tokens made to deceive.
@Suite("Token signatures")
struct SignatureTests {
    struct Payload: JWTPayload {
        let iss: String
        let sub: String
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    /// One key of each type, made once: RSA keys take their time.
    struct Keys: Sendable {
        let rsa: _RSA.Signing.PrivateKey
        let p256 = P256.Signing.PrivateKey()
        let p384 = P384.Signing.PrivateKey()
        let p521 = P521.Signing.PrivateKey()
        let ed = Curve25519.Signing.PrivateKey()
        let secret = Array(String(repeating: "a secret of the issuer, long enough for SHA-512 ", count: 2).utf8)

        init() throws { rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048) }

        func jwk(_ algorithm: TokenAlgorithm) throws -> String {
            func ec(_ curve: String, _ raw: Data) -> String {
                let half = raw.count / 2
                return
                    "{\"kty\":\"EC\",\"crv\":\"\(curve)\",\"x\":\"\(base64URL(raw.prefix(half)))\",\"y\":\"\(base64URL(raw.suffix(half)))\"}"
            }
            switch algorithm {
            case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512:
                let parts = try rsa.publicKey.getKeyPrimitives()
                return
                    "{\"kty\":\"RSA\",\"n\":\"\(base64URL(parts.modulus))\",\"e\":\"\(base64URL(parts.publicExponent))\"}"
            case .es256: return ec("P-256", p256.publicKey.rawRepresentation)
            case .es384: return ec("P-384", p384.publicKey.rawRepresentation)
            case .es512: return ec("P-521", p521.publicKey.rawRepresentation)
            case .edDSA:
                return "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\(base64URL(ed.publicKey.rawRepresentation))\"}"
            case .hs256, .hs384, .hs512: return "{\"kty\":\"oct\",\"k\":\"\(base64URL(secret))\"}"
            }
        }

        func token(_ algorithm: TokenAlgorithm) async throws -> String {
            let keys = JWTKeyCollection()
            let rsaKey = try Insecure.RSA.PrivateKey(backing: rsa)
            switch algorithm {
            case .rs256: await keys.add(rsa: rsaKey, digestAlgorithm: .sha256)
            case .rs384: await keys.add(rsa: rsaKey, digestAlgorithm: .sha384)
            case .rs512: await keys.add(rsa: rsaKey, digestAlgorithm: .sha512)
            case .ps256: await keys.add(pss: rsaKey, digestAlgorithm: .sha256)
            case .ps384: await keys.add(pss: rsaKey, digestAlgorithm: .sha384)
            case .ps512: await keys.add(pss: rsaKey, digestAlgorithm: .sha512)
            case .es256: await keys.add(ecdsa: try ES256PrivateKey(backing: p256))
            case .es384: await keys.add(ecdsa: try ES384PrivateKey(backing: p384))
            case .es512: await keys.add(ecdsa: try ES512PrivateKey(backing: p521))
            case .edDSA: await keys.add(eddsa: EdDSA.PrivateKey(backing: ed))
            case .hs256: await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
            case .hs384: await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha384)
            case .hs512: await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha512)
            }
            return try await keys.sign(Payload(iss: "i", sub: "s"))
        }
    }

    static let keys = Result { try Keys() }

    private func rules(_ jwk: String) -> TokenRules {
        TokenRules([.of(JWTRule(issuer: "i", keys: .inline("{\"keys\":[\(jwk)]}")))])
    }

    @Test("of every algorithm are taken, and refused once a byte differs", arguments: TokenAlgorithm.allCases)
    func algorithms(_ algorithm: TokenAlgorithm) async throws {
        let keys = try Self.keys.get()
        let token = try await keys.token(algorithm)
        let rules = rules(try keys.jwk(algorithm))
        #expect(rules.subject(request(token)) == "s")
        let parts = token.split(separator: ".").map(String.init)
        var signature = try #require(Base64URL.decode(Array(parts[2].utf8)))
        signature[signature.count / 2] ^= 1
        #expect(rules.failure("\(parts[0]).\(parts[1]).\(base64URL(signature))") == .signature)
        #expect(rules.failure("\(parts[0]).\(parts[1]).\(base64URL(signature.dropLast()))") == .signature)
        #expect(rules.failure("\(parts[0]).\(parts[1]).") == .signature)
        #expect(
            rules.failure("\(parts[0]).\(base64URL(Array("{\"iss\":\"i\",\"sub\":\"t\"}".utf8))).\(parts[2])")
                == .signature)
    }

    /// Source: RFC 7515, appendices A.1 to A.3; all three sign one payload.
    static let standard = [
        (
            """
            {"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}
            """, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        ),
        (
            """
            {"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ\
            PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYU\
            sLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj\
            8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}
            """, "eyJhbGciOiJSUzI1NiJ9",
            """
            cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7\
            t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12\
            jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUP\
            QGe77Rw
            """
        ),
        (
            """
            {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",\
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
            """, "eyJhbGciOiJFUzI1NiJ9",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        ),
    ]

    @Test("of the standard are taken, each by its own key alone", arguments: 0..<3)
    func appendix(number: Int) {
        let payload =
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        let (_, header, signature) = Self.standard[number]
        for (other, (jwk, _, _)) in Self.standard.enumerated() {
            let rules = TokenRules([.of(JWTRule(issuer: "joe", keys: .inline("{\"keys\":[\(jwk)]}")))])
            let failure = rules.failure("\(header).\(payload).\(signature)", now: 1_300_819_380)
            #expect(failure == (other == number ? nil : .noKey))
        }
    }

    @Test("of one algorithm are not verified by the keys of another type", arguments: TokenAlgorithm.allCases)
    func otherTypes(_ algorithm: TokenAlgorithm) async throws {
        let keys = try Self.keys.get()
        let token = try await keys.token(algorithm)
        for other in [TokenAlgorithm.rs256, .es256, .es384, .es512, .edDSA, .hs256] {
            let jwk = try keys.jwk(other)
            if jwk == (try keys.jwk(algorithm)) { continue }
            #expect(rules(jwk).failure(token) == .noKey)
        }
    }

    @Test("100: an RSA key is never the secret of an HMAC")
    func confusion() throws {
        let keys = try Self.keys.get()
        let header = base64URL(Array("{\"alg\":\"HS256\"}".utf8))
        let signed = "\(header).\(base64URL(Array("{\"iss\":\"i\",\"sub\":\"s\"}".utf8)))"
        for secret in [Data(keys.rsa.publicKey.derRepresentation), Data(keys.rsa.publicKey.pemRepresentation.utf8)] {
            let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: SymmetricKey(data: secret))
            #expect(rules(try keys.jwk(.rs256)).failure("\(signed).\(base64URL(Data(code)))") == .noKey)
        }
    }

    @Test("100: a token without a signature is refused", arguments: ["none", "None", "NONE", "", "HS1", "ES256K"])
    func none(algorithm: String) {
        let signer = Signer()
        let header = base64URL(Array("{\"alg\":\"\(algorithm)\"}".utf8))
        let payload = base64URL(Array("{\"iss\":\"i\"}".utf8))
        #expect(signer.rules().failure("\(header).\(payload).") == .algorithm)
        #expect(signer.rules().failure(signer.token(header: "{\"alg\":\"\(algorithm)\"}")) == .algorithm)
    }

    @Test(
        "102: the key is chosen by kid and alg, where both sides have them",
        arguments: [
            ("k1", "", "k1", nil), ("k1", "", "k2", TokenFailure.noKey), (nil, "", "k2", nil), ("k1", "", nil, nil),
            (nil, ",\"alg\":\"ES256\"", nil, nil), (nil, ",\"alg\":\"ES384\"", nil, .noKey),
            (nil, ",\"alg\":\"HS256\"", nil, .noKey),
        ] as [(String?, String, String?, TokenFailure?)])
    func keyChoice(keyID: String?, extra: String, tokenID: String?, expected: TokenFailure?) {
        var signer = Signer()
        signer.kid = keyID
        let jwk = signer.jwk.dropLast() + extra + "}"
        let header = "{\"alg\":\"ES256\"" + (tokenID.map { ",\"kid\":\"\($0)\"" } ?? "") + "}"
        #expect(rules(String(jwk)).failure(signer.token(header: header)) == expected)
    }

    @Test("all keys that fit are tried")
    func severalKeys() {
        let (other, signer) = (Signer(), Signer())
        #expect(rules(other.jwk + "," + signer.jwk).failure(signer.token()) == nil)
        #expect(rules(other.jwk).failure(signer.token()) == .signature)
    }

    @Test("the zero signature of ECDSA is refused")
    func zeroSignature() {
        let signer = Signer()
        let signed = signer.token().split(separator: ".").prefix(2).joined(separator: ".")
        #expect(signer.rules().failure("\(signed).\(base64URL(Data(count: 64)))") == .signature)
    }

    @Test(
        "key sets that are of no use",
        arguments: [
            ("", KeySet.Problem.notAKeySet), ("[]", .notAKeySet), ("{\"keys\":{}}", .notAKeySet),
            ("{\"keys\":[]}", .noUsableKey),
            ("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", .noUsableKey),
            ("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}", .noUsableKey),
            ("{\"keys\":[{\"kty\":\"oct\",\"k\":\"\"}]}", .noUsableKey), ("{\"keys\":[1,null]}", .noUsableKey),
            ("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}]}", .noUsableKey),
        ])
    func keySets(text: String, problem: KeySet.Problem) {
        #expect(throws: problem) { try KeySet(parsing: Array(text.utf8)) }
        let rules = TokenRules([.of(JWTRule(issuer: "i", keys: .inline(text)))])
        #expect(rules.problems.map(\.problem) == [problem])
        #expect(rules.failure(Signer().token()) == .keysUnavailable)
        #expect(rules.failure(nil) == nil)
    }

    @Test("a point that is not on its curve is no key")
    func offCurve() {
        let zero = base64URL(Data(count: 31) + [1])
        let text = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(zero)\",\"y\":\"\(zero)\"}]}"
        #expect(throws: KeySet.Problem.noUsableKey) { try KeySet(parsing: Array(text.utf8)) }
    }
}
