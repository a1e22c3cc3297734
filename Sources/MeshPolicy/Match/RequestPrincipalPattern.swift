package import MeshCore

/// A value of `requestPrincipals`, `<issuer>/<subject>`: a test of each claim.
///
/// Divided at the last slash, so issuers that are URLs work; but `https://i*` has a slash too, and means the issuer
/// `https:/` with subjects that begin with `i`.
package struct RequestPrincipalPattern: Hashable, Sendable {
    package let issuer: TextPattern
    package let subject: TextPattern

    package init(_ value: some StringProtocol) {
        guard value != "*" else {
            (issuer, subject) = (.presence, .presence)
            return
        }
        let slash = value.lastIndex(of: "/")
        let front = slash.map { value[..<$0] }
        let back = slash.map { value[value.index(after: $0)...] }
        if value.hasPrefix("*") {
            if let front, let back {
                (issuer, subject) = (TextPattern(front), .exact(Array(back.utf8)))
            } else {
                (issuer, subject) = (.presence, TextPattern(value))
            }
        } else if value.hasSuffix("*") {
            if let front, let back {
                (issuer, subject) = (.exact(Array(front.utf8)), TextPattern(back))
            } else {
                (issuer, subject) = (TextPattern(value), .presence)
            }
        } else {
            issuer = .exact(Array((front ?? value[...]).utf8))
            subject = .exact(Array((back ?? "").utf8))
        }
    }

    /// Both claims must be there, as texts.
    package func matches(_ claims: TokenClaims?) -> Bool {
        guard let claims, case .string(let issuer)? = claims["iss"], case .string(let subject)? = claims["sub"] else {
            return false
        }
        return self.issuer.matches(issuer.utf8Span.span) && self.subject.matches(subject.utf8Span.span)
    }
}
