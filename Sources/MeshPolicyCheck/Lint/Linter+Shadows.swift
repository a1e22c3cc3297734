import MeshCore
import MeshKubernetes
import MeshPolicy

/// Rules that other rules make superfluous.
extension Linter {
    /// Comparisons of two rules in one run; beyond that a warning says that it was not done to the end.
    private static let comparisonLimit = 5_000_000

    /// A policy with what is compared of it.
    private struct Entry {
        let policy: SecurityPolicy
        /// By their numbers; without those that are not enforced as they are written.
        let rules: [(number: Int, cover: RuleCover)]
        var allowsAll: Bool {
            policy.action == .allow
                && rules.contains { entry in
                    let rule = entry.cover.rule
                    return rule.from.isEmpty && rule.to.isEmpty && rule.when.isEmpty
                }
        }
    }

    mutating func lintShadows() {
        let entries = judge.nodes.translations.compactMap { entry($0.policy, $0.translation) }
        var budget = Self.comparisonLimit
        let scopes = ScopeIndex(entries.map(\.policy), rootNamespace: judge.cluster.settings.rootNamespace, judge.index)
        for (place, entry) in entries.enumerated() {
            contradictions(entry)
            let covered = repeats(entry, &budget)
            let others = scopes.covering(place).map { ($0, entries[$0]) }
            shadows(entry, place, others, covered, scopes, &budget)
        }
        if budget <= 0 {
            add(
                .warning, "not-compared", object: "", .unknown,
                "there are too many rules in one place to compare all of them with one another",
                "lint the namespaces one by one")
        }
    }

    private func entry(_ policy: SecurityPolicy, _ translation: L4Translation) -> Entry? {
        guard !policy.dryRun, policy.action == .allow || policy.action == .deny else { return nil }
        if policy.targets.isEmpty { guard case .sent = translation.outcome else { return nil } }
        let odd = Set(translation.findings.map(\.rule))
        // Aliases count at waypoints only.
        let aliases = policy.targets.isEmpty ? nil : self.aliases
        let rules = policy.rules.enumerated().filter { !odd.contains($0.offset) }.map {
            ($0.offset, RuleCover($0.element, namespace: policy.identity.namespace, aliases: aliases))
        }
        return Entry(policy: policy, rules: rules)
    }

    private mutating func contradictions(_ entry: Entry) {
        for (number, cover) in entry.rules {
            guard let why = cover.contradiction else { continue }
            add(
                .error, "never-matches", entry.policy, cover.rule.position, "rule \(number) never matches: \(why)",
                "correct one of the two, or remove the rule")
        }
    }

    /// Rules that another one of the same policy covers; of two that say the same, the later.
    private mutating func repeats(_ entry: Entry, _ budget: inout Int) -> Set<Int> {
        var covered: Set<Int> = []
        for (number, cover) in entry.rules {
            let by = entry.rules.first { other in
                budget -= 1
                guard budget > 0, other.number != number, other.cover.covers(cover) else { return false }
                return other.number < number || !cover.covers(other.cover)
            }
            guard let by else { continue }
            covered.insert(number)
            add(
                .warning, "unreachable-rule", entry.policy, cover.rule.position,
                "rule \(number) adds nothing: rule \(by.number) matches everything that it does", "remove it")
        }
        return covered
    }

    private mutating func shadows(
        _ entry: Entry, _ place: Int, _ others: [(Int, Entry)], _ known: Set<Int>, _ scopes: ScopeIndex,
        _ budget: inout Int
    ) {
        var found: [(number: Int, position: FilePosition, by: SecurityPolicy, rule: Int)] = []
        for (number, cover) in entry.rules {
            search: for (otherPlace, other) in others {
                let isDeny = other.policy.action == .deny
                guard isDeny || entry.policy.action == .allow else { continue }
                for (otherNumber, otherCover) in other.rules {
                    budget -= 1
                    guard budget > 0, otherCover.covers(cover) else { continue }
                    // Of two that say the same in the same place, the one with the later name is told.
                    let isMutual =
                        other.policy.action == entry.policy.action && scopes.covers(place, otherPlace)
                        && cover.covers(otherCover)
                    if isMutual, entry.policy.identity.description < other.policy.identity.description { continue }
                    found.append((number, cover.rule.position, other.policy, otherNumber))
                    break search
                }
            }
        }
        let all = Set(found.map(\.number)).union(known)
        if !found.isEmpty, all.count == entry.policy.rules.count, let first = found.first {
            add(
                .warning, "shadowed-policy", entry.policy, .unknown,
                Self.effect(entry.policy, first.by, first.rule, "it"),
                "remove one of them")
            return
        }
        for shadow in found where !known.contains(shadow.number) {
            add(
                .warning, "unreachable-rule", entry.policy, shadow.position,
                Self.effect(entry.policy, shadow.by, shadow.rule, "rule \(shadow.number)"), "remove one of them")
        }
        if entry.policy.rules.isEmpty, entry.policy.action == .allow, let open = others.first(where: { $0.1.allowsAll })
        {
            add(
                .warning, "shadowed-policy", entry.policy, .unknown,
                "it is meant to allow nothing, but \(open.1.policy.identity) allows everything in the same place",
                "remove one of them")
        }
    }

    private static func effect(_ policy: SecurityPolicy, _ by: SecurityPolicy, _ rule: Int, _ subject: String) -> String
    {
        policy.action == .allow && by.action == .deny
            ? "\(subject) allows nobody: \(by.identity), rule \(rule), denies everything that it matches"
            : "\(subject) adds nothing: \(by.identity), rule \(rule), matches everything that it does"
    }
}
