package import MeshCore
package import X509

/// What a connection and a request bring along to prove who asks.
package struct PresentedCredentials: Sendable {
    /// Values of the `authorization` metadata, in order.
    package var authorization: [String] = []
    /// The `clusterid` metadata; empty unless there is exactly one value.
    package var clusterID: String = ""
    /// The leaf that was verified in the TLS handshake.
    package var certificate: Certificate?
    /// Address and port, as the transport writes them.
    package var peer: String = ""

    package init() {}

    /// The first bearer token; other values, such as basic credentials, are passed over.
    package var bearerToken: Substring? {
        let prefix = "Bearer "
        return authorization.first { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
    }

    /// The peer without its port: what a rate is counted by.
    var peerAddress: Substring { peer.lastIndex(of: ":").map { peer[..<$0] } ?? peer[...] }
}

/// Who asks, and what it gets.
package struct CallerGrant: Sendable, Hashable {
    /// For the logs and for the caller's rate; never a token.
    package let caller: String
    /// In the order in which they go into the certificate; at least one, all of the authority's trust domain.
    package let identities: [SPIFFEID]

    package init(caller: String, identities: [SPIFFEID]) {
        self.caller = caller
        self.identities = identities
    }
}

/// Decides who asks and which identities it may have, each time anew.
package protocol CallerAuthorization: Sendable {
    /// - Parameters:
    ///   - impersonated: the identity that the request names, as it came; empty when it names none.
    ///   - authority: the one that would sign; its trust domain is the only one to grant identities of.
    ///   - now: seconds since 1970.
    /// - Throws: `.unauthenticated` for nobody we know, `.impersonation` for somebody who may not have what it asks for.
    func grant(
        _ credentials: PresentedCredentials, impersonated: String, authority: CertificateAuthority, now: Int64
    ) async throws(Refusal) -> CallerGrant

    /// Reads again what it is configured by.
    func reload()

    /// Keeps what it decides by up to date, until its task is cancelled. Returns at once when there is nothing to do.
    func run() async

    /// Why it cannot decide yet, such as a list that has not been read; `nil` when it can. The server is not ready before.
    var obstacle: String? { get }
}

extension CallerAuthorization {
    package func run() async {}
    package var obstacle: String? { nil }
}
