/// Finds a key that stands twice in a mapping.
struct KeyCheck {
    /// Up to so many keys are compared with each other, behind a filter of 64 bits; more go through a hash table.
    private static let fewKeys: UInt32 = 64

    private var seen: [(mark: UInt32, key: UInt32)] = []

    /// - Returns: whether the mapping has a merge key.
    /// - Throws: at the second of two equal keys.
    mutating func check(_ content: YAMLContent, _ mapping: UInt32) throws(YAMLError) -> Bool {
        let record = content.records[Int(mapping)]
        var key = record.start
        var hasMerge = false
        if record.count > Self.fewKeys {
            var known: [String: UInt32] = Dictionary(minimumCapacity: Int(record.count))
            for _ in 0..<record.count {
                let index = content.resolved(key)
                hasMerge = hasMerge || Self.isMerge(content, index)
                if let first = known.updateValue(index, forKey: content.text(index)) {
                    throw Self.twice(content, first, index, at: key)
                }
                key = content.records[Int(content.records[Int(key)].end)].end
            }
            return hasMerge
        }
        var filter: UInt64 = 0
        seen.removeAll(keepingCapacity: true)
        for _ in 0..<record.count {
            let index = content.resolved(key)
            hasMerge = hasMerge || Self.isMerge(content, index)
            let mark = Self.mark(content, index)
            let bit: UInt64 = 1 << UInt64(mark & 63)
            if filter & bit != 0,
                let first = seen.first(where: { $0.mark == mark && content.isEqual($0.key, index) })
            {
                throw Self.twice(content, first.key, index, at: key)
            }
            filter |= bit
            seen.append((mark, index))
            key = content.records[Int(content.records[Int(key)].end)].end
        }
        return hasMerge
    }

    static func isMerge(_ content: YAMLContent, _ key: UInt32) -> Bool {
        let record = content.records[Int(key)]
        return record.count == 2 && record.style == .plain && record.tag == .none && content.isEqual(key, "<<")
    }

    /// Equal for equal keys. FNV-1a: collisions cost time only, and few keys are compared.
    private static func mark(_ content: YAMLContent, _ key: UInt32) -> UInt32 {
        let record = content.records[Int(key)]
        var mark: UInt32 = 0x811C_9DC5
        for offset in 0..<Int(record.count) {
            mark = (mark ^ UInt32(content.bytes[Int(record.start) + offset])) &* 0x0100_0193
        }
        return mark ^ mark >> 15
    }

    private static func twice(
        _ content: YAMLContent, _ first: UInt32, _ second: UInt32, at place: UInt32
    ) -> YAMLError {
        let (first, place) = (content.records[Int(first)], content.records[Int(place)])
        return YAMLError(
            file: content.file, line: Int(place.line), column: Int(place.column),
            reason: "the key \(content.text(second).prefix(80)) is given twice, first at line \(first.line)")
    }
}
