import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import MeshCA
import MeshClusterAuthority
import MeshCore
import MeshKubernetesAPI

/// An API server, as the verbs of an authority name it.
struct KubernetesOptions: ParsableArguments {
    @Flag(help: "Use the API server of the cluster that this runs in.")
    var kubernetes = false
    @Option(help: ArgumentHelp("The same with the API server of a kubeconfig.", valueName: "file"))
    var kubeconfig: String?
    @Option(help: ArgumentHelp("Context of the kubeconfig, instead of its current one.", valueName: "name"))
    var context: String?

    func access(doing: String) throws(MeshFailure) -> ClusterAccess? {
        try ClusterFlags.access(
            usesKubernetes: kubernetes, kubeconfig: kubeconfig, context: context,
            environment: ProcessInfo.processInfo.environment, doing: doing)
    }
}

/// Which authority a verb is about: the one in a folder, or that in a Secret of a cluster.
struct AuthorityPlace: ParsableArguments {
    @Option(help: "Folder of the authority; with --authority-secret, of the audit log that records what is done.")
    var dir: String?
    @Option(help: "Trust domain of an authority that has no authority.yaml.")
    var trustDomain: String?
    @Option(help: ArgumentHelp("The authority in this Secret, instead of a folder.", valueName: "[namespace/]name"))
    var authoritySecret: String?
    @OptionGroup(title: "Clusters") var cluster: KubernetesOptions

    func validate() throws {
        let asksCluster = cluster.kubernetes || cluster.kubeconfig != nil
        switch (authoritySecret, dir) {
        case (nil, nil): throw ValidationError("name the authority by --dir, or by --authority-secret")
        case (nil, _) where asksCluster: throw ValidationError("a cluster is asked for an --authority-secret")
        case (_?, _) where !asksCluster:
            throw ValidationError("--authority-secret needs --kubernetes or --kubeconfig")
        default: break
        }
    }

    /// Does something to the authority, with calls to its cluster if it is in one.
    func with<Value: Sendable>(
        doing: String, _ body: (OfflineAuthority) async throws -> Value
    ) async throws -> Value {
        guard let authoritySecret, let access = try cluster.access(doing: doing) else {
            return try await body(try offline(AuthorityDirectory(dir ?? "")))
        }
        return try await KubernetesClient.with(access) { client in
            try await body(
                try offline(AuthoritySecret(client, named: authoritySecret, logger: Logger(label: "meshctl.ca"))))
        }
    }

    private func offline(_ store: any AuthorityStore) throws(MeshFailure) -> OfflineAuthority {
        var authority = OfflineAuthority(store, records: dir, caller: AuthorityArguments.caller)
        authority.trustDomain = try trustDomain.map(AuthorityArguments.trustDomain)
        return authority
    }
}
