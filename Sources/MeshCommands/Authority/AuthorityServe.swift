import ArgumentParser
import Glibc
import Logging
import MeshCA
import MeshClusterAuthority
import MeshCore
import MeshReport

struct AuthorityServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve an authority to ztunnels, meshctl and Istio sidecars.",
        discussion: """
            Speaks Istio's certificate protocol over TLS. Who may ask for what is in the callers file, which is read \
            again when it changes and on SIGHUP; so is the authority's folder. SIGTERM lets open calls finish, then stops.

            Every answer is in the audit log before it is given. The root is rotated by itself when a fifth of its life is \
            left, and revocation lists are signed anew at half of their time; with --state neither is, since the \
            authority's folder is then taken to be read-only.

            With --kubernetes, callers are the service accounts of a cluster, node proxies get the identities of the pods on \
            their node, and the root bundle is kept in every namespace.

            Example: meshctl ca serve --dir ca --callers callers.yaml --server-name ca.mesh.example
            Example: meshctl ca serve --dir state --kubernetes --authority-secret istio-ca-secret \
            --trust-domain cluster.local --trusted-node-account istio-system/ztunnel --listen 0.0.0.0:15012
            """)

    @Option(help: "Folder of the authority.")
    var dir: String
    @Option(help: "Address and port to listen on; port 0 takes any free one.")
    var listen = "127.0.0.1:15012"
    @Option(help: "Further DNS name or address under which clients reach the server; may be given several times.")
    var serverName: [String] = []
    @Option(help: "Lifetime of certificates whose request names none.")
    var defaultTTL = LifetimeArgument(seconds: LifetimePolicy().standard)
    @Option(help: "Longest lifetime that a request may name.")
    var maxTTL = LifetimeArgument(seconds: LifetimePolicy().longest)
    @Option(help: "Trust domain of a folder that has no authority.yaml.")
    var trustDomain: String?
    @Option(help: "Address and port for health, metrics, bundle and revocation lists over plain HTTP; none by default.")
    var http: String?
    @Option(
        help: "Folder for audit log and lock, where the authority's own cannot be written; default the authority's.")
    var state: String?
    @Option(help: "Requests that are worked on at once; further ones are told to come back (RESOURCE_EXHAUSTED).")
    var maxRequests = AdmissionControl.Limits().inFlight
    @Option(help: "Requests per second of one caller, and of one address, in the long run.")
    var callerRate = AdmissionControl.Limits().rate
    @Option(help: "Requests that a caller may have saved up.")
    var callerBurst = AdmissionControl.Limits().burst
    @OptionGroup(title: "Callers and clusters") var cluster: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = try cluster.settings()
        var clustered = ClusterAuthorityService(settings: settings, directory: AuthorityDirectory(dir))
        clustered.trustDomain = try trustDomain.map(AuthorityArguments.trustDomain)
        clustered.configure = try configuration(isShared: settings.secret != nil)
        let output = output
        try await clustered.run(logger: Logger(label: "meshctl.ca")) { bound in
            // Whoever started us may wait for this line on a pipe, where it would stay in the buffer.
            try? output.emit(ListeningReport(listening: "\(bound.address)", http: bound.http.map { "\($0)" }))
            fflush(nil)
        }
    }

    private func configuration(isShared: Bool) throws(MeshFailure) -> @Sendable (inout AuthorityService) -> Void {
        let lifetimes = LifetimePolicy(standard: defaultTTL.seconds, longest: maxTTL.seconds)
        let (address, pages) = (try AuthorityArguments.address(listen), try http.map(AuthorityArguments.address))
        let (names, state) = (serverName, state)
        let (inFlight, rate, burst) = (maxRequests, callerRate, callerBurst)
        return { service in
            service.lifetimes = lifetimes
            service.server.listen = address
            service.server.serverNames = names
            service.http = pages
            if let state {
                service.stateDirectory = state
                // A secret can be written to, wherever the audit log is.
                service.maintains = isShared
            }
            service.limits.inFlight = inFlight
            service.limits.rate = rate
            service.limits.burst = burst
        }
    }
}

/// That the server accepts connections, and where.
struct ListeningReport: Report {
    let listening: String
    let http: String?
    func text(_ style: TextStyle) -> String {
        "listening on \(listening)" + (http.map { ", pages on http://\($0)" } ?? "")
    }
}
