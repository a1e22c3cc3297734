import MeshCore

/// Rules by facts that they need, so that a verdict looks at the few rules that could hold, not at all of them.
///
/// Each rule is filed under the keys of one of its clauses, the one whose keys are shared with the fewest other rules:
/// the rule cannot hold unless one of those keys is a fact. Rules without such a clause (negative fields only, or
/// presence) are tried always.
struct RuleIndex: Sendable {
    struct Position: Sendable {
        let policy: Int32
        let rule: Int32
    }

    private var always: [Position] = []
    private var keyed: [Position] = []
    private var table: [UInt64: Range<Int32>] = [:]
    /// The lengths of texts and address blocks in use, by kind; empty for a kind that no rule is filed under.
    private var lengths: [[Int]] = Array(repeating: [], count: RuleKey.Kind.allCases.count + 1)

    init(_ rules: [(position: Position, rule: AuthorizationPolicy.Rule)]) {
        let choices = rules.map { Choice(position: $0.position, clauses: Self.clauses(of: $0.rule)) }
        var popularity: [UInt64: Int] = [:]
        for choice in choices {
            for clause in choice.clauses ?? [] {
                for match in clause {
                    for field in match { for need in field { popularity[need.key.bits, default: 0] += 1 } }
                }
            }
        }
        var filed: [UInt64: [Position]] = [:]
        var used: [Set<Int>] = Array(repeating: [], count: lengths.count)
        for choice in choices {
            guard let clauses = choice.clauses else { continue }  // can never hold
            guard let best = Self.cheapest(clauses, popularity) else {
                always.append(choice.position)
                continue
            }
            for need in Set(best.flatMap { $0 }) {
                used[Int(need.kind.rawValue)].insert(need.length)
                filed[need.key.bits, default: []].append(choice.position)
            }
        }
        for (key, positions) in filed {
            table[key] = Int32(keyed.count)..<Int32(keyed.count + positions.count)
            keyed += positions
        }
        lengths = used.map { $0.sorted() }
    }

    private struct Choice {
        let position: Position
        /// `nil`: the rule can never hold.
        let clauses: [[[Field]]]?
    }

    /// One value of a positive list.
    struct Need: Hashable {
        let kind: RuleKey.Kind
        let key: RuleKey
        /// Of a prefix, a suffix or an address block; 0 for others.
        let length: Int
    }

    /// A field of a match that only holds when one of its needs is a fact.
    typealias Field = [Need]

    /// The indexable fields of each match of each clause.
    private static func clauses(of rule: AuthorizationPolicy.Rule) -> [[[Field]]]? {
        var result: [[[Field]]] = []
        for clause in rule.clauses where !clause.matches.isEmpty {
            let matches = clause.matches.filter { !$0.isEmpty }
            if matches.isEmpty { return nil }
            result.append(matches.map { $0.indexableFields })
        }
        return result
    }

    /// For the best clause, the best field of each match; `nil` when every clause has a match that cannot be indexed.
    private static func cheapest(_ clauses: [[[Field]]], _ popularity: [UInt64: Int]) -> [Field]? {
        var best: (cost: Int, fields: [Field])?
        next: for clause in clauses {
            var (cost, fields) = (0, [Field]())
            for match in clause {
                let priced = match.map { field in (field.reduce(0) { $0 + (popularity[$1.key.bits] ?? 0) }, field) }
                guard let (price, field) = priced.min(by: { $0.0 < $1.0 }) else { continue next }
                cost += price
                fields.append(field)
            }
            if cost < best?.cost ?? .max { best = (cost, fields) }
        }
        return best?.fields
    }

    /// The first rule that holds, of those that could.
    func first(_ facts: PolicyFacts, where holds: (Position) -> Bool) -> Position? {
        for position in always where holds(position) { return position }
        if table.isEmpty { return nil }
        return find(facts, holds)
    }

    private func uses(_ kind: RuleKey.Kind) -> [Int] { lengths[Int(kind.rawValue)] }

    private func find(_ facts: PolicyFacts, _ holds: (Position) -> Bool) -> Position? {
        if !uses(.port).isEmpty, let hit = probe(RuleKey(port: facts.destinationPort), holds) { return hit }
        if let peer = facts.peer {
            if !uses(.serviceAccount).isEmpty, let hit = probe(peer.accountKey, holds) { return hit }
            if !uses(.principal).isEmpty, let hit = probe(peer.principalKey, holds) { return hit }
            if !uses(.principalPrefix).isEmpty, let hit = affix(peer.principal.utf8, .principalPrefix, holds) {
                return hit
            }
            if !uses(.principalSuffix).isEmpty,
                let hit = affix(peer.principal.utf8.reversed(), .principalSuffix, holds)
            {
                return hit
            }
        }
        return namespace(facts.peer, holds) ?? block(facts.source, .source, holds)
            ?? block(facts.destination, .destination, holds)
    }

