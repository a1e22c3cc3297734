package import MeshKubernetesAPI

/// What an authority that knows clusters is configured by.
package struct ClusterSettings: Sendable {
    package struct Issuer: Sendable, Hashable {
        package var issuer: String
        package var keys: IssuerKeySource

        package init(issuer: String, keys: IssuerKeySource) {
            self.issuer = issuer
            self.keys = keys
        }
    }

    package struct Remote: Sendable {
        package var id: String
        package var access: ClusterAccess

        package init(id: String, access: ClusterAccess) {
            self.id = id
            self.access = access
        }
    }

    /// The API server of our own cluster; `nil` without one.
    package var access: ClusterAccess?
    package var clusterID = "Kubernetes"
    package var clusterAliases: Set<String> = []
    /// Clusters whose tokens and pods count as well.
    package var remotes: [Remote] = []
    /// A token must be for one of them.
    package var audiences = ["istio-ca"]
    /// Accounts of node proxies, as `namespace/account`.
    package var trusted = TrustedAccounts()
    /// Whose tokens are verified without asking.
    package var issuer: Issuer?
    /// A file of pods, where no API server says which there are.
    package var inventory: String?
    /// A file of callers with static tokens or certificates.
    package var callers: String?
    /// The secret that holds the authority, in the namespace of `access`; `nil` when a folder does.
    package var secret: String?
    /// Whether the root bundle is published in all namespaces.
    package var publishes = true
    /// Seconds that a root lives which is made because there is none. 3650 days.
    package var rootLifetime: Int64 = 3650 * 24 * 3600

    package init() {}

    package func problems() -> [String] {
        var problems: [String] = []
        if access == nil, secret != nil { problems.append("a secret for the authority needs a Kubernetes API server") }
        if access == nil, !remotes.isEmpty { problems.append("remote clusters need a cluster of our own") }
        if access == nil, callers == nil, issuer == nil {
            problems.append("nobody could ask: give callers, a token issuer, or a Kubernetes API server")
        }
        if access != nil, inventory != nil { problems.append("an inventory of pods is for use without an API server") }
        if audiences.isEmpty || audiences.contains("") {
            problems.append("a token needs an audience, such as istio-ca")
        }
        for entry in trusted.refused { problems.append("trusted node account \"\(entry)\" is not namespace/account") }
        var ids: Set<String> = []
        for id in [clusterID] + clusterAliases.sorted() + remotes.map(\.id) {
            if id.isEmpty { problems.append("a cluster needs an id") }
            if !ids.insert(id).inserted { problems.append("cluster id \"\(id)\" stands for two clusters") }
        }
        if let issuer, let problem = issuer.keys.problem(issuer: issuer.issuer) {
            problems.append("token keys: \(problem)")
        }
        if let issuer, issuer.keys == .apiServer, access == nil {
            problems.append("token keys of an API server need one")
        }
        return problems
    }
}
