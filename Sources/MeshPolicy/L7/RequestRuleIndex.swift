import MeshCore

/// Rules by what they need, so that a verdict looks at the few rules that could hold, not at all of them.
///
/// As the index of layer 4: each rule is filed under the needs of one of its clauses, the one that it shares with the
/// fewest other rules, and rules without such a clause are tried always. Here the answer is the matching rule with the
/// smallest id, so rules and the lists of the index are in that order and a list ends at the best found so far.
struct RequestRuleIndex: Sendable {
    /// By id.
    private let rules: [RequestRule]
    private var always: [Int32] = []
    private var table: [UInt64: Range<Int32>] = [:]
    private var keyed: [Int32] = []
    /// Of facts that every request has.
    private var texts: [(fact: RequestNeed.TextFact, lookup: TextLookup)] = []
    /// By the seed of the header's or claim's name.
    private var headers: [UInt64: TextLookup] = [:]
    private var claims: [UInt64: TextLookup] = [:]
    /// Bit n: a header that is looked up has a name of n bytes, modulo 64.
    private var headerLengths: UInt64 = 0
    private var claimDepth = 0
    private var blocks: [BlockLookup] = []
    private var usesPorts = false
    private var usesAccounts = false

    private struct TextLookup: Sendable {
        let seed: UInt64
        var exact = false
        /// Lengths, ascending.
        var prefixes: [Int] = []
        var suffixes: [Int] = []

        init(_ fact: RequestNeed.TextFact) { seed = fact.seed }

        mutating func add(_ pattern: TextPattern) {
            switch pattern {
            case .exact: exact = true
            case .prefix(let start): RequestRuleIndex.insert(start.count, &prefixes)
            case .suffix(let end): RequestRuleIndex.insert(end.count, &suffixes)
            case .presence: RequestRuleIndex.insert(0, &prefixes)
            }
        }
    }

    private struct BlockLookup: Sendable {
        let fact: RequestNeed.AddressFact
        var v4: [Int] = []
        var v6: [Int] = []
    }

    /// - Parameter scanLimit: so few rules are tried one after the other, which costs less than looking up.
    init(_ unsorted: [RequestRule], scanLimit: Int = 4) {
        rules = unsorted.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        if rules.count <= scanLimit {
            always = rules.indices.map { Int32($0) }
            return
        }
        let clauses = rules.map { rule in rule.clauses.compactMap(\.needs) }
        var popularity: [RequestNeed: Int] = [:]
        for need in clauses.joined().joined().joined().joined() { popularity[need, default: 0] += 1 }
        var filed: [RequestNeed: [Int32]] = [:]
        for (number, choices) in clauses.enumerated() {
            guard let best = Self.cheapest(choices, popularity) else {
                always.append(Int32(number))
                continue
            }
            for need in best { filed[need, default: []].append(Int32(number)) }
        }
        var byKey: [UInt64: [Int32]] = [:]
        for (need, numbers) in filed {
            prepare(need)
            byKey[need.key, default: []] += numbers
        }
        for (key, numbers) in byKey {
            let start = Int32(keyed.count)
            keyed += Set(numbers).sorted()
            table[key] = start..<Int32(keyed.count)
        }
    }

    /// The needs of the best clause; `nil` when no clause can be looked up.
    private static func cheapest(
        _ clauses: [[[[RequestNeed]]]], _ popularity: [RequestNeed: Int]
    ) -> Set<RequestNeed>? {
        var best: (cost: Int, needs: Set<RequestNeed>)?
        for clause in clauses {
            var (cost, needs) = (0, Set<RequestNeed>())
            for entry in clause {
                let priced = entry.map { field in (field.reduce(0) { $0 + popularity[$1, default: 0] }, field) }
                guard let (price, field) = priced.min(by: { $0.0 < $1.0 }) else { continue }
                cost += price
                needs.formUnion(field)
            }
            if cost < best?.cost ?? .max { best = (cost, needs) }
        }
        return best?.needs
    }

