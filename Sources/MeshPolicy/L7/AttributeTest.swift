import MeshCore

/// One field of a rule, ready to be compared with a request.
enum AttributeTest: Sendable {
    case principals(Criterion<TextPattern>)
    case namespaces(Criterion<WildcardPattern>)
    case serviceAccounts(Criterion<ServiceAccountPattern>)
    case trustDomains(Criterion<WildcardPattern>)
    case sourceIP(Criterion<CIDR>)
    case remoteIP(Criterion<CIDR>)
    case destinationIP(Criterion<CIDR>)
    case destinationPort(Criterion<UInt16>)
    case serverName(Criterion<TextPattern>)
    // HTTP only.
    case hosts(Criterion<TextPattern>)
    case methods(Criterion<TextPattern>)
    case paths(Criterion<PathPattern>)
    case requestPrincipals(Criterion<RequestPrincipalPattern>)
    case header(name: [UInt8], Criterion<TextPattern>)
    case claim(path: [String], Criterion<TextPattern>)
}

/// A service account, in whatever trust domain.
struct ServiceAccountPattern: Hashable, Sendable {
    let namespace: String
    let name: String

    func matches(_ peer: PeerIdentity) -> Bool { name == peer.id.serviceAccount && namespace == peer.id.namespace }
}

/// Which half of a criterion does not hold.
enum CriterionMiss: Sendable {
    /// None of the values matches.
    case noValue
    /// One of the values that may not match does.
    case notValue
}

extension Criterion {
    @inline(__always)
    func miss(_ matches: (Value) -> Bool) -> CriterionMiss? {
        if !values.isEmpty, !values.contains(where: matches) { return .noValue }
        return notValues.contains(where: matches) ? .notValue : nil
    }
}

extension AttributeTest {
    /// What does not hold; `nil` when the field does.
    ///
    /// What is absent (identity, header, claim) matches no value, so it fails `values` and passes `notValues`.
    func miss(_ facts: RequestFacts) -> CriterionMiss? {
        switch self {
        case .principals(let wanted):
            guard let peer = facts.peer else { return wanted.miss { _ in false } }
            return wanted.miss { $0.matches(peer.principal.utf8Span.span) }
        case .namespaces(let wanted):
            guard let peer = facts.peer else { return wanted.miss { _ in false } }
            return wanted.miss { $0.matches(peer.id.namespace.utf8Span.span) }
        case .serviceAccounts(let wanted):
            guard let peer = facts.peer else { return wanted.miss { _ in false } }
            return wanted.miss { $0.matches(peer) }
        case .trustDomains(let wanted):
            guard let peer = facts.peer else { return wanted.miss { _ in false } }
            return wanted.miss { $0.matches(peer.id.trustDomain.name.utf8Span.span) }
        case .sourceIP(let wanted): return wanted.miss { $0.contains(facts.source) }
        case .remoteIP(let wanted): return wanted.miss { $0.contains(facts.remote) }
        case .destinationIP(let wanted): return wanted.miss { $0.contains(facts.destination.ip) }
        case .destinationPort(let wanted): return wanted.miss { $0 == facts.destination.port }
        case .serverName(let wanted): return wanted.miss { $0.matches(facts.serverName.span) }
        case .hosts(let wanted): return wanted.miss { $0.matchesFolded(facts.host.span) }
        case .methods(let wanted): return wanted.miss { $0.matches(facts.method.span) }
        case .paths(let wanted):
            let path = facts.path
            return wanted.miss { $0.matches(path.span) }
        case .requestPrincipals(let wanted): return wanted.miss { $0.matches(facts.claims) }
        case .header(let name, let wanted): return Self.header(name, wanted, facts)
        case .claim(let path, let wanted):
            guard let claim = facts.claims?[path: path] else { return wanted.miss { _ in false } }
            return wanted.miss { Self.claim(claim, $0) }
        }
    }

    private static func header(
        _ name: [UInt8], _ wanted: Criterion<TextPattern>, _ facts: RequestFacts
    ) -> CriterionMiss? {
        if let text = pseudoHeader(name, facts) { return wanted.miss { $0.matches(text.span) } }
        let header = JoinedHeader(facts.headers, name[...])
        switch header.occurrences {
        case 0: return wanted.miss { _ in false }
        case 1:
            let value = facts.headers[header.first].value
            return wanted.miss { $0.matches(value.span) }
        default: return wanted.miss { header.matches($0) }
        }
    }

    /// The parts of a request that HTTP/2 carries as fields; `nil` for another name.
    static func pseudoHeader(_ name: [UInt8], _ facts: RequestFacts) -> RequestText? {
        guard name.first == UInt8(ascii: ":") || name.count == 4 else { return nil }
        if name.elementsEqual(":method".utf8) { return facts.method }
        if name.elementsEqual(":path".utf8) { return facts.target }
        if name.elementsEqual(":authority".utf8) || name.elementsEqual("host".utf8) { return facts.host }
        return nil
    }

    /// A text, or a list with such a text; nothing else matches.
    private static func claim(_ value: ClaimValue, _ pattern: TextPattern) -> Bool {
        switch value {
        case .string(let text): return pattern.matches(text.utf8Span.span)
        case .list(let values):
            for value in values {
                if case .string(let text) = value, pattern.matches(text.utf8Span.span) { return true }
            }
            return false
        case .object, .number, .bool, .null: return false
        }
    }
}
