package import MeshCore

/// The callers of a file, proved by a static token or by a client certificate of this authority.
extension CallerDirectory: CallerAuthorization {
    package func grant(
        _ credentials: PresentedCredentials, impersonated: String, authority: CertificateAuthority, now: Int64
    ) async throws(Refusal) -> CallerGrant {
        let caller = try authenticate(credentials, authority, now: now)
        let identity = try identity(for: caller, asking: impersonated, of: authority.trustDomain)
        return CallerGrant(caller: caller.name, identities: [identity])
    }

    /// A client certificate comes before a token: whoever presents both is what the certificate says.
    /// - Throws: `.unauthenticated` when nobody of the file is proved.
    package func authenticate(
        _ credentials: PresentedCredentials, _ authority: CertificateAuthority, now: Int64
    ) throws(Refusal) -> Caller {
        let callers = current
        var reasons: [String] = []
        if let certificate = credentials.certificate {
            do {
                let id = try PeerCertificate.identity(of: certificate, authority: authority, now: now)
                if let caller = callers.caller(identity: id) { return caller }
                reasons.append("client certificate \(id) belongs to no caller")
            } catch {
                reasons.append("\(error)")
            }
        }
        if let token = credentials.bearerToken {
            if let caller = callers.caller(presenting: token) { return caller }
            reasons.append("token belongs to no caller")
        } else {
            reasons.append("no bearer token")
        }
        throw .unauthenticated(reason: reasons.joined(separator: ", "))
    }

    /// What a caller gets by its own list.
    package func identity(
        for caller: Caller, asking text: String, of trustDomain: TrustDomain
    ) throws(Refusal) -> SPIFFEID {
        guard !text.isEmpty else {
            // A certificate without a name asked for is a renewal of that certificate.
            if let own = caller.identity, caller.allowed.contains(own) { return own }
            guard let only = caller.allowed.only else {
                throw .unauthenticated(reason: "request names no identity, and the caller has not exactly one")
            }
            return only
        }
        let asked: SPIFFEID
        do {
            asked = try SPIFFEID(parsing: text)
        } catch {
            throw .impersonation(reason: "asked for \(error)", caller: caller.name)
        }
        guard asked.trustDomain == trustDomain else {
            throw .impersonation(reason: "asked for \(asked), which is of another trust domain", caller: caller.name)
        }
        guard caller.allowed.contains(asked) else {
            throw .impersonation(reason: "asked for \(asked), which is not on the caller's list", caller: caller.name)
        }
        return asked
    }
}
