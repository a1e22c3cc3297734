import Synchronization

/// The authority in force. Read once for each request; replaced as a whole.
package final class AuthoritySlot: Sendable {
    private struct State {
        var authority: CertificateAuthority
        var version: UInt64 = 0
    }

    private let state: Mutex<State>

    package init(_ authority: CertificateAuthority) { state = Mutex(State(authority: authority)) }

    package var current: CertificateAuthority { state.withLock { $0.authority } }

    /// The authority with a number that changes whenever it does.
    var versioned: (authority: CertificateAuthority, version: UInt64) {
        state.withLock { ($0.authority, $0.version) }
    }

    package func publish(_ authority: CertificateAuthority) {
        state.withLock { state in
            state.authority = authority
            state.version += 1
        }
    }
}
