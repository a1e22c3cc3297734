import MeshCore

/// What a token must be to prove a service, to an authority that issues credentials for it.
///
/// Stricter than the rules for end users: only keys that nobody shares, an issuer, an audience and an end are required.
/// Order of checks: algorithm, issuer, time, audience, signature.
package struct ServiceTokenRule: Sendable, Hashable {
    package let issuer: String
    /// One of them must be among the token's.
    package let audiences: Set<String>

    package init(issuer: String, audiences: Set<String>) {
        self.issuer = issuer
        self.audiences = audiences
    }

    /// Everything but the signature, at `now` (seconds since 1970), a minute of difference between clocks allowed.
    package func check(_ token: JSONWebToken, now: Int64) throws(TokenFailure) {
        guard token.algorithm.isAsymmetric else { throw .algorithm }
        guard !issuer.isEmpty, token.issuer == issuer else { throw .issuer }
        guard token.expiry > 0 else { throw .expiryMissing }
        try token.checkTime(now)
        if case .number(let text)? = token.claims["iat"], let issuedAt = Int64(text), issuedAt - 60 > now {
            throw .notYetValid
        }
        guard token.audiences.contains(where: audiences.contains) else { throw .audience }
    }

    /// - Throws: `.noKey` when no key of the set is the one that the token names, `.signature` when it does not fit.
    package func verify(_ token: JSONWebToken, with keys: KeySet) throws(TokenFailure) {
        guard token.algorithm.isAsymmetric else { throw .algorithm }
        try keys.verify(token)
    }
}

extension TokenAlgorithm {
    /// Whether what verifies is not what signs.
    package var isAsymmetric: Bool {
        switch self {
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .es256, .es384, .es512, .edDSA: true
        case .hs256, .hs384, .hs512: false
        }
    }
}
