import Synchronization

/// What start-up still waits for. Ready when nothing is left.
package final class Readiness: Sendable {
    private let pending: Mutex<Set<String>>

    package init(pending: Set<String>) { self.pending = Mutex(pending) }

    package func complete(_ task: String) { pending.withLock { _ = $0.remove(task) } }

    /// Draining counts as not ready, so that no new traffic is sent here.
    package func add(_ task: String) { pending.withLock { _ = $0.insert(task) } }

    /// What is left, sorted.
    package var waitsFor: [String] { pending.withLock { $0.sorted() } }

    /// The answer of `/healthz/ready`.
    package func answer(_ question: AdminServer.Question) -> AdminServer.Answer {
        guard question.path == "/healthz/ready" else { return .init(status: 404, text: "not found\n") }
        guard question.method == "GET" else { return .init(status: 405, text: "method not allowed\n") }
        let left = waitsFor
        if left.isEmpty { return .init(text: "ready\n") }
        return .init(status: 500, text: "not ready, pending: \(left.joined(separator: ", "))\n")
    }
}
