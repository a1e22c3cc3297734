package import Logging
package import MeshCore
import Synchronization

/// The callers in force, kept up to date with their files.
///
/// Files are looked at when a request comes, not by a timer: a change counts from the next request on. A file that
/// cannot be used leaves the callers as they were and is reported once for each of its versions.
package final class CallerDirectory: Sendable {
    private struct State {
        var callers: Callers
        /// The last reading, good or bad.
        var reading: CallersFile
    }

    private let path: String
    private let trustDomain: TrustDomain
    private let knowsNodes: Bool
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameter knowsNodes: whether something says which pods are on a caller's node; else none may have one.
    /// - Throws: `YAMLProblem`: there are no earlier callers to fall back to.
    package init(
        path: String, trustDomain: TrustDomain, knowsNodes: Bool = false, logger: Logger
    ) throws(YAMLProblem) {
        self.path = path
        self.trustDomain = trustDomain
        self.knowsNodes = knowsNodes
        self.logger = logger
        let first = CallersFile(path: path, trustDomain: trustDomain, knowsNodes: knowsNodes)
        state = Mutex(State(callers: try first.result.get(), reading: first))
    }

    package var current: Callers {
        state.withLock { state in
            if state.reading.isStale { read(&state) }
            return state.callers
        }
    }

    /// Reads the files again even if they look the same.
    package func reload() { state.withLock { read(&$0) } }

    private func read(_ state: inout State) {
        state.reading = CallersFile(path: path, trustDomain: trustDomain, knowsNodes: knowsNodes)
        switch state.reading.result {
        case .success(let callers):
            state.callers = callers
            let metadata: Logger.Metadata = [LogKey.file: "\(path)", LogKey.count: "\(callers.list.count)"]
            logger.info("callers reloaded", metadata: metadata)
        case .failure(let problem):
            let metadata: Logger.Metadata = [LogKey.file: "\(path)", LogKey.reason: "\(problem)"]
            logger.error("callers not reloaded, the earlier ones stay", metadata: metadata)
        }
    }
}
