import MeshCA
import Synchronization

/// A clock that moves when the test says so. A sleeper wakes when the time it waits for has been set.
final class ManualClock: WallClock {
    private struct Sleeper {
        let deadline: Duration
        let wake: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Duration
        var sleepers: [UInt64: Sleeper] = [:]
        var next: UInt64 = 0
    }

    private let state: Mutex<State>
    /// The deadline of every sleep, as it begins.
    let sleeps: AsyncStream<Duration>
    private let began: AsyncStream<Duration>.Continuation

    /// 2026-01-01T00:00:00Z.
    static let start: Int64 = 1_767_225_600

    init(_ now: Duration = .seconds(start)) {
        state = Mutex(State(now: now))
        (sleeps, began) = AsyncStream.makeStream()
    }

    var now: Duration { state.withLock { $0.now } }

    func set(_ now: Duration) {
        let due = state.withLock { state in
            state.now = now
            let due = state.sleepers.filter { $0.value.deadline <= now }
            for key in due.keys { state.sleepers[key] = nil }
            return due.values
        }
        for sleeper in due { sleeper.wake.resume() }
    }

    func advance(_ step: Duration) { set(now + step) }

    func sleep(until deadline: Duration) async throws {
        let key = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wake in
                let isDue = state.withLock { state in
                    if Task.isCancelled || deadline <= state.now { return true }
                    state.sleepers[key] = Sleeper(deadline: deadline, wake: wake)
                    return false
                }
                began.yield(deadline)
                if isDue { wake.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: key) }
            sleeper?.wake.resume(throwing: CancellationError())
        }
        try Task.checkCancellation()
    }
}
