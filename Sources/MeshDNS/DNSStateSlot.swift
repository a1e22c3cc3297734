package import MeshCore
package import MeshState
import Synchronization

/// Whom the DNS proxy answers, and from which records: published by the control plane, read once per question.
package final class DNSStateSlot: Sendable {
    package struct State: Sendable {
        package var snapshot: MeshSnapshot
        /// The workload that asks; `nil` while it is not known.
        package var client: Workload?

        package init(snapshot: MeshSnapshot, client: Workload?) {
            self.snapshot = snapshot
            self.client = client
        }
    }

    private let current: Mutex<State>

    package init(_ first: State = State(snapshot: .empty, client: nil)) { current = Mutex(first) }

    package func load() -> State { current.withLock { $0 } }
    package func publish(_ next: State) { current.withLock { $0 = next } }
}
