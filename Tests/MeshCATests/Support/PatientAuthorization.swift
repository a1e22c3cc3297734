import MeshCA
import MeshCore
import Synchronization

/// Grants when it is told to, and keeps how many ask and how many have given up.
final class PatientAuthorization: CallerAuthorization {
    private struct State {
        var isOpen = false
        var asking = 0
        var gaveUp = 0
    }

    private let state = Mutex(State())
    private let identity: SPIFFEID

    init(_ identity: SPIFFEID) { self.identity = identity }

    var asking: Int { state.withLock { $0.asking } }
    var gaveUp: Int { state.withLock { $0.gaveUp } }
    func open() { state.withLock { $0.isOpen = true } }

    func grant(
        _ credentials: PresentedCredentials, impersonated: String, authority: CertificateAuthority, now: Int64
    ) async throws(Refusal) -> CallerGrant {
        state.withLock { $0.asking += 1 }
        while !state.withLock({ $0.isOpen }) {
            do {
                try await Task.sleep(for: .milliseconds(5))
            } catch {
                state.withLock { $0.gaveUp += 1 }
                throw .unavailable(reason: "nobody waits any more")
            }
        }
        return CallerGrant(caller: "patient", identities: [identity])
    }

    func reload() {}
}
