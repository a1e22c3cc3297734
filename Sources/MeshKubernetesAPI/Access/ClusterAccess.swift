/// Where an API server is, whom to trust there, and who we are.
package struct ClusterAccess: Sendable {
    /// A text that is given, or a file that is read again for every call.
    package enum Source: Hashable, Sendable {
        case text(String)
        case file(String)
    }

    package enum Identity: Hashable, Sendable {
        case anonymous
        /// Bound tokens of pods are replaced long before they end, so a file is never remembered.
        case token(Source)
        /// PEM of the chain and of the key.
        case certificate(chain: Source, key: Source)
    }

    /// `https://10.96.0.1:443`, without a slash at the end.
    package var server: String
    /// PEM; `nil` trusts what the system trusts.
    package var roots: Source?
    package var identity: Identity
    /// The name that the server's certificate must have, when it is not the host of `server`.
    package var serverName: String?
    /// The namespace that this access is at home in.
    package var namespace: String

    package init(
        server: String, roots: Source? = nil, identity: Identity = .anonymous, serverName: String? = nil,
        namespace: String = "default"
    ) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.roots = roots
        self.identity = identity
        self.serverName = serverName
        self.namespace = namespace
    }
}
