package import MeshCore

/// The identity of a peer with the text that policies compare, made once per TLS connection.
package final class PeerIdentity: Sendable {
    package let id: SPIFFEID
    /// `td/ns/<namespace>/sa/<service account>`.
    package let principal: String
    /// Keys under which rules that need exactly this peer are filed.
    let accountKey: RuleKey
    let principalKey: RuleKey
    let namespaceKey: RuleKey

    package init(_ id: SPIFFEID) {
        self.id = id
        principal = id.principal
        accountKey = RuleKey(account: id.namespace, id.serviceAccount)
        principalKey = RuleKey(.principal, TextHash.of(principal.utf8))
        namespaceKey = RuleKey(.namespace, TextHash.of(id.namespace.utf8))
    }
}

/// What is known of a connection when a policy judges it.
package struct PolicyFacts: Sendable {
    package let source: IPAddress
    package let destination: IPAddress
    package let destinationPort: UInt16
    /// `nil` for plaintext.
    package let peer: PeerIdentity?

    package init(source: IPAddress, destination: SocketAddress, peer: PeerIdentity?) {
        self.source = source
        self.destination = destination.ip
        destinationPort = destination.port
        self.peer = peer
    }
}
