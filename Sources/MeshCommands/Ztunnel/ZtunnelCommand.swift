import ArgumentParser

struct ZtunnelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ztunnel",
        abstract: "Run the node proxy that carries TCP in HBONE.",
        subcommands: [ZtunnelRun.self], defaultSubcommand: ZtunnelRun.self)
}
