package import MeshCore

/// Somebody who may ask for certificates.
package struct Caller: Sendable {
    package let name: String
    let token: TokenDigest?
    /// The identity of the client certificate that proves this caller.
    package let identity: SPIFFEID?
    package let allowed: AllowedIdentities
    /// The node whose pods' identities it may ask for as well, being its proxy.
    package let node: String?
}

/// Everybody who may ask for certificates, as one version of the callers file says.
package struct Callers: Sendable {
    package let list: [Caller]
    /// Whether a client certificate of this authority that no caller claims may renew its own identity.
    package let renewal: Bool

    /// Compares with every caller's token, so that the time taken says nothing about whose it is.
    func caller(presenting token: some StringProtocol) -> Caller? {
        let digest = TokenDigest(of: token)
        var found: Caller?
        for caller in list where caller.token?.matches(digest) == true { found = caller }
        return found
    }

    func caller(identity: SPIFFEID) -> Caller? {
        if let caller = list.first(where: { $0.identity == identity }) { return caller }
        let own = AllowedIdentities(exact: [identity])
        return renewal ? Caller(name: "renewal", token: nil, identity: identity, allowed: own, node: nil) : nil
    }
}
