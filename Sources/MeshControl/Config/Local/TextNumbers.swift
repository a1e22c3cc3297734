/// Text → value, looked up by the bytes of a file without making a `String` first.
///
/// Texts are equal when their bytes are. Cost: one hash and mostly one comparison; entries are never removed.
struct TextNumbers<Value> {
    private var entries: [(text: String, value: Value)] = []
    private var hashes: [Int] = []
    /// Numbers of entries by open addressing; -1 is a free slot. At most half of them are taken.
    private var slots: [Int32] = Array(repeating: -1, count: 16)

    /// The number of the entry with that text, which is made when there is none.
    mutating func number(
        of bytes: Span<UInt8>, _ make: () -> (text: String, value: Value)
    ) -> (number: Int, isNew: Bool) {
        let hash = Self.hash(bytes)
        var slot = hash & (slots.count - 1)
        while slots[slot] >= 0 {
            let number = Int(slots[slot])
            if hashes[number] == hash, Self.isEqual(entries[number].text.utf8Span.span, bytes) {
                return (number, false)
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        let number = entries.count
        entries.append(make())
        hashes.append(hash)
        if 2 * entries.count > slots.count { grow() } else { slots[slot] = Int32(number) }
        return (number, true)
    }

    func text(_ number: Int) -> String { entries[number].text }

    subscript(number: Int) -> Value {
        get { entries[number].value }
        set { entries[number].value = newValue }
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: 2 * slots.count)
        for (number, hash) in hashes.enumerated() {
            var slot = hash & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(number)
        }
    }

    /// With the seed of the process, so that no file can be written whose texts all collide.
    private static func hash(_ bytes: Span<UInt8>) -> Int {
        var hasher = Hasher()
        // The hasher reads the bytes during the call.
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }

    private static func isEqual(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        for index in a.indices where a[index] != b[index] { return false }
        return true
    }
}
