import ArgumentParser
import Glibc
import Logging
import MeshCA
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

            Example: meshctl ca serve --dir ca --callers callers.yaml --server-name ca.mesh.example
            """)

    @Option(help: "Folder of the authority.")
    var dir: String
    @Option(help: ArgumentHelp("Who may ask for which identities.", valueName: "file"))
    var callers: String
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
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var service = AuthorityService(directory: AuthorityDirectory(dir), callersFile: callers)
        service.trustDomain = try trustDomain.map(AuthorityArguments.trustDomain)
        service.lifetimes = LifetimePolicy(standard: defaultTTL.seconds, longest: maxTTL.seconds)
        service.server.listen = try AuthorityArguments.address(listen)
        service.server.serverNames = serverName
        service.http = try http.map(AuthorityArguments.address)
        if let state {
            service.stateDirectory = state
            service.maintains = false
        }
        service.limits.inFlight = maxRequests
        service.limits.rate = callerRate
        service.limits.burst = callerBurst
        let output = output
        try await service.run(logger: Logger(label: "meshctl.ca")) { bound in
            // Whoever started us may wait for this line on a pipe, where it would stay in the buffer.
            try? output.emit(ListeningReport(listening: "\(bound.address)", http: bound.http.map { "\($0)" }))
            fflush(nil)
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
