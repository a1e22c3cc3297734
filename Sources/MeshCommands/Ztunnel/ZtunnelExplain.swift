import ArgumentParser
import MeshControl
import MeshCore
import MeshReport

struct ZtunnelExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say why a connection goes where it goes, and whether it may.",
        discussion: """
            Follows it step by step: the record that answers for the address, waypoint, endpoint, route, expected \
            identities, and every policy at the destination. Asks a running proxy, which answers with the code and the \
            records that it serves traffic with; or a saved config dump; or a file of workloads.
            Exit status: 0 it is allowed, 1 it is not.
            Example: meshctl ztunnel explain --from shop/cart --to web.shop:80
            """)

    @Option(
        help: ArgumentHelp(
            "Who calls: namespace/name, a uid or an address. Default: the workload of the proxy that is asked.",
            valueName: "pod"))
    var from: String?
    @Option(
        help: ArgumentHelp(
            "What is called: address:port, or hostname:port of a service, short as inside the pod.",
            valueName: "address:port"))
    var to: String
    @Flag(help: "The caller has no proxy: its connection arrives as plaintext.")
    var plaintext = false
    @Option(help: ArgumentHelp("Ask this config dump, not a running proxy.", valueName: "file"))
    var dump: String?
    @Option(help: ArgumentHelp("Ask this file of workloads, services and policies.", valueName: "file"))
    var config: String?
    @Option(
        help: ArgumentHelp("With --config: Kubernetes manifests, whose policies hold too.", valueName: "path"))
    var manifests: String?
    @Option(help: "With --manifests: namespace whose policies hold for the whole mesh.")
    var rootNamespace = MeshSettings().rootNamespace
    @OptionGroup var admin: AdminArguments
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard dump == nil || config == nil else { throw ValidationError("give --dump or --config, not both") }
        guard manifests == nil || config != nil else {
            throw ValidationError("--manifests is for --config; give it too")
        }
    }

    func run() async throws {
        let answer = try await answer(ConnectionQuestion(from: from, to: to, isPlaintext: plaintext))
        try output.emit(ExplanationReport(answer: answer))
        if answer.verdict != .allowed { throw ExitCode(1) }
    }

    func answer(_ question: ConnectionQuestion) async throws -> ConnectionExplanation {
        if let dump { return try ConfigDump(file: dump).view(origin: dump).explain(question) }
        if let config {
            let manifests = manifests.map { ManifestSource(path: $0, rootNamespace: rootNamespace) }
            return try MeshView(RecordsSource(.file(config), manifests: manifests)).explain(question)
        }
        return try await admin.client().explain(question)
    }
}
