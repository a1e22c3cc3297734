import MeshCore

/// Rules that need nothing, and fail only because of what they forbid.
///
/// For each value that many of them forbid there is a set of those rules, as bits. The sets of the values that are facts
/// are joined, and only rules outside are tried: the first of them usually holds, and one that does not fails by a value
/// that few rules forbid.
final class NegativeIndex: Sendable {
    /// Rules that forbid a value before it gets a set, at least; also one of this many of all.
    private static let many = 4
    private static let share = 512

    private let positions: [RuleIndex.Position]
    private let wordCount: Int
    private let blockers: [Blocker]
    /// The sets, one behind the other.
    private let words: [UInt64]
    /// Key → the first of the blockers that have it; others of the same key follow by `next`.
    private let table: KeyTable
    private let next: [Int32]
    private let keys: FactKeys

    init(_ filings: [Filing]) {
        positions = filings.map(\.position)
        let wordCount = (filings.count + 63) / 64
        var (blockers, words, keys, table): ([Blocker], [UInt64], FactKeys, KeyTable) = (
            [], [], FactKeys(), KeyTable()
        )
        var members: [Blocker: [Int]] = [:]
        for (number, filing) in filings.enumerated() {
            for blocker in filing.blockers { members[blocker, default: []].append(number) }
        }
        let least = max(Self.many, filings.count / Self.share)
        var byKey: [UInt64: [Int32]] = [:]
        for (blocker, rules) in members where rules.count >= least {
            let need = blocker.need
            keys.use(need)
            byKey[need.key.bits, default: []].append(Int32(blockers.count))
            blockers.append(blocker)
            var set = [UInt64](repeating: 0, count: wordCount)
            for rule in rules { set[rule / 64] |= 1 << UInt64(rule % 64) }
            words += set
        }
        keys.sort()
        var next = [Int32](repeating: -1, count: blockers.count)
        for (key, sharing) in byKey {
            table.insert(key, sharing[0])
            for (one, other) in zip(sharing, sharing.dropFirst()) { next[Int(one)] = other }
        }
        (self.wordCount, self.blockers, self.words) = (wordCount, blockers, words)
        (self.keys, self.table, self.next) = (keys, table, next)
    }

    /// The first rule that holds.
    func first(_ facts: PolicyFacts, where holds: (RuleIndex.Position) -> Bool) -> RuleIndex.Position? {
        unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: wordCount) { blocked in
            unsafe blocked.initialize(repeating: 0)
            keys.visit(facts) { key in
                var number = table.find(key.bits)
                while number >= 0 {
                    if blockers[Int(number)].isFact(facts) { unsafe join(Int(number), to: blocked) }
                    number = next[Int(number)]
                }
                return false
            }
            for word in 0..<wordCount {
                var free = unsafe ~blocked[word]
                while free != 0 {
                    let rule = word * 64 + free.trailingZeroBitCount
                    if rule >= positions.count { return nil }
                    if holds(positions[rule]) { return positions[rule] }
                    free &= free - 1
                }
            }
            return nil
        }
    }

    private func join(_ number: Int, to blocked: UnsafeMutableBufferPointer<UInt64>) {
        unsafe words.withUnsafeBufferPointer { words in
            for word in 0..<wordCount { unsafe blocked[word] |= words[number * wordCount + word] }
        }
    }
}
