import ArgumentParser

struct PolicyCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy-check",
        abstract: "Say what security policies do before they are applied.",
        discussion: """
            Reads Kubernetes manifests; needs no cluster.
            Exit status: 0 allowed or nothing found, 1 denied or something found, 64 and up as in sysexits.h.
            """,
        subcommands: [
            PolicyEvaluate.self, PolicyExplain.self, PolicyLint.self, PolicyDiff.self, PolicyReplay.self,
            PolicyTestCommand.self,
            PolicyTranslate.self,
        ])
}

/// What every verb reads.
struct PolicyArguments: ParsableArguments {
    @Option(name: [.customShort("f"), .long], help: "Manifest, folder of manifests, or - for standard input. Repeat.")
    var file: [String]

    @OptionGroup var mesh: MeshArguments
}
