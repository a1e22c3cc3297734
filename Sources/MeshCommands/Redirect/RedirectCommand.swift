import ArgumentParser

/// `meshctl redirect`: the rules that bring a pod's traffic to the proxy inside it.
struct RedirectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redirect",
        abstract: "Redirect the traffic of a network namespace through the proxy in it, as istio-cni does.",
        subcommands: [RedirectPlanCommand.self, RedirectApply.self, RedirectVerify.self, RedirectRemove.self])
}