    /// Without a peer the namespace is the empty text.
    private func namespace(_ peer: PeerIdentity?, _ holds: (Position) -> Bool) -> Position? {
        if !uses(.namespace).isEmpty, let hit = probe(peer?.namespaceKey ?? Self.noNamespace, holds) { return hit }
        if !uses(.namespacePrefix).isEmpty,
            let hit = affix((peer?.id.namespace ?? "").utf8, .namespacePrefix, holds)
        {
            return hit
        }
        guard !uses(.namespaceSuffix).isEmpty else { return nil }
        return affix((peer?.id.namespace ?? "").utf8.reversed(), .namespaceSuffix, holds)
    }

    private static let noNamespace = RuleKey(.namespace, TextHash.of([]))

    /// Tries the first bytes of a text in each length in use.
    private func affix(
        _ bytes: some Sequence<UInt8>, _ kind: RuleKey.Kind, _ holds: (Position) -> Bool
    ) -> Position? {
        let wanted = uses(kind)
        var hash = TextHash()
        var (done, next) = (0, 0)
        var iterator = bytes.makeIterator()
        while next < wanted.count {
            while done < wanted[next] {
                guard let byte = iterator.next() else { return nil }
                hash.add(byte)
                done += 1
            }
            if let hit = probe(RuleKey(kind, hash.value), holds) { return hit }
            next += 1
        }
        return nil
    }

    private func block(_ ip: IPAddress, _ kind: RuleKey.Kind, _ holds: (Position) -> Bool) -> Position? {
        for length in uses(kind) {
            // Lengths of IPv6 blocks are filed above those of IPv4.
            guard ip.isV4 == (length <= 32) else { continue }
            if let hit = probe(RuleKey(kind, block: ip, length: ip.isV4 ? length : length - 33), holds) { return hit }
        }
        return nil
    }

    private func probe(_ key: RuleKey, _ holds: (Position) -> Bool) -> Position? {
        guard let range = table[key.bits] else { return nil }
        for index in range where holds(keyed[Int(index)]) { return keyed[Int(index)] }
        return nil
    }
}

extension AuthorizationPolicy.Match {
    /// The positive fields that can be looked up; the match holds only if each has a need among the facts.
    var indexableFields: [RuleIndex.Field] {
        let fields: [RuleIndex.Field] = [
            destinationPorts.map { .init(kind: .port, key: RuleKey(port: $0), length: 0) },
            serviceAccounts.map {
                .init(kind: .serviceAccount, key: RuleKey(account: $0.namespace, $0.serviceAccount), length: 0)
            },
            Self.text(principals, .principal, .principalPrefix, .principalSuffix),
            Self.text(namespaces, .namespace, .namespacePrefix, .namespaceSuffix),
            Self.blocks(sourceIPs, .source),
            Self.blocks(destinationIPs, .destination),
        ]
        return fields.filter { !$0.isEmpty }
    }

    /// Empty, which means not indexable, when one of the patterns is presence.
    private static func text(
        _ patterns: [AuthorizationPolicy.StringMatch], _ exact: RuleKey.Kind, _ prefix: RuleKey.Kind,
        _ suffix: RuleKey.Kind
    ) -> RuleIndex.Field {
        var needs: RuleIndex.Field = []
        for pattern in patterns {
            switch pattern {
            case .exact(let text):
                needs.append(.init(kind: exact, key: RuleKey(exact, TextHash.of(text.utf8)), length: 0))
            case .prefix(let text):
                let key = RuleKey(prefix, TextHash.of(text.utf8))
                needs.append(.init(kind: prefix, key: key, length: text.utf8.count))
            case .suffix(let text):
                let key = RuleKey(suffix, TextHash.of(text.utf8.reversed()))
                needs.append(.init(kind: suffix, key: key, length: text.utf8.count))
            case .presence: return []
            }
        }
        return needs
    }

    private static func blocks(_ blocks: [CIDR], _ kind: RuleKey.Kind) -> RuleIndex.Field {
        blocks.map {
            let key = RuleKey(kind, block: $0.address, length: Int($0.prefixLength))
            return .init(kind: kind, key: key, length: Int($0.prefixLength) + ($0.address.isV4 ? 0 : 33))
        }
    }
}
