import Glibc

/// The clock of this machine.
package struct SystemWallClock: WallClock {
    package init() {}

    package var now: Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Wakes at least once a minute: the monotonic clock behind `Task.sleep` does not see a changed time of day.
    package func sleep(until deadline: Duration) async throws {
        while true {
            let left = deadline - now
            guard left > .zero else { return }
            try await Task.sleep(for: min(left, .seconds(60)))
        }
    }
}
