import ArgumentParser

struct RedirectPlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Print the rules, routes and routing rules of a redirection; needs no privilege.",
        discussion: """
            The text is a shell script: `meshctl redirect plan | ip netns exec pod sh` does what apply does.
            Example: meshctl redirect plan --dns --output json
            """)

    @OptionGroup var namespace: NamespaceArguments
    @OptionGroup var options: RedirectPlanArguments
    @OptionGroup var output: OutputOptions

    func run() throws {
        let plan = try options.plan(doing: "plan redirection")
        try output.emit(RedirectPlanReport(plan, target: namespace.target))
    }
}
