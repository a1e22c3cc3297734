import MeshLinux
import MeshReport

/// What `apply` or `remove` did, or would do.
struct RedirectOutcomeReport: Report {
    enum Verb { case apply, remove }
    struct Step: Encodable {
        let change: String
        /// What does the same by hand: lines of `nft -f`, or a command.
        let commands: [String]
    }

    let namespace: String
    let dryRun: Bool
    let changed: Bool
    let steps: [Step]
    /// What was there already, or stays, because another program made it.
    let kept: [String]
    private let verb: Verb

    private enum CodingKeys: String, CodingKey { case namespace, dryRun, changed, steps, kept }

    init(_ outcome: RedirectOutcome, target: NetworkNamespace.Target, verb: Verb) {
        namespace = target.description
        dryRun = outcome.dryRun
        changed = !outcome.isEmpty && !outcome.dryRun
        steps = outcome.steps.map { Step(change: $0.summary, commands: $0.commands) }
        kept = outcome.kept
        self.verb = verb
    }

    func text(_ style: TextStyle) -> String {
        let title =
            switch (verb, steps.isEmpty, dryRun) {
            case (.apply, true, _): "nothing to change: redirection is in place in network namespace \(namespace)"
            case (.remove, true, _): "nothing to remove from network namespace \(namespace)"
            case (_, _, true): "would change network namespace \(namespace)"
            case (.apply, _, false): "redirection applied in network namespace \(namespace)"
            case (.remove, _, false): "redirection removed from network namespace \(namespace)"
            }
        let lines = steps.flatMap { step in
            ["  \(step.change)"] + (dryRun ? step.commands.map { style.dim("    \($0)") } : [])
        }
        return ([style.bold(title)] + lines + kept.map { style.dim("  kept \($0)") }).joined(separator: "\n")
    }
}
