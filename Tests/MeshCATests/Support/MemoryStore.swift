import MeshCA
import Synchronization

/// A store in memory that counts versions, and that a test can get in the way of.
final class MemoryStore: AuthorityStore {
    private struct State {
        var texts: [AuthorityFiles.Name: String] = [:]
        var version = 0
        var writes = 0
        /// Changes by somebody else, each made right before a write of ours.
        var interruptions: [@Sendable (inout [AuthorityFiles.Name: String]) -> Void] = []
        var failure: AuthorityError?
    }

    let place = "memory"
    private let state = Mutex(State())

    init(_ texts: [AuthorityFiles.Name: String] = [:]) { state.withLock { $0.texts = texts } }

    /// One with a root of its own.
    static func made(
        _ trustDomain: String = "cluster.local", rootLifetime: Int64 = 365 * day, now: Int64 = ManualClock.start
    ) throws -> MemoryStore {
        MemoryStore(
            try AuthorityFiles.made(trustDomain: domain(trustDomain), rootLifetime: rootLifetime, now: now))
    }

    var texts: [AuthorityFiles.Name: String] { state.withLock { $0.texts } }
    var writes: Int { state.withLock { $0.writes } }

    func set(_ name: AuthorityFiles.Name, _ text: String?) {
        state.withLock { state in
            state.texts[name] = text
            state.version += 1
        }
    }
    func interrupt(_ body: @escaping @Sendable (inout [AuthorityFiles.Name: String]) -> Void) {
        state.withLock { $0.interruptions.append(body) }
    }
    func fail(_ error: AuthorityError?) { state.withLock { $0.failure = error } }

    func load() async throws(AuthorityError) -> AuthorityFiles {
        let now = state.withLock { $0 }
        if let failure = now.failure { throw failure }
        guard !now.texts.isEmpty else { throw .notFound(directory: "memory") }
        return AuthorityFiles(place: "memory", version: "\(now.version)", texts: now.texts)
    }

    func create(_ texts: [AuthorityFiles.Name: String]) async throws(AuthorityError) {
        let isThere = state.withLock { state in
            defer { if state.texts.isEmpty { state.texts = texts } }
            return !state.texts.isEmpty
        }
        if isThere { throw .exists(path: "memory") }
    }

    func replace(
        _ old: AuthorityFiles, by texts: [AuthorityFiles.Name: String]
    ) async throws(AuthorityError) -> Bool {
        let (isDone, failure) = state.withLock { state -> (Bool, AuthorityError?) in
            if let failure = state.failure { return (false, failure) }
            if !state.interruptions.isEmpty {
                state.interruptions.removeFirst()(&state.texts)
                state.version += 1
            }
            guard "\(state.version)" == old.version else { return (false, nil) }
            state.texts = texts
            state.version += 1
            state.writes += 1
            return (true, nil)
        }
        if let failure { throw failure }
        return isDone
    }

    func hasChanged(since files: AuthorityFiles) -> Bool { "\(state.withLock { $0.version })" != files.version }
}
