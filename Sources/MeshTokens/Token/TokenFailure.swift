package import MeshPolicy

/// Why a token is not accepted. Texts are those of the reference, which people search for.
package enum TokenFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case form, tooLong
    case headerEncoding, headerJSON, algorithm, keyID
    case payloadEncoding, payloadJSON
    case claimNotText(String)
    case claimNotInteger(String)
    case audienceForm
    case signatureEncoding
    case issuer, notYetValid, expired, audience
    /// A token without end where one is required.
    case expiryMissing
    case noKey, signature
    /// The keys could not be fetched.
    case keysUnavailable

    package var description: String {
        switch self {
        case .form: "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
        case .tooLong: "Jwt is too long"
        case .headerEncoding: "Jwt header is an invalid Base64url encoded"
        case .headerJSON: "Jwt header is an invalid JSON"
        case .algorithm: "Jwt header [alg] field value is invalid"
        case .keyID: "Jwt header [kid] field is not a string"
        case .payloadEncoding: "Jwt payload is an invalid Base64url encoded"
        case .payloadJSON: "Jwt payload is an invalid JSON"
        case .claimNotText(let name): "Jwt payload [\(name)] field is not a string"
        case .claimNotInteger(let name): "Jwt payload [\(name)] field is not an integer"
        case .audienceForm: "Jwt payload [aud] field is not a string or string list"
        case .signatureEncoding: "Jwt signature is an invalid Base64url encoded"
        case .issuer: "Jwt issuer is not configured"
        case .notYetValid: "Jwt not yet valid"
        case .expired: "Jwt is expired"
        case .expiryMissing: "Jwt has no expiry"
        case .audience: "Audiences in Jwt are not allowed"
        case .noKey: "Jwks doesn't have key to match kid or alg from Jwt"
        case .signature: "Jwt verification fails"
        case .keysUnavailable: "Jwks remote fetch is failed"
        }
    }

    package var status: Int { self == .audience ? 403 : 401 }

    /// - Parameter url: scheme, host and path of the request.
    package func answer(url: String, isGRPC: Bool) -> LocalAnswer {
        // Whoever wrote the host and the path does not get to write headers.
        let safe = url.utf8.filter {
            (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        let realm = String(decoding: safe.prefix(256), as: UTF8.self)
        let reason = description.split(separator: " ").joined(separator: "_")
        return LocalAnswer(
            status: status, body: description, details: "jwt_authn_access_denied{\(reason)}",
            headers: [.init("www-authenticate", "Bearer realm=\"\(realm)\", error=\"invalid_token\"")], isGRPC: isGRPC)
    }
}
