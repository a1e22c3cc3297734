import MeshCore

/// What was found when a namespace was compared with a plan.
package struct RedirectVerification: Hashable, Sendable {
    /// Whether packets are sent.
    package enum Live: Hashable, Sendable { case always, never, whenPossible }

    package struct Check: Hashable, Sendable, Encodable {
        package enum Outcome: String, Hashable, Sendable, Encodable {
            case ok, differs
            /// Nothing can be said: it was not looked at, for the reason in `detail`.
            case skipped
            /// It had to be looked at, and could not be.
            case unknown
        }
        package let name: String
        package let outcome: Outcome
        package let detail: String

        package init(_ name: String, _ outcome: Outcome, _ detail: String = "") {
            self.name = name
            self.outcome = outcome
            self.detail = detail
        }
    }

    package private(set) var checks: [Check] = []
    package private(set) var differences: [RedirectDifference] = []
    /// What stands beside ours and was made by others.
    package private(set) var notes: [String] = []

    /// 0 as planned, 1 not so, 2 it cannot be told.
    package var exitStatus: Int32 {
        if checks.contains(where: { $0.outcome == .differs }) { return 1 }
        return checks.contains { $0.outcome == .unknown } ? 2 : 0
    }

    /// Compares structure: tables, chains, rules in order, routing rules, routes.
    init(_ plan: RedirectPlan, _ state: RedirectState) {
        for table in plan.tables {
            let actual = state.tables.first { $0.name == table.name }
            record("table inet \(table.name)", table.differences(from: actual))
        }
        for table in state.tables where plan.unwantedTables.contains(table.name) {
            let name = "table inet \(table.name)"
            record(name, [RedirectDifference(kind: .extra, object: name, detail: "")])
        }
        for family in plan.families {
            let rule = RedirectPlan.rule(family)
            let name = "\(family.rawValue) rule \(rule.selector)"
            let missing = RedirectDifference(kind: .missing, object: name, detail: "")
            record(name, state.rules(like: rule).isEmpty ? [missing] : [])
        }
        for family in plan.families {
            let route = RedirectPlan.route(family)
            let name = "\(family.rawValue) route \(route.selector)"
            if family == .v6, !state.loopbackTakesV6 {
                checks.append(Check(name, .skipped, "lo has IPv6 disabled"))
                continue
            }
            let missing = RedirectDifference(kind: .missing, object: name, detail: "")
            record(name, state.routes(like: route).isEmpty ? [missing] : [])
        }
        addNotes(plan, state)
    }

    private mutating func record(_ name: String, _ found: [RedirectDifference]) {
        differences += found
        let details = found.map { difference in
            difference.object != name
                ? difference.description
                : difference.kind.rawValue + (difference.detail.isEmpty ? "" : " \(difference.detail)")
        }
        checks.append(Check(name, found.isEmpty ? .ok : .differs, details.joined(separator: "; ")))
    }

    private mutating func addNotes(_ plan: RedirectPlan, _ state: RedirectState) {
        for table in state.tables where !table.isOurs {
            notes.append("table inet \(table.name) was not made by meshctl")
        }
        for family in plan.families {
            let (route, rule) = (RedirectPlan.route(family), RedirectPlan.rule(family))
            let known = state.routes(like: route)
            for other in state.routes[family] ?? [] where !known.contains(other) {
                notes.append(
                    "\(family.rawValue) route \(other.selector) is extra: it may take packets with the return mark")
            }
            for other in state.rules[family] ?? []
            where other.mark == rule.mark && other.table != rule.table && other.priority < rule.priority {
                notes.append("\(family.rawValue) rule \(other.selector) is extra: it comes before that of redirection")
            }
        }
        guard !differences.isEmpty else { return }
        if state.tables.isEmpty {
            notes.append("no rules at all: was redirection ever applied here?")
        } else if let fitting = Self.options(fitting: state, like: plan.options) {
            let flags = fitting.flags.isEmpty ? "no flags" : fitting.flags.joined(separator: " ")
            notes.append("all is as planned with \(flags): was it applied so?")
        }
    }

    /// Other options under which nothing would differ, with the same interfaces and probe sources.
    private static func options(fitting state: RedirectState, like given: RedirectOptions) -> RedirectOptions? {
        for ipv6 in [true, false] {
            for dns in [false, true] {
                for bypass in [false, true] {
                    var options = given
                    (options.ipv6, options.dns, options.bypassInbound) = (ipv6, dns, bypass)
                    let proposal = try? Proposal(applying: RedirectPlan(options), to: state, takeOver: true)
                    if let proposal, proposal.steps.isEmpty { return options }
                }
            }
        }
        return nil
    }

    mutating func add(_ probes: [Check], required: Bool) {
        checks += probes.map { probe in
            required && probe.outcome == .skipped ? Check(probe.name, .unknown, probe.detail) : probe
        }
    }
}
