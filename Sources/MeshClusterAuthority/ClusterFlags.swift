package import MeshCore
package import MeshKubernetesAPI

/// What the command line says about clusters, and the environment where it is silent.
///
/// Source: istiod's `CLUSTER_ID`, `TOKEN_AUDIENCES` and `CA_TRUSTED_NODE_ACCOUNTS`.
package struct ClusterFlags: Sendable {
    package var usesKubernetes = false
    package var kubeconfig: String?
    package var context: String?
    package var clusterID: String?
    package var clusterAliases: [String] = []
    /// `ID=KUBECONFIG` each.
    package var remoteClusters: [String] = []
    package var audiences: [String] = []
    /// `namespace/account` each.
    package var trustedAccounts: [String] = []
    package var secret: String?
    package var publishes = true
    package var tokenIssuer: String?
    /// A file, or an https URL.
    package var tokenKeys: String?
    package var inventory: String?
    package var callers: String?

    package init() {}

    /// - Throws: `.usage`, `.notFound` or `.corrupt`.
    package func settings(environment: [String: String]) throws(MeshFailure) -> ClusterSettings {
        let doing = "read the settings of the authority"
        var settings = ClusterSettings()
        func list(_ flags: [String], _ variable: String) -> String {
            flags.isEmpty ? environment[variable] ?? "" : flags.joined(separator: ",")
        }
        settings.access = try Self.access(
            usesKubernetes: usesKubernetes, kubeconfig: kubeconfig, context: context, environment: environment,
            doing: doing)
        if let id = clusterID ?? environment["CLUSTER_ID"], !id.isEmpty { settings.clusterID = id }
        settings.clusterAliases = Set(clusterAliases)
        settings.remotes = try remoteClusters.map { text throws(MeshFailure) in
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else {
                throw MeshFailure(.usage, doing: doing, reason: "remote cluster \"\(text)\" is not ID=KUBECONFIG")
            }
            let access = try Kubeconfig(path: String(parts[1]), doing: doing).access(context: nil, doing: doing)
            return ClusterSettings.Remote(id: String(parts[0]), access: access)
        }
        let audiences = list(self.audiences, "TOKEN_AUDIENCES").split(separator: ",").map(String.init)
        if !audiences.isEmpty { settings.audiences = audiences }
        settings.trusted = TrustedAccounts(parsing: list(trustedAccounts, "CA_TRUSTED_NODE_ACCOUNTS"))
        settings.secret = secret
        settings.publishes = publishes && settings.access != nil
        settings.inventory = inventory
        settings.callers = callers
        settings.issuer = try issuer(hasServer: settings.access != nil, doing)
        let problems = settings.problems()
        guard problems.isEmpty else {
            throw MeshFailure(.usage, doing: doing, reason: problems.joined(separator: "; "))
        }
        return settings
    }

    /// The API server that is named; `nil` when none is.
    package static func access(
        usesKubernetes: Bool, kubeconfig: String?, context: String?, environment: [String: String], doing: String
    ) throws(MeshFailure) -> ClusterAccess? {
        if let kubeconfig {
            return try Kubeconfig(path: kubeconfig, doing: doing).access(context: context, doing: doing)
        }
        guard context == nil else { throw MeshFailure(.usage, doing: doing, reason: "a context needs a kubeconfig") }
        return usesKubernetes ? try ClusterAccess.inCluster(environment: environment, doing: doing) : nil
    }

    private func issuer(hasServer: Bool, _ doing: String) throws(MeshFailure) -> ClusterSettings.Issuer? {
        guard let tokenIssuer else {
            guard tokenKeys == nil else {
                throw MeshFailure(.usage, doing: doing, reason: "token keys need a token issuer, whose they are")
            }
            return nil
        }
        let keys: IssuerKeySource =
            switch tokenKeys {
            case nil: hasServer ? .apiServer : .discovery
            case let text? where text.contains("://"): .url(text)
            case let path?: .file(path)
            }
        return ClusterSettings.Issuer(issuer: tokenIssuer, keys: keys)
    }
}
