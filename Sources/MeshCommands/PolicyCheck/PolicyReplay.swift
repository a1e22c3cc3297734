import ArgumentParser
import Glibc
import MeshCore
package import MeshPolicyCheck
package import MeshReport

struct PolicyReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Judge the traffic of an access log by policies, and print what would change.",
        discussion: """
            Reads ztunnel's access log in text or JSON, this node proxy's, and Envoy's default format.
            Exit status: 0 nothing changes, 1 something does, 65 no line could be judged.
            Example: kubectl logs -n istio-system ds/ztunnel | meshctl policy-check replay --log - -f cluster/
            """)

    @OptionGroup var input: PolicyArguments
    @Option(help: "Access log, or - for standard input.") var log: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let doing = "replay a log"
        let judge = try PolicyJudge.read(
            input.file, settings: input.mesh.settings, namespace: input.mesh.namespace, doing: doing)
        let isWatched = isatty(STDERR_FILENO) == 1
        var told = 0
        let report = try LogReplay.replay(log, judge, doing: doing) { bytes in
            guard isWatched, bytes - told >= 64 << 20 else { return }
            told = bytes
            OutputOptions.complain("\r\(bytes >> 20) MiB read")
        }
        if told > 0 { OutputOptions.complain("\n") }
        try output.emit(report)
        if report.judged == 0, report.lines > 0 {
            throw MeshFailure(
                .corrupt, doing: doing,
                reason: "no line of \(log) could be judged; is it an access log, and are the manifests of its cluster?")
        }
        if report.changed > 0 { throw ExitCode(1) }
    }
}

extension ReplayReport: Report {
    package func text(_ style: TextStyle) -> String {
        var parts: [String] = []
        if !changes.isEmpty {
            var table = TextTable("LINES", "FROM", "TO", "REQUEST", "LOGGED", "NOW", "WHY")
            for change in changes {
                table.add(
                    String(change.lines), change.from, change.to, change.request ?? "-", change.logged, change.now,
                    change.reason)
            }
            parts.append(table.render(style))
        }
        func count(_ lines: Int) -> String { lines == 1 ? "1 line" : "\(lines) lines" }
        parts += skipped.map { "\(count($0.lines)) not judged: \($0.reason)" }
        parts.append("\(count(lines)), \(judged) judged, \(same) as logged, \(changed) would change")
        return parts.joined(separator: "\n")
    }
}
