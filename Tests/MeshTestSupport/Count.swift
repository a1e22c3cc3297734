import Synchronization

/// Counts, for what answers each time otherwise.
package final class Count: Sendable {
    private let value = Mutex(0)
    package init() {}

    package var now: Int { value.withLock { $0 } }

    /// How often it was called, this time included.
    @discardableResult
    package func up() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
