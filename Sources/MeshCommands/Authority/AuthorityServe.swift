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
            again when it changes and on SIGHUP. SIGTERM lets open calls finish, then stops.

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
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var service = AuthorityService(directory: AuthorityDirectory(dir), callersFile: callers)
        service.trustDomain = try trustDomain.map(AuthorityArguments.trustDomain)
        service.lifetimes = LifetimePolicy(standard: defaultTTL.seconds, longest: maxTTL.seconds)
        service.server.listen = try AuthorityArguments.address(listen)
        service.server.serverNames = serverName
        let output = output
        try await service.run(logger: Logger(label: "meshctl.ca")) { address in
            // Whoever started us may wait for this line on a pipe, where it would stay in the buffer.
            try? output.emit(ListeningReport(listening: "\(address)"))
            fflush(nil)
        }
    }
}

/// That the server accepts connections, and where.
struct ListeningReport: Report {
    let listening: String
    func text(_ style: TextStyle) -> String { "listening on \(listening)" }
}
