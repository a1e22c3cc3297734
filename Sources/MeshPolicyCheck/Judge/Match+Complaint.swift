import MeshCore
import MeshPolicy

extension AuthorizationPolicy.Match {
    /// What a field asks for and what the connection has.
    func complaint(_ field: PolicyField, _ facts: PolicyFacts) -> String {
        let (wanted, isNegative) = wanted(field)
        if field == .empty { return "layer 4 knows none of its attributes, so it never matches" }
        let list = wanted.prefix(8).joined(separator: ", ") + (wanted.count > 8 ? ", …" : "")
        return "\(field.rawValue) is \(seen(field, facts)), wanted \(isNegative ? "none" : "one") of \(list)"
    }

    private func wanted(_ field: PolicyField) -> ([String], isNegative: Bool) {
        switch field {
        case .namespaces: (namespaces.map(\.written), false)
        case .notNamespaces: (notNamespaces.map(\.written), true)
        case .principals: (principals.map(\.written), false)
        case .notPrincipals: (notPrincipals.map(\.written), true)
        case .serviceAccounts: (serviceAccounts.map(\.written), false)
        case .notServiceAccounts: (notServiceAccounts.map(\.written), true)
        case .sourceIPs: (sourceIPs.map(\.description), false)
        case .notSourceIPs: (notSourceIPs.map(\.description), true)
        case .destinationIPs: (destinationIPs.map(\.description), false)
        case .notDestinationIPs: (notDestinationIPs.map(\.description), true)
        case .destinationPorts: (destinationPorts.map { String($0) }, false)
        case .notDestinationPorts: (notDestinationPorts.map { String($0) }, true)
        case .empty: ([], false)
        }
    }

    private func seen(_ field: PolicyField, _ facts: PolicyFacts) -> String {
        switch field {
        case .namespaces, .notNamespaces: facts.peer.map { "\"\($0.id.namespace)\"" } ?? "nothing (plaintext)"
        case .principals, .notPrincipals: facts.peer.map { "\"\($0.principal)\"" } ?? "nothing (plaintext)"
        case .serviceAccounts, .notServiceAccounts:
            facts.peer.map { "\"\($0.id.namespace)/\($0.id.serviceAccount)\"" } ?? "nothing (plaintext)"
        case .sourceIPs, .notSourceIPs: facts.source == .anyV4 ? "an unknown address" : facts.source.description
        case .destinationIPs, .notDestinationIPs:
            facts.destination == .anyV4 ? "an unknown address" : facts.destination.description
        case .destinationPorts, .notDestinationPorts: String(facts.destinationPort)
        case .empty: ""
        }
    }
}
