/// Records under numbers that stay theirs until they are removed; a copy shares what is not changed afterwards.
///
/// Indexes name records by number, so that a new version of a record touches none of them. Cost: a lookup is three
/// steps; a change copies what a copy of the table shares of its way, one array for each step, and nothing when there is
/// no copy.
struct SlotTable<Element: Sendable>: Sendable {
    private enum Slot: Sendable {
        case used(Element)
        /// `next`: the number of another free one, or `none`.
        case free(next: UInt32)
    }

    private static var leafBits: UInt32 { 5 }
    private static var blockBits: UInt32 { 6 }
    private static var none: UInt32 { .max }

    private var blocks: [[[Slot]]] = []
    private var firstFree = Self.none
    private(set) var count = 0

    subscript(number: UInt32) -> Element? {
        let (block, leaf, slot) = Self.place(number)
        if case .used(let element) = blocks[block][leaf][slot] { return element }
        return nil
    }

    /// The number of the new record: one that was removed, else the next.
    mutating func insert(_ element: Element) -> UInt32 {
        if firstFree == Self.none { grow() }
        let number = firstFree
        let (block, leaf, slot) = Self.place(number)
        if case .free(let next) = blocks[block][leaf][slot] { firstFree = next }
        blocks[block][leaf][slot] = .used(element)
        count += 1
        return number
    }

    /// - Precondition: there is a record of that number.
    mutating func replace(_ number: UInt32, _ element: Element) {
        let (block, leaf, slot) = Self.place(number)
        blocks[block][leaf][slot] = .used(element)
    }

    /// - Precondition: there is a record of that number.
    mutating func remove(_ number: UInt32) {
        let (block, leaf, slot) = Self.place(number)
        blocks[block][leaf][slot] = .free(next: firstFree)
        firstFree = number
        count -= 1
    }

    /// In the order of their numbers.
    var all: some Sequence<Element> {
        blocks.lazy.joined().joined().compactMap { if case .used(let element) = $0 { element } else { nil } }
    }

    private mutating func grow() {
        let leafSize: UInt32 = 1 << Self.leafBits
        let blockSize = 1 << Int(Self.blockBits)
        if blocks.last.map({ $0.count == blockSize }) ?? true { blocks.append([]) }
        let block = blocks.count - 1
        let start = (UInt32(block) << Self.blockBits | UInt32(blocks[block].count)) << Self.leafBits
        blocks[block].append(
            (1...leafSize).map { .free(next: $0 == leafSize ? Self.none : start + $0) })
        firstFree = start
    }

    private static func place(_ number: UInt32) -> (block: Int, leaf: Int, slot: Int) {
        (
            Int(number >> (leafBits + blockBits)), Int(number >> leafBits & (1 << blockBits - 1)),
            Int(number & (1 << leafBits - 1))
        )
    }
}

/// Numbers of a slot table: nearly always one, which then costs no allocation of its own. Never empty.
enum SlotList: Sendable {
    case one(UInt32)
    case many([UInt32])

    var first: UInt32 {
        switch self {
        case .one(let number): number
        case .many(let list): list[0]
        }
    }

    var all: [UInt32] {
        switch self {
        case .one(let number): [number]
        case .many(let list): list
        }
    }

    func contains(_ number: UInt32) -> Bool {
        switch self {
        case .one(let only): only == number
        case .many(let list): list.contains(number)
        }
    }

    /// `nil` for an empty list.
    init?(_ list: [UInt32]) {
        guard let first = list.first else { return nil }
        self = list.count == 1 ? .one(first) : .many(list)
    }
}
