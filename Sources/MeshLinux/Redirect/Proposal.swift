import MeshCore

/// What would have to be done to a namespace. Made from its state alone, so that it can be shown before it is done.
struct Proposal: Hashable, Sendable {
    var steps: [RedirectStep] = []
    /// What is left alone because another made it.
    var kept: [String] = []

    /// - Throws: `.foreignTables` or `.routeTaken`, before anything is changed.
    init(applying plan: RedirectPlan, to state: RedirectState, takeOver: Bool) throws(RedirectError) {
        try addTables(plan, state, takeOver: takeOver)
        for family in AddressFamily.allCases { try addRoute(family, plan, state) }
        for family in AddressFamily.allCases { addRule(family, plan, state) }
    }

    private mutating func addTables(
        _ plan: RedirectPlan, _ state: RedirectState, takeOver: Bool
    ) throws(RedirectError) {
        var (names, commands): ([String], [String]) = ([], [])
        var foreign: [String] = []
        var why = ""
        for table in plan.tables {
            let actual = state.tables.first { $0.name == table.name }
            let differences = table.differences(from: actual)
            guard let first = differences.first else {
                if let actual, !actual.isOurs {
                    kept.append("table inet \(table.name), as planned, not made by meshctl")
                }
                continue
            }
            if let actual, !actual.isOurs, !actual.chains.isEmpty || !actual.extras.isEmpty {
                foreign.append("table inet \(table.name)")
                why = why.isEmpty ? first.description : why
            }
            names.append(table.name)
            commands += table.commands
        }
        for table in state.tables where plan.unwantedTables.contains(table.name) {
            if !table.isOurs {
                foreign.append("table inet \(table.name)")
                why = why.isEmpty ? "it is there only when DNS is captured" : why
            }
            names.append(table.name)
            commands += table.deletion
        }
        guard foreign.isEmpty || takeOver else { throw .foreignTables(foreign, why: why) }
        if !names.isEmpty { steps.append(.rules(tables: names, commands: commands)) }
    }

    private mutating func addRoute(
        _ family: AddressFamily, _ plan: RedirectPlan, _ state: RedirectState
    ) throws(RedirectError) {
        let route = RedirectPlan.route(family)
        let present = state.routes(like: route)
        guard plan.families.contains(family) else {
            steps += present.filter { $0.origin == RedirectPlan.origin }.map { .deleteRoute($0) }
            return
        }
        if let found = present.first {
            if found.origin != RedirectPlan.origin { kept.append("route \(found.selector), not made by meshctl") }
            return
        }
        // The kernel drops routes over an interface that takes no IPv6, so there is nothing to be sent there.
        guard family == .v4 || state.loopbackTakesV6 else { return }
        let rival = state.routes[family]?.first { $0.destination == route.destination && $0.metric <= route.metric }
        if let rival { throw .routeTaken(rival.selector) }
        steps.append(.addRoute(route))
    }

    private mutating func addRule(_ family: AddressFamily, _ plan: RedirectPlan, _ state: RedirectState) {
        let rule = RedirectPlan.rule(family)
        let present = state.rules(like: rule)
        guard plan.families.contains(family) else {
            steps += present.filter { $0.origin == RedirectPlan.origin }.map { .deleteRule($0) }
            return
        }
        if let found = present.first {
            if found.origin != RedirectPlan.origin {
                kept.append("\(family.rawValue) rule \(found.selector), not made by meshctl")
            }
        } else {
            steps.append(.addRule(rule))
        }
    }

    init(removingFrom state: RedirectState, anyOwner: Bool) {
        var (names, commands): ([String], [String]) = ([], [])
        for table in state.tables {
            guard table.isOurs || anyOwner else {
                kept.append("table inet \(table.name), not made by meshctl")
                continue
            }
            names.append(table.name)
            commands += table.deletion
        }
        if !names.isEmpty { steps.append(.rules(tables: names, commands: commands)) }
        for rule in AddressFamily.allCases.flatMap({ state.rules(like: RedirectPlan.rule($0)) }) {
            if rule.origin == RedirectPlan.origin || anyOwner {
                steps.append(.deleteRule(rule))
            } else {
                kept.append("\(rule.family.rawValue) rule \(rule.selector), not made by meshctl")
            }
        }
        for route in AddressFamily.allCases.flatMap({ state.routes(like: RedirectPlan.route($0)) }) {
            if route.origin == RedirectPlan.origin || anyOwner {
                steps.append(.deleteRoute(route))
            } else {
                kept.append("route \(route.selector), not made by meshctl")
            }
        }
    }
}