    /// Makes the look-up of a need part of every verdict.
    private mutating func prepare(_ need: RequestNeed) {
        switch need {
        case .port: usesPorts = true
        case .account: usesAccounts = true
        case .text(.header(let name), let pattern):
            headerLengths |= 1 << UInt64(name.count & 63)
            headers[RequestNeed.seed(header: name.span), default: TextLookup(.header(name))].add(pattern)
        case .text(.claim(let path), let pattern):
            claimDepth = max(claimDepth, path.count)
            let lookup = TextLookup(.claim(path))
            claims[lookup.seed, default: lookup].add(pattern)
        case .text(let fact, let pattern):
            if !texts.contains(where: { $0.fact == fact }) { texts.append((fact, TextLookup(fact))) }
            guard let slot = texts.firstIndex(where: { $0.fact == fact }) else { return }
            texts[slot].lookup.add(pattern)
        case .block(let fact, let block):
            if !blocks.contains(where: { $0.fact == fact }) { blocks.append(BlockLookup(fact: fact)) }
            guard let slot = blocks.firstIndex(where: { $0.fact == fact }) else { return }
            if block.address.isV4 {
                Self.insert(Int(block.prefixLength), &blocks[slot].v4)
            } else {
                Self.insert(Int(block.prefixLength), &blocks[slot].v6)
            }
        }
    }

    fileprivate static func insert(_ length: Int, _ sorted: inout [Int]) {
        guard let place = sorted.firstIndex(where: { $0 >= length }) else {
            sorted.append(length)
            return
        }
        if sorted[place] != length { sorted.insert(length, at: place) }
    }

    // MARK: Look-up

    /// The rule with the smallest id of those that match.
    func first(_ facts: RequestFacts) -> RequestRule? {
        var best = Int32.max
        for number in always where rules[Int(number)].matches(facts) {
            best = number
            break
        }
        if !table.isEmpty {
            if usesPorts { probe(RequestNeed.key(port: facts.destination.port), facts, &best) }
            if usesAccounts, let peer = facts.peer {
                probe(RequestNeed.key(account: peer.id.namespace, peer.id.serviceAccount), facts, &best)
            }
            for (fact, lookup) in texts { probe(fact, lookup, facts, &best) }
            if !headers.isEmpty { probeHeaders(facts, &best) }
            if !claims.isEmpty, let values = facts.claims?.values {
                probe(values, RequestNeed.claimSeed, 1, facts, &best)
            }
            for lookup in blocks { probe(lookup, facts, &best) }
        }
        return best == .max ? nil : rules[Int(best)]
    }

    private func probe(_ key: UInt64, _ facts: RequestFacts, _ best: inout Int32) {
        guard let range = table[key] else { return }
        for index in range {
            let number = keyed[Int(index)]
            if number >= best { return }
            if rules[Int(number)].matches(facts) {
                best = number
                return
            }
        }
    }

    private func probe(
        _ fact: RequestNeed.TextFact, _ lookup: TextLookup, _ facts: RequestFacts, _ best: inout Int32
    ) {
        switch fact {
        case .principal:
            if let peer = facts.peer { probe(lookup, peer.principal.utf8Span.span, facts, &best) }
        case .namespace:
            if let peer = facts.peer { probe(lookup, peer.id.namespace.utf8Span.span, facts, &best) }
        case .trustDomain:
            if let peer = facts.peer { probe(lookup, peer.id.trustDomain.name.utf8Span.span, facts, &best) }
        case .serverName: probe(lookup, facts.serverName.span, facts, &best)
        case .host: probe(lookup, facts.host.span, facts, &best)
        case .method: probe(lookup, facts.method.span, facts, &best)
        case .path: probe(lookup, facts.path.span, facts, &best)
        case .subject: probe(lookup, facts.claims?["sub"], facts, &best)
        case .issuer: probe(lookup, facts.claims?["iss"], facts, &best)
        // Looked up from what the request has, not from what policies name.
        case .header, .claim: break
        }
    }

