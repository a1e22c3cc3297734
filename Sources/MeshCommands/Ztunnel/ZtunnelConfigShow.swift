import ArgumentParser
import MeshControl
import MeshReport

struct ZtunnelConfigShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show the settings that \"ztunnel run\" would start with here, and where each comes from.",
        discussion: """
            Takes the flags of "ztunnel run" and reads the same environment; starts nothing.
            Example: meshctl ztunnel config --config mesh.yaml --workload default/web/web
            """)

    @OptionGroup var settings: ZtunnelArguments
    @OptionGroup var output: OutputOptions

    func run() async throws { try output.emit(SettingsReport(settings: SettingsDump(settings.load()))) }
}

struct SettingsReport: Report {
    let settings: SettingsDump

    func encode(to encoder: any Encoder) throws { try settings.encode(to: encoder) }

    func text(_ style: TextStyle) -> String {
        var table = TextTable("SETTING", "VALUE", "FROM", "VARIABLE")
        for row in settings.rows { table.add(row.name, row.value, row.origin, row.variable) }
        return table.render(style)
    }
}
