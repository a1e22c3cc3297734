import ArgumentParser
import Glibc
import MeshReport

extension OutputFormat: ExpressibleByArgument {}

/// `--output`, shared by every command that prints a result.
struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to print the result: text for people, json or yaml for programs.")
    var output = OutputFormat.text

    /// Prints a result to stdout: the only place where a command does.
    func emit(_ report: some Report) throws { try Self.emit(report, output) }

    /// For commands that know more formats than these.
    static func emit(text: String) { print(text) }

    /// Progress, to stderr.
    static func complain(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    static func emit(_ report: some Report, _ output: OutputFormat) throws {
        let colour = unsafe isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil
        print(try output.render(report, style: TextStyle(colour: colour)), terminator: "")
    }
}