    /// The cost is that of the request's headers, however many names policies know.
    private func probeHeaders(_ facts: RequestFacts, _ best: inout Int32) {
        for index in facts.headers.indices {
            let field = facts.headers[index]
            guard headerLengths & 1 << UInt64(field.name.count & 63) != 0,
                let lookup = headers[RequestNeed.seed(header: field.name.span)]
            else { continue }
            let joined = JoinedHeader(facts.headers, field.name)
            // A header that is repeated is one text, looked up where it is the first time.
            guard joined.first == index else { continue }
            if joined.occurrences == 1 {
                probe(lookup, field.value.span, facts, &best)
            } else {
                probe(lookup, joined, facts, &best)
            }
        }
    }

    /// Members of an object at `depth` whose names, and those of the objects around them, policies know.
    private func probe(
        _ members: [String: ClaimValue], _ seed: UInt64, _ depth: Int, _ facts: RequestFacts, _ best: inout Int32
    ) {
        for (name, value) in members {
            let own = RequestNeed.seed(claim: name, in: seed)
            if let lookup = claims[own] { probe(lookup, value, facts, &best) }
            if depth < claimDepth, case .object(let inner) = value { probe(inner, own, depth + 1, facts, &best) }
        }
    }

    /// A text, or each text of a list; what else claims may be matches nothing.
    private func probe(_ lookup: TextLookup, _ claim: ClaimValue?, _ facts: RequestFacts, _ best: inout Int32) {
        switch claim {
        case .string(let text)?: probe(lookup, text.utf8Span.span, facts, &best)
        case .list(let values)?:
            for case .string(let text) in values { probe(lookup, text.utf8Span.span, facts, &best) }
        case .object?, .number?, .bool?, .null?, nil: break
        }
    }

    private func probe(_ lookup: TextLookup, _ text: Span<UInt8>, _ facts: RequestFacts, _ best: inout Int32) {
        if lookup.exact || !lookup.prefixes.isEmpty {
            var hash = NeedHash(seed: lookup.seed)
            var done = 0
            for length in lookup.prefixes {
                if length > text.count { break }
                hash.add(text.extracting(done..<length))
                done = length
                probe(hash.key(.prefix), facts, &best)
            }
            if lookup.exact {
                hash.add(text.extracting(done..<text.count))
                probe(hash.key(.exact), facts, &best)
            }
        }
        if lookup.suffixes.isEmpty { return }
        var hash = NeedHash(seed: lookup.seed)
        var done = 0
        for length in lookup.suffixes {
            if length > text.count { break }
            while done < length {
                done += 1
                hash.add(text[text.count - done])
            }
            probe(hash.key(.suffix), facts, &best)
        }
    }

    /// As for a text, over all values of a header with commas between.
    private func probe(_ lookup: TextLookup, _ joined: JoinedHeader, _ facts: RequestFacts, _ best: inout Int32) {
        var hash = NeedHash(seed: lookup.seed)
        var (next, done) = (0, 0)
        joined.forward { byte in
            while next < lookup.prefixes.count, lookup.prefixes[next] == done {
                probe(hash.key(.prefix), facts, &best)
                next += 1
            }
            if let byte { hash.add(byte) }
            done += 1
        }
        if lookup.exact { probe(hash.key(.exact), facts, &best) }
        hash = NeedHash(seed: lookup.seed)
        (next, done) = (0, 0)
        joined.backward { byte in
            while next < lookup.suffixes.count, lookup.suffixes[next] == done {
                probe(hash.key(.suffix), facts, &best)
                next += 1
            }
            if let byte { hash.add(byte) }
            done += 1
        }
    }

    private func probe(_ lookup: BlockLookup, _ facts: RequestFacts, _ best: inout Int32) {
        let address =
            switch lookup.fact {
            case .source: facts.source
            case .remote: facts.remote
            case .destination: facts.destination.ip
            }
        for length in address.isV4 ? lookup.v4 : lookup.v6 {
            probe(RequestNeed.key(lookup.fact, address, length), facts, &best)
        }
    }
}
