import Testing

@testable import MeshProxy

@Suite("How much of a tunnel one read takes")
struct ReadPaceTests {
    /// Reads as much as it may, of which this share is payload; the sizes that were asked for.
    private func read(_ pace: inout ReadPace, times: Int, payload: Double) -> [Int] {
        (0..<times).map { _ in
            let size = pace.size
            pace.payload += Int(Double(size) * payload)
            _ = pace.note(size)
            return size
        }
    }

    @Test("grows to the most while payload comes")
    func grows() {
        var pace = ReadPace()
        let sizes = read(&pace, times: 10, payload: 0.95)
        #expect(sizes.first == ReadPace.first)
        #expect(sizes.last == ReadPace.most)
    }

    @Test("shrinks to the least while small frames come, and ends the turn")
    func shrinks() {
        var pace = ReadPace()
        _ = read(&pace, times: 10, payload: 0.95)
        _ = read(&pace, times: 1, payload: 0.1)
        #expect(pace.size == ReadPace.least)
        let ends = pace.note(ReadPace.least)
        #expect(ends)
    }

    @Test("does not take the beginning of a record, which shows no payload, for a flood")
    func partialRecords() {
        var pace = ReadPace()
        // Records of 16 KiB and more, read in pieces: the payload comes with the last piece of each.
        var inRecord = 0
        for _ in 0..<64 {
            let size = pace.size
            inRecord += size
            pace.payload += inRecord / 16_406 * 16_384
            inRecord %= 16_406
            _ = pace.note(size)
        }
        #expect(pace.size == ReadPace.most)
    }

    @Test("recovers when payload comes again")
    func recovers() {
        var pace = ReadPace()
        _ = read(&pace, times: 4, payload: 0)
        #expect(pace.size == ReadPace.least)
        _ = read(&pace, times: 20, payload: 0.95)
        #expect(pace.size == ReadPace.most)
    }

    @Test("never ends a turn of short reads")
    func shortReads() {
        var pace = ReadPace()
        for _ in 0..<100 {
            pace.payload += 150
            let ends = pace.note(200)
            #expect(!ends)
        }
    }
}
