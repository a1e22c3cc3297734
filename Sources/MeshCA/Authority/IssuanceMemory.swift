import MeshCore
import Synchronization
package import X509

/// Remembers, before certificates leave, how long those of an authority live. Rotation relies on it.
package final class IssuanceMemory: Sendable {
    private struct State {
        var known: AuthorityState
        var isWriting = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private enum Step { case nothing, wait, write }

    private let store: any AuthorityStore
    private let state: Mutex<State>

    package init(_ store: any AuthorityStore, known: AuthorityState) {
        self.store = store
        state = Mutex(State(known: known))
    }

    /// Writes to the store about once an hour; otherwise it only compares. Many at once write once.
    package func cover(
        notAfter: Int64, signedBy signer: Certificate, now: Int64
    ) async throws(AuthorityError) {
        while true {
            let step = state.withLock { state -> Step in
                if state.known.covering(notAfter: notAfter, now: now) == nil { return .nothing }
                if state.isWriting { return .wait }
                state.isWriting = true
                return .write
            }
            switch step {
            case .nothing: return
            case .wait: await writer()
            case .write:
                defer { done() }
                let next = try await write(notAfter: notAfter, signedBy: signer, now: now)
                state.withLock { $0.known = next }
                return
            }
        }
    }

    /// Returns when whoever writes has finished, well or badly.
    private func writer() async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let isOver = state.withLock { state in
                if state.isWriting { state.waiting.append(done) }
                return !state.isWriting
            }
            if isOver { done.resume() }
        }
    }

    private func done() {
        let waiting = state.withLock { state in
            state.isWriting = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }

    private func write(
        notAfter: Int64, signedBy signer: Certificate, now: Int64
    ) async throws(AuthorityError) -> AuthorityState {
        try await store.change { files throws(AuthorityError) in
            let state = try files.state()
            guard var next = state.covering(notAfter: notAfter, now: now) else { return state }
            // Signed by a signer that another process replaced a moment ago: it has to stay trusted for longer.
            let previous = files[.previousCertificate].flatMap { try? PEM.certificates($0).first }
            if var rotation = next.rotation, rotation.phase == .retiring, previous == signer {
                rotation.until = max(rotation.until, next.horizon + CertificateProfile.backdating)
                next.rotation = rotation
            }
            files[.state] = next.text
            return next
        }
    }
}
