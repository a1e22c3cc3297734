import ArgumentParser

struct ZtunnelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ztunnel",
        abstract: "Run the node proxy that carries TCP in HBONE, and ask a running one.",
        subcommands: [
            ZtunnelRun.self, ZtunnelStatus.self, ZtunnelConnections.self, ZtunnelTunnels.self, ZtunnelExplain.self,
            ZtunnelConfigDump.self, ZtunnelConfigShow.self, ZtunnelLogLevel.self, ZtunnelDrain.self,
        ], defaultSubcommand: ZtunnelRun.self)
}
