import ArgumentParser
import MeshLinux

struct RedirectApply: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Put redirection into a network namespace; what is there already is not touched.",
        discussion: """
            When a step fails, the steps before it are taken back. The host's namespace is refused.
            Example: meshctl redirect apply --netns pod1 --dns
            """)

    @OptionGroup var namespace: NamespaceArguments
    @OptionGroup var options: RedirectPlanArguments
    @Flag(help: "Print what would change, and change nothing.")
    var dryRun = false
    @Flag(help: "Replace tables of these names that another program, such as istio-cni, made differently.")
    var takeOver = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        let doing = "apply redirection"
        let plan = try options.plan(doing: doing)
        try output.emit(change(plan, doing))
    }

    private func change(_ plan: RedirectPlan, _ doing: String) throws -> RedirectOutcomeReport {
        do throws(RedirectError) {
            let outcome = try Redirect.apply(plan, in: namespace.open(), takeOver: takeOver, dryRun: dryRun)
            return RedirectOutcomeReport(outcome, target: namespace.target, verb: .apply)
        } catch {
            throw error.failure(doing: doing)
        }
    }
}
