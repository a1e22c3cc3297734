import Synchronization

/// The objects of a scope as a reflector last saw them: always a state that the server had, never half of a list.
///
/// Any thread may read. Readers that follow changes get the keys of what changed, each once however often it changed
/// since they looked: their queue is never longer than there are objects.
package final class ObjectCache<Object: KubernetesObject>: Sendable {
    private struct State {
        var objects: [ObjectKey: Object] = [:]
        var index: [String: Set<ObjectKey>] = [:]
        var isSynced = false
        var followers: [UInt64: ChangeQueue] = [:]
        var nextFollower: UInt64 = 0
    }

    private let state = Mutex(State())
    private let indexKeys: @Sendable (Object) -> [String]

    /// - Parameter index: under what an object can be found besides its key.
    package init(index: @escaping @Sendable (Object) -> [String] = { _ in [] }) { indexKeys = index }

    // MARK: Reading

    package subscript(_ key: ObjectKey) -> Object? { state.withLock { $0.objects[key] } }
    package var keys: [ObjectKey] { state.withLock { Array($0.objects.keys) } }

    package func objects(under name: String) -> [Object] {
        state.withLock { state in state.index[name, default: []].compactMap { state.objects[$0] } }
    }

    /// Whether a whole list has been seen.
    package var isSynced: Bool { state.withLock { $0.isSynced } }

    /// - Throws: `CancellationError` when the task is cancelled first.
    package func synced() async throws {
        for await _ in changes() where isSynced { return }
        throw CancellationError()
    }

    /// What changes from now on, beginning with everything that is there. One task may read it.
    package func changes() -> ObjectChanges {
        let (queue, id) = state.withLock { state in
            let queue = ChangeQueue()
            if state.isSynced { queue.add(state.objects.keys) }
            state.nextFollower += 1
            state.followers[state.nextFollower] = queue
            return (queue, state.nextFollower)
        }
        queue.onEnd { [weak self] in self?.state.withLock { $0.followers[id] = nil } }
        return ObjectChanges(queue: queue)
    }

    // MARK: Writing, by one reflector

    package func replace(_ objects: [Object]) {
        state.withLock { state in
            var next: [ObjectKey: Object] = [:]
            next.reserveCapacity(objects.count)
            var index: [String: Set<ObjectKey>] = [:]
            var changed = Set(state.objects.keys)
            for object in objects {
                let key = object.metadata.key
                for name in indexKeys(object) { index[name, default: []].insert(key) }
                if let version = object.metadata.resourceVersion,
                    state.objects[key]?.metadata.resourceVersion == version
                {
                    changed.remove(key)
                } else {
                    changed.insert(key)
                }
                next[key] = object
            }
            state.objects = next
            state.index = index
            state.isSynced = true
            for queue in state.followers.values { queue.add(changed) }
        }
    }

    package func apply(_ object: Object) {
        state.withLock { state in
            let key = object.metadata.key
            if let old = state.objects.updateValue(object, forKey: key) { unfile(old, key, &state) }
            for name in indexKeys(object) { state.index[name, default: []].insert(key) }
            for queue in state.followers.values { queue.add(CollectionOfOne(key)) }
        }
    }

    package func remove(_ key: ObjectKey) {
        state.withLock { state in
            guard let old = state.objects.removeValue(forKey: key) else { return }
            unfile(old, key, &state)
            for queue in state.followers.values { queue.add(CollectionOfOne(key)) }
        }
    }

    private func unfile(_ object: Object, _ key: ObjectKey, _ state: inout State) {
        for name in indexKeys(object) {
            state.index[name]?.remove(key)
            if state.index[name]?.isEmpty == true { state.index[name] = nil }
        }
    }
}
