import Synchronization

/// Begins the end of a proxy, once, whoever asks for it first: a signal or the admin port.
final class DrainSwitch: Sendable {
    private struct State {
        var isOn = false
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    private let state = Mutex(State())
    private let action: @Sendable (_ cause: String) -> Void

    init(_ action: @escaping @Sendable (_ cause: String) -> Void) { self.action = action }

    var isDraining: Bool { state.withLock { $0.isOn } }

    /// Ends when the drain begins. A stream of its own for each reader.
    var untilBegun: AsyncStream<Never> {
        let (stream, begun) = AsyncStream<Never>.makeStream()
        let isOn = state.withLock { state in
            if !state.isOn { state.waiting.append(begun) }
            return state.isOn
        }
        if isOn { begun.finish() }
        return stream
    }

    /// - Returns: false when a drain had begun before.
    @discardableResult
    func begin(_ cause: String) -> Bool {
        let waiting: [AsyncStream<Never>.Continuation]? = state.withLock { state in
            if state.isOn { return nil }
            defer { state.waiting = [] }
            state.isOn = true
            return state.waiting
        }
        guard let waiting else { return false }
        action(cause)
        waiting.forEach { $0.finish() }
        return true
    }
}
