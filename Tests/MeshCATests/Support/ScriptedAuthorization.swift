import MeshCA
import MeshCore
import Synchronization

/// Grants or refuses what a test says, and keeps what it was asked.
final class ScriptedAuthorization: CallerAuthorization {
    struct Question: Sendable {
        let credentials: PresentedCredentials
        let impersonated: String
        let now: Int64
    }

    private let answer: Result<CallerGrant, Refusal>
    private let asked = Mutex<[Question]>([])
    private let reloaded = Mutex(0)

    init(_ answer: Result<CallerGrant, Refusal>) { self.answer = answer }
    convenience init(_ caller: String = "node", _ identities: SPIFFEID...) {
        self.init(.success(CallerGrant(caller: caller, identities: identities)))
    }

    var questions: [Question] { asked.withLock { $0 } }
    var reloads: Int { reloaded.withLock { $0 } }

    func grant(
        _ credentials: PresentedCredentials, impersonated: String, authority: CertificateAuthority, now: Int64
    ) async throws(Refusal) -> CallerGrant {
        asked.withLock { $0.append(Question(credentials: credentials, impersonated: impersonated, now: now)) }
        return try answer.get()
    }

    func reload() { reloaded.withLock { $0 += 1 } }
}
