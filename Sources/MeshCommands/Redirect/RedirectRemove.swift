import ArgumentParser
import MeshLinux

struct RedirectRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take redirection out of a network namespace; nothing there is fine.",
        discussion: """
            What another program made stays, and is listed.
            Example: meshctl redirect remove --pid 4711
            """)

    @OptionGroup var namespace: NamespaceArguments
    @Flag(help: "Print what would change, and change nothing.")
    var dryRun = false
    @Flag(help: "Also remove what another program, such as istio-cni, made.")
    var anyOwner = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        let doing = "remove redirection"
        try output.emit(change(doing))
    }

    private func change(_ doing: String) throws -> RedirectOutcomeReport {
        do throws(RedirectError) {
            let outcome = try Redirect.remove(in: namespace.open(), anyOwner: anyOwner, dryRun: dryRun)
            return RedirectOutcomeReport(outcome, target: namespace.target, verb: .remove)
        } catch {
            throw error.failure(doing: doing)
        }
    }
}
