/// Finds a key that stands twice in a mapping.
struct KeyCheck {
    /// Up to so many keys are compared with each other, behind a filter of 64 bits; more go through a hash table.
    private static let fewKeys: UInt32 = 64

    private var seen: [(mark: UInt32, key: UInt32)] = []

    /// - Returns: whether the mapping has a merge key.
    /// - Throws: at the second of two equal keys.
    mutating func check(_ arena: YAMLArena, _ mapping: UInt32) throws(YAMLError) -> Bool {
        let record = arena.records[Int(mapping)]
        var key = record.start
        var hasMerge = false
        if record.count > Self.fewKeys {
            var known: [String: UInt32] = Dictionary(minimumCapacity: Int(record.count))
            for _ in 0..<record.count {
                let index = arena.resolved(key)
                hasMerge = hasMerge || Self.isMerge(arena, index)
                if let first = known.updateValue(index, forKey: arena.text(index)) {
                    throw Self.twice(arena, first, index, at: key)
                }
                key = arena.records[Int(arena.records[Int(key)].end)].end
            }
            return hasMerge
        }
        var filter: UInt64 = 0
        seen.removeAll(keepingCapacity: true)
        for _ in 0..<record.count {
            let index = arena.resolved(key)
            hasMerge = hasMerge || Self.isMerge(arena, index)
            let mark = Self.mark(arena, index)
            let bit: UInt64 = 1 << UInt64(mark & 63)
            if filter & bit != 0,
                let first = seen.first(where: { $0.mark == mark && arena.isEqual($0.key, index) })
            {
                throw Self.twice(arena, first.key, index, at: key)
            }
            filter |= bit
            seen.append((mark, index))
            key = arena.records[Int(arena.records[Int(key)].end)].end
        }
        return hasMerge
    }

    static func isMerge(_ arena: YAMLArena, _ key: UInt32) -> Bool {
        let record = arena.records[Int(key)]
        return record.count == 2 && record.style == .plain && record.tag == .none && arena.isEqual(key, "<<")
    }

    /// Equal for equal keys. FNV-1a: collisions cost time only, and few keys are compared.
    private static func mark(_ arena: YAMLArena, _ key: UInt32) -> UInt32 {
        let record = arena.records[Int(key)]
        let bytes = arena.bytes
        var mark: UInt32 = 0x811C_9DC5
        for offset in 0..<Int(record.count) {
            mark = (mark ^ UInt32(bytes[Int(record.start) + offset])) &* 0x0100_0193
        }
        return mark ^ mark >> 15
    }

    private static func twice(
        _ arena: YAMLArena, _ first: UInt32, _ second: UInt32, at place: UInt32
    ) -> YAMLError {
        let (first, place) = (arena.records[Int(first)], arena.records[Int(place)])
        return YAMLError(
            file: arena.file, line: Int(place.line), column: Int(place.column),
            reason: "the key \(arena.text(second).prefix(80)) is given twice, first at line \(first.line)")
    }
}
