import MeshTestSupport
import Testing

@testable import MeshState

@Suite("Slot table")
struct SlotTableTests {
    /// What a table should hold, and copies of both from along the way.
    private struct Pair {
        var table = SlotTable<Int>()
        var model: [UInt32: Int] = [:]

        /// One line for each difference.
        var differences: [String] {
            var found: [String] = []
            if table.count != model.count { found.append("\(table.count) records, expected \(model.count)") }
            for (number, value) in model where table[number] != value { found.append("\(number) is not \(value)") }
            let all = model.sorted { $0.key < $1.key }.map(\.value)
            if Array(table.all) != all { found.append("all: \(Array(table.all)), expected \(all)") }
            return found
        }
    }

    @Test("does what a dictionary does, and a copy stays as it was", arguments: 0..<4)
    func model(seed: UInt64) {
        var dice = SplitMix(seed: seed)
        var pair = Pair()
        var copies: [Pair] = []
        var numbers: [UInt32] = []
        // Growing past the bounds of a leaf and of a block, then shrinking, then growing into what became free.
        for (steps, insertions) in [(6000, 80), (5000, 20), (4000, 70)] {
            for step in 0..<steps {
                if step % 499 == 0 { copies.append(pair) }
                let value = Int(dice.next() % 1_000_000)
                let place = Int(dice.next() % UInt64(max(1, numbers.count)))
                if numbers.isEmpty || Int(dice.next() % 100) < insertions {
                    let number = pair.table.insert(value)
                    #expect(pair.model.updateValue(value, forKey: number) == nil, "\(number) was taken")
                    numbers.append(number)
                } else if dice.next() % 2 == 0 {
                    numbers.swapAt(place, numbers.count - 1)
                    let number = numbers.removeLast()
                    pair.table.remove(number)
                    pair.model[number] = nil
                    #expect(pair.table[number] == nil)
                } else {
                    pair.table.replace(numbers[place], value)
                    pair.model[numbers[place]] = value
                }
            }
            #expect(pair.differences.isEmpty)
        }
        for copy in copies { #expect(copy.differences.isEmpty) }
    }

    @Test("a number that became free is given again before new ones are made")
    func reuse() {
        var table = SlotTable<String>()
        let numbers = (0..<3000).map { table.insert("\($0)") }
        #expect(numbers == Array(0..<3000))
        for number in numbers.prefix(2000) { table.remove(number) }
        let again = (0..<2000).map { table.insert("again \($0)") }
        #expect(Set(again) == Set(numbers.prefix(2000)))
        #expect(table.count == 3000)
    }

    @Test("a list of one number and of many", arguments: [[7], [7, 3], [3, 7, 9]] as [[UInt32]])
    func list(numbers: [UInt32]) throws {
        let list = try #require(SlotList(numbers))
        #expect(list.all == numbers && list.first == numbers[0])
        #expect(list.contains(7) && !list.contains(8))
        #expect(SlotList([]) == nil)
    }

    @Test("what indexes hold of a record is 8 bytes")
    func size() { #expect(MemoryLayout<SlotList>.size == 8) }
}
