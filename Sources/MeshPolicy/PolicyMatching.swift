package import MeshCore

extension AuthorizationPolicy.Rule {
    /// All clauses hold; none at all holds too.
    func matches(_ facts: PolicyFacts) -> Bool {
        for clause in clauses where !clause.matches(facts) { return false }
        return true
    }
}

extension AuthorizationPolicy.Clause {
    /// Any match holds; a clause without matches holds too.
    func matches(_ facts: PolicyFacts) -> Bool {
        if matches.isEmpty { return true }
        for match in matches where match.firstMiss(facts) == nil { return true }
        return false
    }
}

/// A field of a match that a connection does not satisfy.
package enum PolicyField: String, Sendable, CaseIterable {
    case namespaces, notNamespaces, principals, notPrincipals, serviceAccounts, notServiceAccounts
    case sourceIPs, notSourceIPs, destinationIPs, notDestinationIPs, destinationPorts, notDestinationPorts
    /// The match has no field at all, and so never holds.
    case empty
}

extension AuthorizationPolicy.Match {
    /// The first field that does not hold; `nil` when the match does.
    func firstMiss(_ facts: PolicyFacts) -> PolicyField? {
        if isEmpty { return .empty }
        let port = facts.destinationPort
        if !destinationPorts.isEmpty, !destinationPorts.contains(port) { return .destinationPorts }
        if notDestinationPorts.contains(port) { return .notDestinationPorts }
        if !namespaces.isEmpty || !notNamespaces.isEmpty {
            let namespace = facts.peer?.id.namespace ?? ""
            if !namespaces.isEmpty, !namespaces.contains(where: { $0.matches(namespace) }) { return .namespaces }
            if notNamespaces.contains(where: { $0.matches(namespace) }) { return .notNamespaces }
        }
        if let peer = facts.peer {
            let principal = peer.principal
            if !principals.isEmpty, !principals.contains(where: { $0.matches(principal) }) { return .principals }
            if notPrincipals.contains(where: { $0.matches(principal) }) { return .notPrincipals }
            if !serviceAccounts.isEmpty, !serviceAccounts.contains(where: { $0.matches(peer.id) }) {
                return .serviceAccounts
            }
            if notServiceAccounts.contains(where: { $0.matches(peer.id) }) { return .notServiceAccounts }
        } else {
            // Without an identity no text of one is hit, not even by presence.
            if !principals.isEmpty { return .principals }
            if !serviceAccounts.isEmpty { return .serviceAccounts }
        }
        let (source, destination) = (facts.source, facts.destination)
        if !sourceIPs.isEmpty, !sourceIPs.contains(where: { $0.contains(source) }) { return .sourceIPs }
        if notSourceIPs.contains(where: { $0.contains(source) }) { return .notSourceIPs }
        if !destinationIPs.isEmpty, !destinationIPs.contains(where: { $0.contains(destination) }) {
            return .destinationIPs
        }
        if notDestinationIPs.contains(where: { $0.contains(destination) }) { return .notDestinationIPs }
        return nil
    }

    /// Without any field, which makes a match that never holds.
    var isEmpty: Bool {
        namespaces.isEmpty && notNamespaces.isEmpty && principals.isEmpty && notPrincipals.isEmpty
            && serviceAccounts.isEmpty && notServiceAccounts.isEmpty && sourceIPs.isEmpty && notSourceIPs.isEmpty
            && destinationIPs.isEmpty && notDestinationIPs.isEmpty && destinationPorts.isEmpty
            && notDestinationPorts.isEmpty
    }
}

extension AuthorizationPolicy.StringMatch {
    /// Compares bytes; case matters.
    func matches(_ text: String) -> Bool {
        switch self {
        case .exact(let wanted): text.utf8.elementsEqual(wanted.utf8)
        case .prefix(let start): text.utf8.starts(with: start.utf8)
        case .suffix(let end): text.utf8.suffix(end.utf8.count).elementsEqual(end.utf8)
        case .presence: !text.isEmpty
        }
    }

    /// As in a manifest: `*`, `a*`, `*a`, `a`.
    package var written: String {
        switch self {
        case .exact(let text): text
        case .prefix(let text): text + "*"
        case .suffix(let text): "*" + text
        case .presence: "*"
        }
    }
}

extension AuthorizationPolicy.ServiceAccountMatch {
    /// The trust domain does not count.
    func matches(_ id: SPIFFEID) -> Bool { namespace == id.namespace && serviceAccount == id.serviceAccount }

    package var written: String { "\(namespace)/\(serviceAccount)" }
}
