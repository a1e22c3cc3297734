import MeshCore

/// Rules by facts that they need, so that a verdict looks at the few rules that could hold, not at all of them.
///
/// Each rule is filed under the keys of one of its clauses, the one whose keys are shared with the fewest other rules:
/// the rule cannot hold unless one of those keys is a fact. Where many share a key, those are filed again by what else
/// they need. Rules that need nothing, only forbid something, are found by `NegativeIndex`. Equal rules count once.
///
/// What stays linear: clauses that offer a need or a prohibition as alternatives, when all rules are so and all fail.
/// A class, since a verdict passes through nested ones: no copy is made on the way.
final class RuleIndex: Sendable {
    struct Position: Sendable {
        let policy: Int32
        let rule: Int32
    }

    /// Rules that are tried one by one rather than filed.
    static let few = 4
    /// How often rules that share a key are filed again.
    private static let maxDepth = 5

    private struct Bucket {
        let start: Int32
        let end: Int32
        /// Where these rules are filed again; -1 when they are few.
        let child: Int32
        /// Of all of them.
        let screen: PortScreen
    }

    /// A rule that is tried, unless its screen says that it fails.
    private struct Candidate {
        let position: Position
        let screen: PortScreen

        init(_ filing: Filing) {
            position = filing.position
            screen = PortScreen(CollectionOfOne(filing))
        }
    }

    private let always: [Candidate]
    private let keyed: [Candidate]
    private let buckets: [Bucket]
    private let children: [RuleIndex]
    private let table: KeyTable
    private let keys: FactKeys
    private let negatives: NegativeIndex?
    /// Without a rule that could hold.
    let isEmpty: Bool

    convenience init(_ rules: [(position: Position, rule: AuthorizationPolicy.Rule)]) {
        var seen: Set<AuthorizationPolicy.Rule> = []
        let filings = rules.compactMap { seen.insert($0.rule).inserted ? Filing($0.position, $0.rule) : nil }
        // Rules with long lists are filed often: what filing again may cost is bounded by what filing once does.
        var budget = 4096 + 16 * filings.reduce(0) { $0 + $1.size }
        self.init(filings, known: [], depth: 0, &budget)
    }

    private init(_ filings: [Filing], known: Set<UInt64>, depth: Int, _ budget: inout Int) {
        isEmpty = filings.isEmpty
        let (filed, rest, keys) =
            filings.count > Self.few ? Self.file(filings, known) : ([], filings, FactKeys())
        self.keys = keys
        always = rest.count > Self.few ? [] : rest.map { Candidate($0) }
        negatives = rest.count > Self.few ? NegativeIndex(rest) : nil
        var table = KeyTable()
        var (buckets, keyed, children): ([Bucket], [Candidate], [RuleIndex]) = ([], [], [])
        for (key, members) in filed {
            table.insert(key, Int32(buckets.count))
            var child: Int32 = -1
            let cost = members.reduce(0) { $0 + $1.size }
            if members.count > Self.few, depth < Self.maxDepth, budget >= cost {
                budget -= cost
                child = Int32(children.count)
                children.append(RuleIndex(members, known: known.union([key]), depth: depth + 1, &budget))
            }
            let start = Int32(keyed.count)
            if child < 0 { keyed += members.map { Candidate($0) } }
            buckets.append(
                Bucket(start: start, end: Int32(keyed.count), child: child, screen: PortScreen(members)))
        }
        (self.table, self.buckets, self.keyed, self.children) = (table, buckets, keyed, children)
    }

    /// Rules by the keys that they are filed under, in the order of the keys, so that the same policies give the same
    /// verdict in every process; and the rules that need nothing more than what is known.
    private static func file(
        _ filings: [Filing], _ known: Set<UInt64>
    ) -> (filed: [(key: UInt64, members: [Filing])], rest: [Filing], keys: FactKeys) {
        var popularity: [UInt64: Int] = [:]
        for filing in filings { filing.count(into: &popularity) }
        var filed: [UInt64: [Filing]] = [:]
        var rest: [Filing] = []
        var keys = FactKeys()
        for filing in filings {
            guard let fields = filing.cheapest(popularity, known: known) else {
                rest.append(filing)
                continue
            }
            for need in Set(fields.flatMap { $0 }) {
                keys.use(need)
                filed[need.key.bits, default: []].append(filing)
            }
        }
        keys.sort()
        return (filed.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }, rest, keys)
    }

    /// A rule that holds, of those that could; the same one each time.
    func first(_ facts: PolicyFacts, where holds: (Position) -> Bool) -> Position? {
        for candidate in always where candidate.screen.passes(facts.destinationPort) && holds(candidate.position) {
            return candidate.position
        }
        if let negatives, let hit = negatives.first(facts, where: holds) { return hit }
        if buckets.isEmpty { return nil }
        var hit: Position?
        keys.visit(facts) { key in
            let number = table.find(key.bits)
            if number >= 0 { hit = first(in: buckets[Int(number)], facts, holds) }
            return hit != nil
        }
        return hit
    }

    private func first(in bucket: Bucket, _ facts: PolicyFacts, _ holds: (Position) -> Bool) -> Position? {
        let port = facts.destinationPort
        guard bucket.screen.passes(port) else { return nil }
        if bucket.child >= 0 { return children[Int(bucket.child)].first(facts, where: holds) }
        for index in bucket.start..<bucket.end {
            let candidate = keyed[Int(index)]
            if candidate.screen.passes(port), holds(candidate.position) { return candidate.position }
        }
        return nil
    }
}
