import MeshCore
import MeshLinux
import MeshPolicy

/// Lines of the target `state`: what policies said of a connection.
///
/// Source: messages and the field `policy` as ztunnel's; the addresses stand for its spans, the rule is ours.
extension AccessLog {
    static let policyTarget = "state"

    /// Dry runs in the order of evaluation, then the verdict.
    ///
    /// - Parameter engine: what decided; asked for every dry run that would deny, where there is one.
    mutating func decision(_ decision: PolicyDecision, _ record: ConnectionRecord, by engine: PolicyEngine) {
        guard options.policyThreshold <= options.policyLevel else { return }
        if decision.dryRunDeny != nil, let facts = record.facts {
            for rule in engine.dryRunDenials(facts) { write("dry-run: deny policy match", rule, record) }
        }
        if case .deny(.matched(let rule)) = decision.verdict { return write("deny policy match", rule, record) }
        switch decision.dryRunAllow {
        case .noPolicies: break
        case .matched(let rule): write("dry-run: allow policy match", rule, record)
        case .notMatched: write("dry-run: no allow policies match", nil, record)
        }
        switch decision.verdict {
        case .allow(.noAllowPolicies): write("no allow policies, allow", nil, record)
        case .allow(.matched(let rule)): write("allow policy match", rule, record)
        case .deny: write("no allow policies matched", nil, record)
        }
    }

    private mutating func write(_ message: String, _ rule: PolicyRuleReference?, _ record: ConnectionRecord) {
        let level = options.policyLevel == .info ? "info" : "debug"
        var line = LogLine(format: options.format, level: level, target: Self.policyTarget, message: message)
        if let rule {
            line.text("policy", rule.policy.key)
            line.number("rule", rule.rule)
        }
        line.bare("src.addr", record.source.description)
        if let identity = record.facts?.peer?.id { line.text("src.identity", identity.description) }
        if let facts = record.facts {
            line.bare("dst.addr", SocketAddress(facts.destination, facts.destinationPort).description)
        }
        append(line)
    }
}

/// Warns of policies that a workload names and nobody sent: once, not once per connection.
struct MissingPolicyNotice {
    private var told: Set<String> = []

    /// The lines for those that were not missing before.
    mutating func lines(_ state: ProxyState, format: LogLine.Format) -> [UInt8] {
        var lines: [UInt8] = []
        for key in state.policy.missing where !told.contains(key) {
            var line = LogLine(
                format: format, level: "warn", target: AccessLog.policyTarget, message: "policy not found")
            line.text("policy", key)
            line.text("wl", "\(state.own.namespace)/\(state.own.name)")
            line.text("reason", "the workload names it, but it was not sent; whoever it would refuse is let in")
            line.finish(into: &lines)
        }
        told = Set(state.policy.missing)
        return lines
    }
}
