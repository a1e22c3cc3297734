package import ArgumentParser
import Glibc
import MeshCore

/// The root command: parse, run, and turn a failure into one line and a status.
package struct Meshctl: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "meshctl",
        abstract: "Run and inspect an Istio ambient data plane.",
        version: "meshctl \(version)",
        subcommands: [
            ZtunnelCommand.self, RedirectCommand.self, AuthorityCommand.self, PolicyCheckCommand.self,
            CertInspectCommand.self,
        ])

    package static let version = "0.1.0-dev"

    package init() {}

    /// Runs the command line of this process and ends it. A `MeshFailure` goes to stderr as one line, with its status.
    package static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as MeshFailure {
            complain("meshctl: \(failure)\n")
            Glibc.exit(failure.exitStatus)
        } catch {
            exit(withError: error)
        }
    }

    /// To the descriptor itself: C's `stderr` is a mutable global that Swift 6 cannot share.
    private static func complain(_ line: String) {
        let bytes = Array(line.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
