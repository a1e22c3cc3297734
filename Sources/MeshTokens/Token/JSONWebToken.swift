package import MeshCore

/// A signed token that is well formed. Nothing in it is true before its signature is verified.
///
/// Source: RFC 7515 (compact form), RFC 7519.
package struct JSONWebToken: Sendable {
    /// Longest token that is looked at, in bytes.
    package static let sizeLimit = 64 * 1024

    package let algorithm: TokenAlgorithm
    package let keyID: String?
    package let claims: [String: ClaimValue]
    package let issuer: String
    package let audiences: [String]
    /// Seconds since 1970; 0 when absent, which is without end.
    package let expiry: Int64
    /// Seconds since 1970; 0 when absent.
    package let notBefore: Int64
    /// As received, still encoded.
    package let payload: [UInt8]
    /// What the signature is made over: header, dot, payload.
    let signed: [UInt8]
    let signature: [UInt8]

    package init(parsing text: [UInt8]) throws(TokenFailure) {
        guard text.count <= Self.sizeLimit else { throw .tooLong }
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .form }
        guard let headerBytes = Base64URL.decode(parts[0]) else { throw .headerEncoding }
        guard case .object(let header)? = try? JSONText.parse(headerBytes) else { throw .headerJSON }
        guard case .string(let name)? = header["alg"], let algorithm = TokenAlgorithm(rawValue: name) else {
            throw .algorithm
        }
        // Extensions that must be understood: none is. Source: RFC 7515 section 4.1.11.
        guard header["crit"] == nil else { throw .headerJSON }
        self.algorithm = algorithm
        switch header["kid"] {
        case nil: keyID = nil
        case .string(let id)?: keyID = id
        default: throw .keyID
        }
        guard let payloadBytes = Base64URL.decode(parts[1]) else { throw .payloadEncoding }
        guard case .object(let claims)? = try? JSONText.parse(payloadBytes) else { throw .payloadJSON }
        self.claims = claims
        issuer = try Self.text("iss", claims) ?? ""
        _ = try Self.text("sub", claims)
        _ = try Self.text("jti", claims)
        expiry = try Self.integer("exp", claims)
        notBefore = try Self.integer("nbf", claims)
        _ = try Self.integer("iat", claims)
        audiences = try Self.audiences(claims)
        guard let signature = Base64URL.decode(parts[2]) else { throw .signatureEncoding }
        self.signature = signature
        payload = Array(parts[1])
        signed = Array(text[..<(parts[1].endIndex)])
    }

    private static func text(_ name: String, _ claims: [String: ClaimValue]) throws(TokenFailure) -> String? {
        switch claims[name] {
        case nil: return nil
        case .string(let text)?: return text
        default: throw .claimNotText(name)
        }
    }

    private static func integer(_ name: String, _ claims: [String: ClaimValue]) throws(TokenFailure) -> Int64 {
        switch claims[name] {
        case nil: return 0
        case .number(let text)?:
            guard let value = Int64(text), value >= 0 else { throw .claimNotInteger(name) }
            return value
        default: throw .claimNotInteger(name)
        }
    }

    private static func audiences(_ claims: [String: ClaimValue]) throws(TokenFailure) -> [String] {
        switch claims["aud"] {
        case nil: return []
        case .string(let text)?: return [text]
        case .list(let values)?:
            var result: [String] = []
            for value in values {
                guard case .string(let text) = value else { throw .audienceForm }
                result.append(text)
            }
            return result
        default: throw .audienceForm
        }
    }

    /// Whether the token may be used now, a minute of difference between clocks allowed.
    func checkTime(_ now: Int64) throws(TokenFailure) {
        if notBefore > 0, now + Self.skew < notBefore { throw .notYetValid }
        if expiry > 0, now - Self.skew > expiry { throw .expired }
    }

    private static let skew: Int64 = 60
}

/// How a token is signed. `none` is not here.
package enum TokenAlgorithm: String, Sendable, CaseIterable {
    case rs256 = "RS256", rs384 = "RS384", rs512 = "RS512"
    case ps256 = "PS256", ps384 = "PS384", ps512 = "PS512"
    case es256 = "ES256", es384 = "ES384", es512 = "ES512"
    case hs256 = "HS256", hs384 = "HS384", hs512 = "HS512"
    case edDSA = "EdDSA"
}
