package import MeshCore
import Synchronization

/// Which log lines are written, while the process runs.
package final class LogControl: Sendable {
    private let start: LogFilter
    private let current: Mutex<LogFilter>
    private let changed: @Sendable (LogFilter) -> Void

    /// - Parameter changed: told of every change, for those who keep a level of their own.
    package init(_ start: LogFilter, changed: @escaping @Sendable (LogFilter) -> Void = { _ in }) {
        self.start = start
        current = Mutex(start)
        self.changed = changed
    }

    package var filter: LogFilter { current.withLock { $0 } }

    /// - Parameters:
    ///   - levels: `level` or `target=level`, comma separated; what it does not name stays.
    ///   - reset: go back to the levels of the start first.
    /// - Returns: the filter from now on.
    /// - Throws: usage, and nothing changes.
    package func change(_ levels: String?, reset: Bool) throws(MeshFailure) -> LogFilter {
        let outcome = current.withLock { filter -> Result<LogFilter, MeshFailure> in
            var next = reset ? start : filter
            do throws(MeshFailure) {
                if let levels { try next.add(parsing: levels) }
            } catch {
                return .failure(error)
            }
            filter = next
            // Under the lock: of two changes the later one must be the last that is told.
            changed(next)
            return .success(next)
        }
        return try outcome.get()
    }
}
