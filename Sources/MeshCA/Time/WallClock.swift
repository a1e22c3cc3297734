/// The time of day, injected so that tests decide it.
package protocol WallClock: Sendable {
    /// Time since 1970-01-01T00:00:00Z, without leap seconds.
    var now: Duration { get }

    /// Returns once `now` has reached `deadline`, also when the clock is set forward meanwhile.
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(until deadline: Duration) async throws
}

extension WallClock {
    /// Whole seconds since 1970, as certificates count them.
    package var seconds: Int64 { now.components.seconds }
}

extension Duration {
    /// Whole microseconds.
    package var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
