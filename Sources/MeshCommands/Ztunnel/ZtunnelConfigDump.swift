import ArgumentParser
import MeshControl
import MeshReport

struct ZtunnelConfigDump: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config-dump",
        abstract: "Show every record that a running proxy knows, with its settings and certificates.",
        discussion: """
            The JSON is that of /config_dump, which "istioctl ztunnel-config" reads too; "meshctl ztunnel explain --dump" \
            answers questions from it later.
            Example: meshctl ztunnel config-dump --output json > dump.json
            """)

    @OptionGroup var admin: AdminArguments
    @OptionGroup var output: OutputOptions

    func run() async throws { try output.emit(ConfigDumpReport(dump: try await admin.client().dump())) }
}

struct ConfigDumpReport: Report {
    let dump: ConfigDump

    func encode(to encoder: any Encoder) throws { try dump.encode(to: encoder) }

    func text(_ style: TextStyle) -> String {
        var workloads = TextTable("WORKLOAD", "ADDRESSES", "NODE", "WAYPOINT", "PROTOCOL", "STATUS")
        for one in dump.workloads {
            workloads.add(
                one.uid, list(one.workloadIps), one.node ?? "-", one.waypoint?.destination ?? "-", one.protocol,
                one.status)
        }
        var services = TextTable("SERVICE", "VIRTUAL ADDRESSES", "PORTS", "WAYPOINT", "ENDPOINTS")
        for one in dump.services {
            let ports = one.ports.keys.compactMap { UInt16($0) }.sorted().map(String.init)
            services.add(
                "\(one.namespace)/\(one.hostname)",
                list(one.vips + (one.cidrVips ?? []).map { "\($0.network)/\($0.cidr)" }),
                list(ports), one.waypoint?.destination ?? "-", "\(one.endpoints.count)")
        }
        var policies = TextTable("POLICY", "ACTION", "SCOPE", "RULES", "WRITTEN AT")
        for one in dump.policies {
            let action = one.dryRun == true ? "\(one.action) (dry run)" : one.action
            policies.add(
                "\(one.namespace)/\(one.name)", action, one.scope, "\(one.rules.count)", list(one.origin?.places ?? []))
        }
        var certificates = TextTable("CERTIFICATE", "STATE", "SERIAL", "UNTIL")
        for one in dump.certificates {
            let leaf = one.certChain.first
            certificates.add(one.identity, one.state, leaf?.serialNumber ?? "-", leaf?.expirationTime ?? "-")
        }
        return [workloads, services, policies, certificates].map { $0.render(style) }.joined(separator: "\n\n")
    }

    private func list(_ texts: [String]) -> String { texts.isEmpty ? "-" : texts.joined(separator: ",") }
}
