import Testing

@testable import MeshProxy

@Suite("Timers of a reactor")
struct TimerWheelTests {
    private static let second: UInt64 = 1_000_000_000

    private static func expire(_ wheel: inout TimerWheel, _ now: UInt64) -> [UInt64] {
        var due: [TimerWheel.Entry] = []
        wheel.expire(now: now, into: &due) { _ in true }
        return due.map(\.token).sorted()
    }

    @Test(
        "ring once, not early, and no later than two ticks",
        arguments: [0, 1, 63, 64, 65, 1000, 10_000, 16_384, 300_000])
    func dueTime(milliseconds: UInt64) {
        let start: UInt64 = 5 * Self.second
        var wheel = TimerWheel(now: start)
        wheel.set(.connect, 1, after: milliseconds * 1_000_000, now: start)
        var rung: UInt64?
        var now = start
        while rung == nil, now < start + 400 * Self.second {
            now += 8_000_000
            if Self.expire(&wheel, now) == [1] { rung = now }
        }
        let late = (rung ?? 0) - start
        #expect(late >= milliseconds * 1_000_000)
        #expect(late <= milliseconds * 1_000_000 + 3 * TimerWheel.tickNanoseconds)
        #expect(wheel.count == 0)
        #expect(Self.expire(&wheel, now + 400 * Self.second).isEmpty)
    }

    @Test("ring all that is due after a long pause, each once")
    func longPause() {
        var wheel = TimerWheel(now: 0)
        for token in 1...1000 { wheel.set(.idle, UInt64(token), after: UInt64(token) * 100_000_000, now: 0) }
        #expect(Self.expire(&wheel, 50 * Self.second + 2 * TimerWheel.tickNanoseconds).count >= 499)
        #expect(Self.expire(&wheel, 1000 * Self.second).count <= 501)
        #expect(wheel.count == 0)
    }

    @Test("of what is gone by the next tick are forgotten at once, others ring")
    func shortLives() {
        var wheel = TimerWheel(now: 0)
        for token in 1...100 { wheel.set(.connect, UInt64(token), after: 10 * Self.second, now: 0) }
        var due: [TimerWheel.Entry] = []
        var asked = 0
        wheel.expire(now: TimerWheel.tickNanoseconds, into: &due) { token in
            asked += 1
            return token == 7
        }
        #expect(asked == 100)
        #expect(due.isEmpty)
        #expect(wheel.count == 1)
        #expect(Self.expire(&wheel, 11 * Self.second) == [7])
        // Due and gone at once.
        wheel.set(.connect, 1, after: 0, now: 11 * Self.second)
        wheel.expire(now: 12 * Self.second, into: &due) { _ in false }
        #expect(due.isEmpty)
        #expect(wheel.wait(now: 12 * Self.second) == -1)
    }

    @Test("say how long to sleep: for ever when there are none, else not past the next")
    func wait() {
        var wheel = TimerWheel(now: 0)
        #expect(wheel.wait(now: 0) == -1)
        wheel.set(.ping, 1, after: 10 * Self.second, now: 0)
        #expect((9_000...10_200).contains(wheel.wait(now: 0)))
        // The same once it is in the wheel, which it enters after the next tick.
        #expect(Self.expire(&wheel, TimerWheel.tickNanoseconds).isEmpty)
        #expect((9_000...10_200).contains(wheel.wait(now: 0)))
        #expect(wheel.wait(now: 20 * Self.second) == 0)
    }
}
