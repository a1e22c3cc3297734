import ArgumentParser
import FoundationEssentials
import MeshClusterAuthority
import MeshCore

/// How an authority knows pods, tokens and clusters.
struct ClusterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Callers with static tokens or certificates, and what they may ask for.", valueName: "file"))
    var callers: String?
    @Option(
        help: ArgumentHelp(
            "Pods by node in Kubernetes YAML, where there is no API server: callers with a node get their identities.",
            valueName: "file"))
    var inventory: String?
    @OptionGroup var server: KubernetesOptions
    @Option(
        name: .customLong("cluster-id"),
        help: ArgumentHelp("What node proxies call the cluster (Kubernetes). CLUSTER_ID.", valueName: "id"))
    var clusterID: String?
    @Option(
        help: ArgumentHelp(
            "Another id under which its tokens are reviewed; may be given several times.", valueName: "id"))
    var clusterAlias: [String] = []
    @Option(
        help: ArgumentHelp(
            "Another cluster whose tokens and pods count, for its own id; may be given several times.",
            valueName: "id=kubeconfig"))
    var remoteCluster: [String] = []
    @Option(
        help: ArgumentHelp(
            "Audience that a token must have (istio-ca); may be given several times. TOKEN_AUDIENCES.",
            valueName: "audience"))
    var tokenAudience: [String] = []
    @Option(
        help: ArgumentHelp(
            "Account of node proxies, which get the identities of the pods on their node; may be given several times. "
                + "CA_TRUSTED_NODE_ACCOUNTS.", valueName: "namespace/account"))
    var trustedNodeAccount: [String] = []
    @Option(help: ArgumentHelp("Issuer whose service account tokens are verified by its keys.", valueName: "url"))
    var tokenIssuer: String?
    @Option(
        help: ArgumentHelp(
            "Its keys, instead of those that the API server or the issuer's configuration names.",
            valueName: "file or url"))
    var tokenKeys: String?
    @Option(
        help: ArgumentHelp(
            "Keep the authority in this Secret, of our namespace unless it names one, made when it is not there; "
                + "--dir is then for the audit log.", valueName: "[namespace/]name"))
    var authoritySecret: String?
    @Flag(
        inversion: .prefixedNo,
        help: "Keep ConfigMap istio-ca-root-cert, and istio-ca-crl with revocation lists, in every namespace.")
    var publishRoot = true

    func settings() throws(MeshFailure) -> ClusterSettings {
        var flags = ClusterFlags()
        flags.callers = callers
        flags.inventory = inventory
        flags.usesKubernetes = server.kubernetes
        flags.kubeconfig = server.kubeconfig
        flags.context = server.context
        flags.clusterID = clusterID
        flags.clusterAliases = clusterAlias
        flags.remoteClusters = remoteCluster
        flags.audiences = tokenAudience
        flags.trustedAccounts = trustedNodeAccount
        flags.tokenIssuer = tokenIssuer
        flags.tokenKeys = tokenKeys
        flags.secret = authoritySecret
        flags.publishes = publishRoot
        return try flags.settings(environment: ProcessInfo.processInfo.environment)
    }
}
