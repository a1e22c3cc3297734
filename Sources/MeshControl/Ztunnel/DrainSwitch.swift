import Synchronization

/// Begins the end of a proxy, once, whoever asks for it first: a signal or the admin port.
final class DrainSwitch: Sendable {
    private let isOn = Mutex(false)
    private let action: @Sendable (_ cause: String) -> Void
    /// Ends when the drain begins. For one reader.
    let untilBegun: AsyncStream<Never>
    private let begun: AsyncStream<Never>.Continuation

    init(_ action: @escaping @Sendable (_ cause: String) -> Void) {
        self.action = action
        (untilBegun, begun) = AsyncStream<Never>.makeStream()
    }

    var isDraining: Bool { isOn.withLock { $0 } }

    /// - Returns: false when a drain had begun before.
    @discardableResult
    func begin(_ cause: String) -> Bool {
        let isFirst = isOn.withLock { isOn in
            defer { isOn = true }
            return !isOn
        }
        if isFirst {
            action(cause)
            begun.finish()
        }
        return isFirst
    }
}
