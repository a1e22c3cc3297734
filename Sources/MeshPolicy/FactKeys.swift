import MeshCore

/// Which kinds of keys, and which lengths of texts and blocks, some rules are filed under; and from it, the keys of a
/// connection that are worth looking up.
struct FactKeys: Sendable {
    static let v6Offset = 33

    /// The kinds in use, one bit each: most sets of rules use one or two.
    private var kinds: UInt32 = 0
    private var lengths: [[Int]] = Array(repeating: [], count: RuleKey.Kind.allCases.count + 1)

    mutating func use(_ need: Need) {
        let kind = Int(need.kind.rawValue)
        kinds |= 1 << UInt32(kind)
        if !lengths[kind].contains(need.length) { lengths[kind].append(need.length) }
    }

    mutating func sort() { for kind in lengths.indices { lengths[kind].sort() } }

    @inline(__always)
    private func uses(_ kind: RuleKey.Kind) -> Bool { kinds & 1 << UInt32(kind.rawValue) != 0 }

    /// Calls `visit` with each key of the connection that may be in use, until it returns true.
    @inline(__always)
    func visit(_ facts: PolicyFacts, _ visit: (RuleKey) -> Bool) {
        if uses(.port), visit(RuleKey(port: facts.destinationPort)) { return }
        if let peer = facts.peer {
            if uses(.serviceAccount), visit(peer.accountKey) { return }
            if uses(.principal), visit(peer.principalKey) { return }
            if uses(.principalPrefix), affixes(peer.principal.utf8, .principalPrefix, visit) { return }
            if uses(.principalSuffix), affixes(peer.principal.utf8.reversed(), .principalSuffix, visit) { return }
        }
        // Without a peer the namespace is the empty text.
        if uses(.namespace), visit(facts.peer?.namespaceKey ?? Self.noNamespace) { return }
        if uses(.namespacePrefix), affixes((facts.peer?.id.namespace ?? "").utf8, .namespacePrefix, visit) { return }
        if uses(.namespaceSuffix),
            affixes((facts.peer?.id.namespace ?? "").utf8.reversed(), .namespaceSuffix, visit)
        {
            return
        }
        if uses(.source), blocks(facts.source, .source, visit) { return }
        if uses(.destination) { _ = blocks(facts.destination, .destination, visit) }
    }

    private static let noNamespace = RuleKey(.namespace, TextHash.of([]))

    /// The first bytes of a text in each length in use.
    @inline(__always)
    private func affixes(_ bytes: some Sequence<UInt8>, _ kind: RuleKey.Kind, _ visit: (RuleKey) -> Bool) -> Bool {
        var hash = TextHash()
        var done = 0
        var iterator = bytes.makeIterator()
        for wanted in lengths[Int(kind.rawValue)] {
            while done < wanted {
                guard let byte = iterator.next() else { return false }
                hash.add(byte)
                done += 1
            }
            if visit(RuleKey(kind, hash.value)) { return true }
        }
        return false
    }

    @inline(__always)
    private func blocks(_ ip: IPAddress, _ kind: RuleKey.Kind, _ visit: (RuleKey) -> Bool) -> Bool {
        for length in lengths[Int(kind.rawValue)] where ip.isV4 == (length < Self.v6Offset) {
            let bits = ip.isV4 ? length : length - Self.v6Offset
            if visit(RuleKey(kind, block: ip, length: bits)) { return true }
        }
        return false
    }
}

/// Key → number, by open addressing: keys are hashes already.
struct KeyTable: Sendable {
    private var keys: [UInt64] = [0]
    private var values: [Int32] = [-1]
    private var count = 0

    /// `key` must not be in the table.
    mutating func insert(_ key: UInt64, _ value: Int32) {
        if (count + 1) * 2 > keys.count { grow() }
        place(key, value)
        count += 1
    }

    private mutating func grow() {
        let (oldKeys, oldValues) = (keys, values)
        keys = Array(repeating: 0, count: max(8, oldKeys.count * 2))
        values = Array(repeating: -1, count: keys.count)
        for (key, value) in zip(oldKeys, oldValues) where value >= 0 { place(key, value) }
    }

    private mutating func place(_ key: UInt64, _ value: Int32) {
        var slot = Self.slot(key, keys.count)
        while values[slot] >= 0 { slot = (slot + 1) & (keys.count - 1) }
        keys[slot] = key
        values[slot] = value
    }

    /// -1 when there is none.
    @inline(__always)
    func find(_ key: UInt64) -> Int32 {
        var slot = Self.slot(key, keys.count)
        while values[slot] >= 0 {
            if keys[slot] == key { return values[slot] }
            slot = (slot + 1) & (keys.count - 1)
        }
        return -1
    }

    /// FNV leaves its best bits in the middle: spread them before taking the low ones.
    @inline(__always)
    private static func slot(_ key: UInt64, _ count: Int) -> Int {
        Int(truncatingIfNeeded: (key ^ key >> 32) &* 0x9E37_79B9_7F4A_7C15 >> 32) & (count - 1)
    }
}
