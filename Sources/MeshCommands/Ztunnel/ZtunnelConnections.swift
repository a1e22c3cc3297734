import ArgumentParser
import MeshControl
import MeshReport

extension ConnectionDump.Direction: ExpressibleByArgument {}

struct ZtunnelConnections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connections",
        abstract: "List the open connections of a running proxy, oldest first.",
        discussion: "Example: meshctl ztunnel connections --direction inbound --match default/web")

    @OptionGroup var admin: AdminArguments
    @Option(help: "Only inbound or only outbound ones.")
    var direction: ConnectionDump.Direction?
    @Option(
        help: ArgumentHelp(
            "Only those with this text in an address, workload, identity or service.", valueName: "text"))
    var match: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let filter = ConnectionFilter(direction: direction, text: match)
        let all = try await admin.client().connections()
        try output.emit(ConnectionsReport(connections: all.filter(filter.admits)))
    }
}

struct ConnectionsReport: Report {
    let connections: [ConnectionDump]

    func text(_ style: TextStyle) -> String {
        guard !connections.isEmpty else { return "no open connections" }
        var table = TextTable("DIRECTION", "PROTOCOL", "FROM", "TO", "VIA", "SENT", "RECEIVED", "AGE")
        for one in connections {
            let isOutbound = one.direction == .outbound
            let target = isOutbound ? one.originalDestination : one.destination
            let wanted = one.service ?? one.destinationWorkload
            table.add(
                one.direction.rawValue, one.protocol,
                one.sourceWorkload.map { "\($0) (\(one.source))" } ?? one.source,
                wanted.map { "\($0) (\(target))" } ?? target,
                isOutbound && one.destination != one.originalDestination ? one.destination : "-",
                Amount.bytes(isOutbound ? one.bytesToServer : one.bytesToClient),
                Amount.bytes(isOutbound ? one.bytesToClient : one.bytesToServer), Amount.age(one.ageSeconds))
        }
        return table.render(style)
    }
}

struct ZtunnelTunnels: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tunnels",
        abstract: "List the HBONE connections of a running proxy with others.",
        discussion: "Example: meshctl ztunnel tunnels")

    @OptionGroup var admin: AdminArguments
    @OptionGroup var output: OutputOptions

    func run() async throws { try output.emit(TunnelsReport(tunnels: try await admin.client().tunnels())) }
}

struct TunnelsReport: Report {
    let tunnels: [HBONETunnelDump]

    private func state(_ tunnel: HBONETunnelDump) -> String {
        tunnel.phase + (tunnel.leaving ? ", leaving" : "") + (tunnel.bulkThread == true ? ", bulk thread" : "")
    }

    func text(_ style: TextStyle) -> String {
        guard !tunnels.isEmpty else { return "no tunnels" }
        var table = TextTable(
            "ID", "DIRECTION", "PEER", "IDENTITY", "STATE", "STREAMS", "TLS RECORDS", "CERTIFICATE UNTIL")
        for one in tunnels {
            table.add(
                "\(one.id)", one.direction.rawValue, one.peer,
                one.peerIdentity ?? one.expectedIdentities.first.map { "expects \($0)" } ?? "-",
                state(one), "\(one.streams)", one.tlsRecords ?? "-",
                one.certificateExpires ?? "-")
        }
        return table.render(style)
    }
}
