import ArgumentParser
import MeshLinux

struct RedirectVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare a network namespace with a plan, and prove capture with packets.",
        discussion: """
            Give the options that it was applied with. The packets go to an address of documentation and to a listener that
            stands in for the proxy; where a proxy runs already, they are not sent.
            Exit status: 0 as planned, 1 it differs, 2 it cannot be told.
            Example: meshctl redirect verify --netns pod1 --dns
            """)

    @OptionGroup var namespace: NamespaceArguments
    @OptionGroup var options: RedirectPlanArguments
    @Flag(inversion: .prefixedNo, help: "Send packets. With neither flag: where that is possible.")
    var live: Bool?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let doing = "verify redirection"
        let plan = try options.plan(doing: doing)
        let report = check(plan, doing)
        try output.emit(report)
        if report.exitStatus != 0 { throw ExitCode(report.exitStatus) }
    }

    /// A namespace that cannot be looked at is an answer too: it cannot be told.
    func check(_ plan: RedirectPlan, _ doing: String) -> RedirectVerificationReport {
        do throws(RedirectError) {
            let sent = live.map { $0 ? RedirectVerification.Live.always : .never } ?? .whenPossible
            let found = try Redirect.verify(plan, in: namespace.open(), live: sent)
            return RedirectVerificationReport(found, target: namespace.target)
        } catch {
            return RedirectVerificationReport(unknown: error.failure(doing: doing), target: namespace.target)
        }
    }
}
