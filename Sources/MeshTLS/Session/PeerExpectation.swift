package import MeshCore

/// Whom a session accepts as its peer, beyond a chain that leads to our roots.
package enum PeerExpectation: Sendable, Equatable {
    /// Any identity of this trust domain. What a server asks, with its own.
    case trustDomain(TrustDomain)
    /// One of these. What a client asks; nobody satisfies an empty list.
    case oneOf([SPIFFEID])

    /// The peer's identity: the first of its SPIFFE IDs, or the one that was expected by name.
    func judge(uris: [String]) -> Result<SPIFFEID, HandshakeFailure> {
        let found = uris.compactMap { try? SPIFFEID(parsing: $0) }
        guard let first = found.first else { return .failure(.notASPIFFEID(uris)) }
        switch self {
        case .trustDomain(let expected):
            let isOurs = found.contains { $0.trustDomain == expected }
            return isOurs ? .success(first) : .failure(.wrongTrustDomain(found: first, expected: expected))
        case .oneOf(let expected):
            let match = found.first { expected.contains($0) }
            return match.map { .success($0) } ?? .failure(.unexpectedIdentity(found: first, expected: expected))
        }
    }
}
