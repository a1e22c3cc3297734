import NIOCore
import Synchronization

/// The open connections of an `AdminServer`, which are told when the process ends.
///
/// Each ends once it has been answered: one that rests between two requests at once, one that is new with its first
/// request, which may be on its way, or when the time for that is over.
final class AdminCrowd: Sendable {
    /// What a connection is told.
    struct Ending: Sendable {}

    private struct State {
        var open: [ObjectIdentifier: any Channel] = [:]
        var isEnding = false
    }

    private let state = Mutex(State())

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let isEnding = state.withLock { state in
            state.open[id] = channel
            return state.isEnding
        }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.open[id] = nil } }
        if isEnding { Self.tell(channel) }
    }

    func end() {
        let open = state.withLock { state in
            state.isEnding = true
            return Array(state.open.values)
        }
        open.forEach(Self.tell)
    }

    private static func tell(_ channel: any Channel) { channel.pipeline.fireUserInboundEventTriggered(Ending()) }
}
