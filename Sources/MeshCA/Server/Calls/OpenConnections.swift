import NIOCore
import Synchronization

/// Connections that are open, how many there may be, and how they end together.
final class OpenConnections: Sendable {
    /// Tells a connection to finish what it has.
    struct Drain: Sendable {}

    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isDraining = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { state.withLock { $0.channels.count } }

    /// Whether there is room for one more, which is counted until its channel closes.
    func admits(_ channel: any Channel) -> Bool {
        let key = ObjectIdentifier(channel)
        let admitted = state.withLock { state in
            guard !state.isDraining, state.channels.count < limit else { return false }
            state.channels[key] = channel
            return true
        }
        if admitted { channel.closeFuture.whenComplete { _ in self.remove(key) } }
        return admitted
    }

    private func remove(_ key: ObjectIdentifier) {
        let done = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.channels[key] = nil
            guard state.channels.isEmpty else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in done { one.resume() }
    }

    /// Admits no more, and asks those that are open to finish.
    func drain() {
        let open = state.withLock { state in
            state.isDraining = true
            return Array(state.channels.values)
        }
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(Drain()) }
    }

    /// Returns when none is open any more.
    func allClosed() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if !state.channels.isEmpty { state.waiting.append(continuation) }
                return state.channels.isEmpty
            }
            if isDone { continuation.resume() }
        }
    }

    /// Closes what is left, and waits no longer for it.
    func cut() {
        let (open, waiting) = state.withLock { state in
            defer { state.waiting = [] }
            return (Array(state.channels.values), state.waiting)
        }
        for channel in open { channel.close(promise: nil) }
        for one in waiting { one.resume() }
    }
}
