import Crypto
import FoundationEssentials
import MeshCore
import _CryptoExtras

/// A key of a key set. Its type decides how a signature is verified; the token's algorithm must fit it.
///
/// So a public key can never be taken for the secret of an HMAC. Source: RFC 7517, RFC 7518, RFC 8037.
struct VerificationKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
        case secret(SymmetricKey)
    }

    private let material: Material
    let keyID: String?
    /// The only algorithm that the key is for, when it says so.
    let algorithm: String?

    /// Longest RSA modulus, in bytes: verifying must stay cheap.
    private static let modulusLimit = 1024

    /// `nil` for a key of another type, or one that is malformed or too weak.
    init?(_ members: [String: ClaimValue]) {
        func text(_ name: String) -> String? {
            if case .string(let text)? = members[name] { text } else { nil }
        }
        func bytes(_ name: String) -> [UInt8]? { text(name).flatMap { Base64URL.decode(Array($0.utf8)) } }
        func point(_ size: Int) -> [UInt8]? {
            guard let x = bytes("x"), let y = bytes("y"), x.count == size, y.count == size else { return nil }
            return [4] + x + y
        }
        let material: Material?
        switch (text("kty"), text("crv")) {
        case ("RSA", _):
            guard let modulus = bytes("n"), let exponent = bytes("e"), modulus.count <= Self.modulusLimit,
                exponent.count <= 8
            else { return nil }
            material = (try? _RSA.Signing.PublicKey(n: modulus, e: exponent)).map { .rsa($0) }
        case ("EC", "P-256"):
            material = point(32).flatMap { try? P256.Signing.PublicKey(x963Representation: $0) }.map { .p256($0) }
        case ("EC", "P-384"):
            material = point(48).flatMap { try? P384.Signing.PublicKey(x963Representation: $0) }.map { .p384($0) }
        case ("EC", "P-521"):
            material = point(66).flatMap { try? P521.Signing.PublicKey(x963Representation: $0) }.map { .p521($0) }
        case ("OKP", "Ed25519"):
            material = bytes("x").flatMap { try? Curve25519.Signing.PublicKey(rawRepresentation: $0) }
                .map { .ed25519($0) }
        case ("oct", _):
            guard let secret = bytes("k"), !secret.isEmpty else { return nil }
            material = .secret(SymmetricKey(data: secret))
        default: return nil
        }
        guard let material else { return nil }
        self.material = material
        keyID = text("kid")
        algorithm = text("alg")
    }

    /// Whether the token's header allows this key.
    func fits(_ token: JSONWebToken) -> Bool {
        if let keyID, let wanted = token.keyID, keyID != wanted { return false }
        if let algorithm, algorithm != token.algorithm.rawValue { return false }
        return switch (material, token.algorithm) {
        case (.rsa, .rs256), (.rsa, .rs384), (.rsa, .rs512), (.rsa, .ps256), (.rsa, .ps384), (.rsa, .ps512): true
        case (.p256, .es256), (.p384, .es384), (.p521, .es512), (.ed25519, .edDSA): true
        case (.secret, .hs256), (.secret, .hs384), (.secret, .hs512): true
        default: false
        }
    }

    /// Whether the signature is this key's. Call only for a token that fits.
    func verifies(_ token: JSONWebToken) -> Bool {
        let (signed, signature) = (token.signed, token.signature)
        switch material {
        case .rsa(let key): return Self.verify(key, token)
        case .p256(let key):
            guard let made = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(made, for: SHA256.hash(data: signed))
        case .p384(let key):
            guard let made = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(made, for: SHA384.hash(data: signed))
        case .p521(let key):
            guard let made = try? P521.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(made, for: SHA512.hash(data: signed))
        case .ed25519(let key): return key.isValidSignature(signature, for: signed)
        case .secret(let key):
            return switch token.algorithm {
            case .hs256: HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
            case .hs384: HMAC<SHA384>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
            case .hs512: HMAC<SHA512>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
            default: false
            }
        }
    }

    private static func verify(_ key: _RSA.Signing.PublicKey, _ token: JSONWebToken) -> Bool {
        let made = _RSA.Signing.RSASignature(rawRepresentation: token.signature)
        let signed = token.signed
        return switch token.algorithm {
        case .rs256: key.isValidSignature(made, for: SHA256.hash(data: signed), padding: .insecurePKCS1v1_5)
        case .rs384: key.isValidSignature(made, for: SHA384.hash(data: signed), padding: .insecurePKCS1v1_5)
        case .rs512: key.isValidSignature(made, for: SHA512.hash(data: signed), padding: .insecurePKCS1v1_5)
        case .ps256: key.isValidSignature(made, for: SHA256.hash(data: signed), padding: .PSS)
        case .ps384: key.isValidSignature(made, for: SHA384.hash(data: signed), padding: .PSS)
        case .ps512: key.isValidSignature(made, for: SHA512.hash(data: signed), padding: .PSS)
        default: false
        }
    }
}
