import ArgumentParser
import MeshControl
import MeshReport

struct ZtunnelLogLevel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level",
        abstract: "Show or change the log levels of a running proxy.",
        discussion: """
            What a change does not name stays as it is; nothing survives a restart.
            Example: meshctl ztunnel log-level access=debug,info
            """)

    @Argument(
        help: "off, error, warn, info, debug or trace; or target=level, comma separated. Without it nothing changes.")
    var level: String?
    @Flag(help: "Go back to the levels of the start first.")
    var reset = false
    @OptionGroup var admin: AdminArguments
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.emit(LogLevelReport(logLevel: try await admin.client().logLevel(level, reset: reset)))
    }
}

struct LogLevelReport: Report {
    let logLevel: String
    func text(_ style: TextStyle) -> String { logLevel }
}
