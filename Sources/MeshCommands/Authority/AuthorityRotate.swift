import ArgumentParser
import FoundationEssentials
import MeshCA
import MeshCore
import MeshReport

struct AuthorityRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Replace an authority's root by a new one, without a break in trust.",
        discussion: """
            First the new root is only handed out beside the old one, until every certificate issued before has ended. \
            Then it signs. The old one leaves the bundle once every certificate that it signed has ended. A server of the \
            authority takes the steps when they are due.

            Example: meshctl ca rotate --dir ca
            """)

    @OptionGroup var place: AuthorityPlace
    @Option(help: "How long the new root is only handed out, instead of until all earlier certificates have ended.")
    var overlap: LifetimeArgument?
    @Option(help: "How long the new root is valid; as long as the old one by default.")
    var rootLifetime: LifetimeArgument?
    @Flag(help: "Take the next step now. Who has not renewed by then is not trusted any more.")
    var advance = false
    @Flag(help: "Take back a new root that does not sign yet.")
    var cancel = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !(advance && cancel) else { throw ValidationError("--advance and --cancel exclude each other") }
        guard !(advance || cancel) || overlap == nil && rootLifetime == nil else {
            throw ValidationError("--overlap and --root-lifetime belong to the beginning of a rotation")
        }
    }

    func run() async throws {
        let rotation: OfflineAuthority.Rotation =
            if advance {
                .advance
            } else if cancel {
                .cancel
            } else {
                .begin(overlap: overlap?.seconds, rootLifetime: rootLifetime?.seconds)
            }
        let rotated = try await place.with(doing: "rotate the root") { try await $0.rotate(rotation) }
        try output.emit(RotationReport(rotated))
    }
}

/// What `ca rotate` did.
struct RotationReport: Report {
    /// `begun`, `switched`, `finished` or `cancelled`.
    let step: String
    /// `distributing` or `retiring`.
    let phase: String?
    /// When the next step is due.
    let until: Date?

    init(_ rotated: OfflineAuthority.Rotated) {
        step = rotated.step.rawValue
        phase = rotated.state?.phase.rawValue
        until = rotated.state.map { UnixTime.date($0.until) }
    }

    func text(_ style: TextStyle) -> String {
        let time = until.map { $0.formatted(.iso8601) } ?? ""
        switch phase {
        case "distributing": return "a new root is handed out beside the old one; it signs from \(style.bold(time))"
        case "retiring": return "the new root signs; the old one leaves the bundle on \(style.bold(time))"
        default: return step == "cancelled" ? "the new root is taken back" : "the old root has left the bundle"
        }
    }
}
