import Synchronization

/// Keys that changed, in batches. The state behind a key is looked up when its turn comes, so only the newest counts.
package struct ObjectChanges: AsyncSequence, Sendable {
    let queue: ChangeQueue

    package func makeAsyncIterator() -> Iterator { Iterator(queue: queue, bell: queue.bell.makeAsyncIterator()) }

    package struct Iterator: AsyncIteratorProtocol {
        let queue: ChangeQueue
        var bell: AsyncStream<Void>.Iterator

        /// The keys since the last call; may be none, when a list was seen to be empty. `nil` once cancelled.
        package mutating func next() async -> Set<ObjectKey>? {
            guard await bell.next() != nil else { return nil }
            return queue.take()
        }

        package mutating func next(isolation: isolated (any Actor)?) async -> Set<ObjectKey>? {
            guard await bell.next(isolation: isolation) != nil else { return nil }
            return queue.take()
        }
    }
}

/// What one follower has not seen yet, and the bell that says so.
final class ChangeQueue: Sendable {
    private let pending = Mutex<Set<ObjectKey>>([])
    let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    init() { (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func add(_ keys: some Collection<ObjectKey>) {
        pending.withLock { $0.formUnion(keys) }
        ring.yield()
    }

    func take() -> Set<ObjectKey> {
        pending.withLock { pending in
            defer { pending = [] }
            return pending
        }
    }

    /// Called when the follower has gone.
    func onEnd(_ body: @escaping @Sendable () -> Void) { ring.onTermination = { _ in body() } }
}
