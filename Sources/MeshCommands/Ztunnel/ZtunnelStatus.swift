import ArgumentParser
import MeshControl
import MeshReport

struct ZtunnelStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how a running proxy is doing.",
        discussion: """
            Exit status: 0 it is ready, 1 it is not, 69 there is none.
            Example: meshctl ztunnel status
            """)

    @OptionGroup var admin: AdminArguments
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let status = try await admin.client().status()
        try output.emit(ZtunnelStatusReport(status: status))
        if !status.ready { throw ExitCode(1) }
    }
}

struct ZtunnelStatusReport: Report {
    let status: ProxyStatus

    func encode(to encoder: any Encoder) throws { try status.encode(to: encoder) }

    func text(_ style: TextStyle) -> String {
        let state =
            status.ready
            ? style.good("ready") : style.bad("not ready, waits for \(status.pending.joined(separator: ", "))")
        let resources = status.resources
        var certificate = status.certificate
        if let expires = status.certificateExpires { certificate += ", until \(expires)" }
        var memory = resources.residentBytes.map { "\(Amount.bytes($0)) resident, " } ?? ""
        if let open = resources.openDescriptors {
            memory += "\(open) descriptors" + (resources.maxDescriptors.map { " of \($0)" } ?? "") + ", "
        }
        return """
            \(style.bold("ztunnel of \(status.workload)")): \(state)
            identity     \(status.identity ?? "none")
            certificate  \(certificate)
            connections  \(status.connections.inbound) inbound, \(status.connections.outbound) outbound, \
            \(status.connections.tunnels) tunnels
            records      \(status.records.workloads) workloads, \(status.records.services) services, \
            \(status.records.policies) policies
            listens      \(status.listeners.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                .joined(separator: ", "))
            TLS records  \(status.tlsRecords ?? "libssl")
            uses         \(memory)\(resources.reactors) reactors
            log          \(status.logLevel)\
            \(resources.droppedLogLines == 0 ? "" : ", \(resources.droppedLogLines) lines lost")
            running      \(Amount.age(Double(status.uptimeSeconds))), version \(status.version)
            """
    }
}

/// Numbers for people.
enum Amount {
    static func bytes(_ count: Int) -> String {
        var (value, unit) = (Double(count), 0)
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        if unit == 0 { return "\(count) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    static func age(_ seconds: Double) -> String {
        let whole = Int(seconds)
        switch whole {
        case ..<1: return "\(Int(seconds * 1000))ms"
        case ..<60: return "\(whole)s"
        case ..<3600: return "\(whole / 60)m\(whole % 60)s"
        case ..<86400: return "\(whole / 3600)h\(whole / 60 % 60)m"
        default: return "\(whole / 86400)d\(whole / 3600 % 24)h"
        }
    }
}
