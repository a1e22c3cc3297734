import Testing

@testable import MeshProxy

@Suite("The meter of bulk")
struct BulkMeterTests {
    private static let start: UInt64 = 5_000_000_000

    @Test("counts large frames until a quarter of a second has passed", arguments: [0, 1, 124, 125, 249] as [UInt64])
    func recent(milliseconds: UInt64) {
        var meter = BulkMeter()
        for _ in 0..<64 { meter.note(16 << 10, now: Self.start) }
        #expect(meter.isBulk(now: Self.start + milliseconds * 1_000_000))
    }

    @Test("forgets them after that", arguments: [250, 1000, 1_000_000] as [UInt64])
    func forgotten(milliseconds: UInt64) {
        var meter = BulkMeter()
        for _ in 0..<64 { meter.note(16 << 10, now: Self.start) }
        let now = Self.start + milliseconds * 1_000_000
        #expect(meter.bytes(now: now) == 0)
        meter.note(16 << 10, now: now)
        #expect(meter.bytes(now: now) == 16 << 10)
    }

    @Test("adds up both halves of the quarter")
    func halves() {
        var meter = BulkMeter()
        meter.note(600 << 10, now: Self.start)
        meter.note(500 << 10, now: Self.start + BulkMeter.slot)
        #expect(meter.isBulk(now: Self.start + BulkMeter.slot))
        #expect(!meter.isBulk(now: Self.start + 2 * BulkMeter.slot))
    }

    @Test("does not take many small frames for bulk")
    func small() {
        var meter = BulkMeter()
        for _ in 0..<10_000 { meter.note(BulkMeter.largeFrame - 1, now: Self.start) }
        #expect(meter.bytes(now: Self.start) == 0)
    }
}
