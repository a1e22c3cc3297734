import MeshCore
package import MeshPolicyCheck
package import MeshReport

extension FlowReport: Report {
    package func text(_ style: TextStyle) -> String {
        var lines = ["\(from) to \(to): " + (allowed ? style.good("allowed") : style.bad("denied"))]
        for hop in hops {
            lines.append("")
            lines.append(style.bold("\(hop.kind.rawValue) \(hop.at), port \(hop.port)"))
            lines.append(
                "  sees     \(hop.peer ?? "no identity (plaintext)")" + (hop.source.map { " from \($0)" } ?? ""))
            lines.append("  verdict  " + (hop.allowed ? style.good(hop.reason) : style.bad(hop.reason)))
            if let answer = hop.answer {
                lines.append("  answers  \(answer.status)" + (answer.body.isEmpty ? "" : " \(answer.body)"))
            }
            if let rule = hop.decidedBy, let file = rule.file { lines.append("  written  \(file):\(rule.line ?? 0)") }
            for note in hop.notes { lines.append("  note     \(note)") }
            for policy in hop.policies.prefix(50) {
                let dryRun = policy.dryRun ? ", dry run" : ""
                let result =
                    switch policy.result {
                    case .matched: "matches"
                    case .notMatched: "does not match"
                    case .notHere: "says nothing here"
                    case .notAsked: "was not asked"
                    }
                lines.append("  - \(policy.policy) (\(policy.action)\(dryRun)) \(result)")
                for reason in policy.why where policy.result != .matched { lines.append(style.dim("      \(reason)")) }
            }
            if hop.policies.count > 50 { lines.append("  and \(hop.policies.count - 50) more; see --output json") }
        }
        if !notes.isEmpty { lines += [""] + notes.map { "note: \($0)" } }
        return lines.joined(separator: "\n")
    }
}

extension FlowMatrix: Report {
    package func text(_ style: TextStyle) -> String {
        var table = TextTable("FROM", "TO", "ANSWER", "WAYPOINT", "WHY")
        for cell in cells {
            let answer = cell.answer == .depends ? "by request" : cell.answer.rawValue
            table.add(cell.from, cell.to, answer, cell.waypoint ?? "-", cell.reason)
        }
        return table.render(style) + (truncated ? "\nmore than \(Self.limit) flows; use --only-namespace" : "")
    }
}

extension LintReport: Report {
    package func text(_ style: TextStyle) -> String {
        let lines = findings.map { finding in
            let severity = finding.severity == .error ? style.bad("error") : style.bold("warning")
            let object = finding.object.isEmpty ? "" : "\(finding.object): "
            let place = FilePosition(file: finding.file, line: finding.line, column: finding.column)
            return (place.file.isEmpty ? "" : "\(place): ")
                + "\(severity): \(object)\(finding.message) [\(finding.check)]\n    \(finding.remedy)"
        }
        func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
        return
            (lines + [
                count(errors, "error", "errors") + ", " + count(warnings, "warning", "warnings") + " in "
                    + count(policies, "policy", "policies")
            ]).joined(separator: "\n")
    }
}

extension TranslationReport: Report {
    package func text(_ style: TextStyle) -> String {
        var table = TextTable("POLICY", "SCOPE", "ACTION", "RULES")
        for policy in policies {
            table.add("\(policy.namespace)/\(policy.name)", policy.scope, policy.action, String(policy.rules.count))
        }
        var listed = TextTable("WORKLOAD", "LISTS")
        for workload in workloads {
            listed.add(workload.workload, workload.authorizationPolicies.joined(separator: ", "))
        }
        var status = TextTable("POLICY", "CONDITION", "STATUS", "REASON", "MESSAGE")
        for condition in conditions {
            status.add(
                condition.policy, condition.type, condition.status ? "True" : "False", condition.reason,
                condition.message)
        }
        let moved = ruleNumbers.filter { $0.sent != $0.written }
        var numbers = TextTable("POLICY", "RULE IN LOGS", "RULE AS WRITTEN", "AT")
        for rule in moved {
            numbers.add(
                rule.policy, String(rule.sent), String(rule.written), "\(rule.file ?? "-"):\(rule.line ?? 0)")
        }
        return ([table, listed, status] + (moved.isEmpty ? [] : [numbers])).map { $0.render(style) }
            .joined(separator: "\n\n")
    }
}

extension DiffReport: Report {
    package func text(_ style: TextStyle) -> String {
        if changes.isEmpty { return "no flow changes; \(flows) compared" }
        var table = TextTable("FROM", "TO", "REQUEST", "OLD", "NEW", "WHY")
        for change in changes {
            table.add(
                change.from, change.to, change.request ?? "-", change.old ?? "absent", change.new ?? "absent",
                change.reason)
        }
        return table.render(style) + "\n\(changes.count) of \(flows) flows change"
    }
}

extension PolicyTestReport: Report {
    package func text(_ style: TextStyle) -> String {
        let lines = cases.map { test in
            test.passed
                ? "\(style.good("ok"))    \(test.name)" : "\(style.bad("FAILED")) \(test.name)\n    \(test.reason)"
        }
        return (lines + ["\(cases.count - failures) passed, \(failures) failed"]).joined(separator: "\n")
    }
}
