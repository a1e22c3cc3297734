/// What a timer is for. Each object reads the ones that concern it.
enum Alarm: UInt8 { case connect, handshake, ping, idle, drain, settle, tidy, relief, cool }

/// Timers of one reactor, 64 ms apart. Confined to the reactor's thread.
///
/// Setting one appends to an array; nothing is ever cancelled: an alarm that no longer matters finds its object gone
/// (the token's generation) or looks at its state and does nothing. That suits a proxy, where almost every timeout is
/// set and almost none happens. Alarms enter the wheel after the next tick, and those whose object is gone by then never do:
/// ten thousand short connections a second, each with ten seconds to connect, would else lie there by the hundred thousand.
struct TimerWheel {
    struct Entry {
        var token: UInt64
        var due: UInt64
        var alarm: Alarm
    }

    static let tickNanoseconds: UInt64 = 64_000_000
    private static let slotCount = 256

    /// Entries whose memory a slot keeps.
    private static let kept = 64

    private var slots: [[Entry]] = Array(repeating: [], count: slotCount)
    /// What was set since the last tick.
    private var young: [Entry] = []
    /// The first tick at which something may be due.
    private var soonest = UInt64.max
    private var tick: UInt64
    private(set) var count = 0

    init(now: UInt64) { tick = now / Self.tickNanoseconds }

    /// Rings `alarm` for `token` no earlier than `nanoseconds` from `now`, at most two ticks late.
    mutating func set(_ alarm: Alarm, _ token: UInt64, after nanoseconds: UInt64, now: UInt64) {
        let due = (now + nanoseconds) / Self.tickNanoseconds + 1
        young.append(Entry(token: token, due: due, alarm: alarm))
        if due < soonest { soonest = due }
        count += 1
    }

    /// Milliseconds until the next tick at which something may be due; -1 when there is none.
    func wait(now: UInt64) -> Int32 {
        if count == 0 { return -1 }
        let at = soonest * Self.tickNanoseconds
        return at <= now ? 0 : Int32((at - now) / 1_000_000 + 1)
    }

    /// Moves what is due at `now` to `due`. Ringing is left to the caller, since it may set timers again.
    ///
    /// - Parameter isAlive: whether somebody still has that token. Asked once, at the first tick after an alarm was set.
    mutating func expire(now: UInt64, into due: inout [Entry], isAlive: (_ token: UInt64) -> Bool) {
        let target = now / Self.tickNanoseconds
        guard target > tick else { return }
        // After a long pause each slot needs to be looked at once, not once per lap.
        let laps = UInt64(Self.slotCount)
        let first = target - tick > laps ? target - laps + 1 : tick + 1
        tick = target
        soonest = .max
        if count == 0 { return }
        for at in first...target {
            let slot = Int(at % laps)
            guard !slots[slot].isEmpty else { continue }
            let before = due.count
            for entry in slots[slot] where entry.due <= target { due.append(entry) }
            count -= due.count - before
            if due.count - before == slots[slot].count {
                slots[slot].removeAll(keepingCapacity: slots[slot].capacity <= Self.kept)
            } else {
                slots[slot].removeAll { $0.due <= target }
            }
        }
        for entry in young {
            if !isAlive(entry.token) {
                count -= 1
            } else if entry.due <= target {
                due.append(entry)
                count -= 1
            } else {
                slots[Int(entry.due % laps)].append(entry)
            }
        }
        young.removeAll(keepingCapacity: young.capacity <= 4096)
        for ahead in 1...laps where !slots[Int((tick + ahead) % laps)].isEmpty {
            soonest = tick + ahead
            break
        }
    }
}
