/// What was done to a namespace, or would be.
package struct RedirectOutcome: Hashable, Sendable {
    package let steps: [RedirectStep]
    /// What is left alone because another made it.
    package let kept: [String]
    package let dryRun: Bool

    package init(steps: [RedirectStep], kept: [String], dryRun: Bool) {
        self.steps = steps
        self.kept = kept
        self.dryRun = dryRun
    }

    package var isEmpty: Bool { steps.isEmpty }
}

extension RedirectStep {
    /// One line that says what changes.
    package var summary: String {
        switch self {
        case .rules(let tables, let commands):
            // A table that is made anew is first deleted too; one that is only deleted gets no chain.
            tables.map { name in
                let made = commands.contains {
                    $0.hasPrefix("add chain inet \(name) ") || $0.hasPrefix("table inet \(name) ")
                }
                return "\(made ? "write" : "delete") table inet \(name)"
            }.joined(separator: ", ")
        case .addRoute(let route): "add route \(route.selector)"
        case .deleteRoute(let route): "delete route \(route.selector)"
        case .addRule(let rule): "add \(rule.family.rawValue) rule \(rule.selector)"
        case .deleteRule(let rule): "delete \(rule.family.rawValue) rule \(rule.selector)"
        }
    }
}
