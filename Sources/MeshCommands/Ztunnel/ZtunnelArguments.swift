import ArgumentParser
import FoundationEssentials
import MeshControl
import MeshCore

/// The settings of a node proxy that the command line knows.
struct ZtunnelArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Workloads, services and policies, YAML. LOCAL_XDS_PATH.", valueName: "file"))
    var config: String?
    @Option(
        help: ArgumentHelp(
            "Kubernetes manifests, a file or a folder: their policies hold too. MESHCTL_MANIFESTS.", valueName: "path"))
    var manifests: String?
    @Option(
        help: "Namespace whose policies of manifests hold for the whole mesh (istio-system). MESHCTL_ROOT_NAMESPACE.")
    var rootNamespace: String?
    @Option(help: ArgumentHelp("Whose proxy this is. PROXY_WORKLOAD_INFO.", valueName: "namespace/name/account"))
    var workload: String?

    @Option(help: ArgumentHelp("Authority that issues our certificate. CA_ADDRESS.", valueName: "url"))
    var caAddress: String?
    @Option(help: ArgumentHelp("Roots of the authority's own certificate, or SYSTEM. CA_ROOT_CA.", valueName: "file"))
    var caRoot: String?
    @Option(help: ArgumentHelp("File with the bearer token for the authority. AUTH_TOKEN.", valueName: "file"))
    var token: String?
    @Option(help: ArgumentHelp("Our certificate chain, PEM, instead of an authority.", valueName: "file"))
    var certificate: String?
    @Option(help: ArgumentHelp("The key of --certificate, PEM.", valueName: "file"))
    var key: String?
    @Option(help: ArgumentHelp("The roots that peers are verified against, PEM.", valueName: "file"))
    var trustBundle: String?

    @Option(help: "Network of this node. NETWORK.")
    var network: String?
    @Option(help: "Name of this node; workloads of others are remote. NODE_NAME.")
    var node: String?
    @Option(help: "Cluster of this node. CLUSTER_ID.")
    var clusterID: String?
    @Option(help: "Trust domain of workloads that name none. TRUST_DOMAIN.")
    var trustDomain: String?

    @Option(help: ArgumentHelp("Reactor threads: a number, 0 for all CPUs, or a percentage. ZTUNNEL_WORKER_THREADS."))
    var threads: String?
    @Option(help: "SO_MARK of our sockets, which redirection lets pass; 1337 with \"meshctl redirect\". PACKET_MARK.")
    var packetMark: String?
    @Option(help: "How long connections may go on after SIGTERM, such as 5s. CONNECTION_TERMINATION_DEADLINE.")
    var drainDeadline: String?
    @Option(
        help: ArgumentHelp(
            "Whose record layer carries TLS 1.3: auto, own or libssl (auto). MESHCTL_TLS_RECORDS.", valueName: "choice")
    )
    var tlsRecords: String?
    @Option(help: ArgumentHelp("off, error, warn, info, debug, trace; or target=level, comma separated. RUST_LOG."))
    var logLevel: String?
    @Option(help: "plain or json. LOG_FORMAT.")
    var logFormat: String?

    @Option(help: "Port for captured outbound TCP (15001).")
    var outboundPort: UInt16?
    @Option(help: "Port for HBONE from other proxies (15008).")
    var inboundPort: UInt16?
    @Option(help: "Port for captured inbound plaintext (15006).")
    var inboundPlaintextPort: UInt16?
    @Option(help: "Port of the admin pages, on loopback (15000).")
    var adminPort: UInt16?
    @Option(help: "Port of /metrics (15020).")
    var metricsPort: UInt16?
    @Option(help: "Port of /healthz/ready (15021).")
    var readinessPort: UInt16?

    /// Flags over environment over the mesh configuration.
    func load() throws(MeshFailure) -> ZtunnelConfig {
        try ZtunnelConfig.load(environment: ProcessInfo.processInfo.environment, overrides: overrides)
    }

    private var overrides: ZtunnelOverrides {
        var all = ZtunnelOverrides()
        all.config = config
        all.manifests = manifests
        all.rootNamespace = rootNamespace
        all.workload = workload
        all.network = network
        all.node = node
        all.clusterID = clusterID
        all.trustDomain = trustDomain
        all.caAddress = caAddress
        all.caRoot = caRoot
        all.tokenFile = token
        all.certificate = certificate
        all.key = key
        all.trustBundle = trustBundle
        all.outboundPort = outboundPort
        all.inboundPlaintextPort = inboundPlaintextPort
        all.inboundPort = inboundPort
        all.adminPort = adminPort
        all.metricsPort = metricsPort
        all.readinessPort = readinessPort
        all.packetMark = packetMark
        all.workerThreads = threads
        all.drainDeadline = drainDeadline
        all.tlsRecords = tlsRecords
        all.log = logLevel
        all.logFormat = logFormat
        return all
    }
}
