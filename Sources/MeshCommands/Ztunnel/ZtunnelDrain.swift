import ArgumentParser
import MeshControl
import MeshReport

struct ZtunnelDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "End a running proxy in order, as SIGTERM does.",
        discussion: """
            It takes no new connections from now on, lets open ones finish until its drain deadline, and ends.
            Example: meshctl ztunnel drain
            """)

    @OptionGroup var admin: AdminArguments
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let open = try await admin.client().drain().connections
        try output.emit(DrainReport(draining: true, inbound: open.inbound, outbound: open.outbound))
    }
}

struct DrainReport: Report {
    let draining: Bool
    /// Connections that were open when it began.
    let inbound: Int
    let outbound: Int

    func text(_ style: TextStyle) -> String { "draining \(inbound) inbound and \(outbound) outbound connections" }
}
