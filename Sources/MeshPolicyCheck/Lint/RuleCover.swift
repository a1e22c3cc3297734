import MeshCore
import MeshPolicy

/// Compares what rules say: which one matches everything that another does, and which one matches nothing.
///
/// Unsure is always no. Both rules must be enforced by the same layer.
struct RuleCover {
    /// Other names of a principal; itself where aliases do not count.
    let principals: (String) -> [String]
    let trustDomains: (String) -> [String]

    /// - Parameter settings: `nil` for layer 4, where aliases do not count.
    init(_ settings: MeshSettings?) {
        let aliases = settings.map { TrustDomainAliases($0) }
        principals = { aliases?.principals($0) ?? [$0] }
        trustDomains = { aliases?.trustDomains($0) ?? [$0] }
    }

    /// A rule with the namespace that bare service accounts are of.
    struct Subject {
        let rule: SecurityPolicy.Rule
        let namespace: String
    }

    /// Whether `wide` matches everything that `narrow` does.
    func covers(_ wide: Subject, _ narrow: Subject) -> Bool {
        let (a, b) = (wide.rule, narrow.rule)
        let from =
            a.from.isEmpty
            || (!b.from.isEmpty
                && b.from.allSatisfy { source in
                    a.from.contains { covers($0, source, wide.namespace, narrow.namespace) }
                })
        guard from else { return false }
        let to =
            a.to.isEmpty
            || (!b.to.isEmpty && b.to.allSatisfy { operation in a.to.contains { covers($0, operation) } })
        guard to else { return false }
        return a.when.allSatisfy { condition in
            b.when.contains { covers(condition, $0, wide.namespace == narrow.namespace) }
        }
    }

    private func covers(
        _ wide: SecurityPolicy.Source, _ narrow: SecurityPolicy.Source, _ namespace: String, _ other: String
    ) -> Bool {
        FieldCover.texts.covers(expanded(wide.principals, principals), expanded(narrow.principals, principals))
            && FieldCover.requestPrincipals.covers(wide.requestPrincipals, narrow.requestPrincipals)
            && FieldCover.names.covers(wide.namespaces, narrow.namespaces)
            && FieldCover.equality.covers(
                accounts(wide.serviceAccounts, namespace), accounts(narrow.serviceAccounts, other))
            && FieldCover.blocks.covers(wide.ipBlocks, narrow.ipBlocks)
            && FieldCover.blocks.covers(wide.remoteIPBlocks, narrow.remoteIPBlocks)
            && FieldCover.names.covers(
                expanded(wide.trustDomains, trustDomains), expanded(narrow.trustDomains, trustDomains))
    }

    private func covers(_ wide: SecurityPolicy.Operation, _ narrow: SecurityPolicy.Operation) -> Bool {
        FieldCover.hosts.covers(wide.hosts, narrow.hosts) && FieldCover.equality.covers(wide.ports, narrow.ports)
            && FieldCover.texts.covers(wide.methods, narrow.methods)
            && FieldCover.paths.covers(wide.paths, narrow.paths)
    }

    private func covers(
        _ wide: SecurityPolicy.Condition, _ narrow: SecurityPolicy.Condition, _ sameNamespace: Bool
    ) -> Bool {
        guard let attribute = wide.attribute, attribute == narrow.attribute else { return false }
        switch attribute {
        case .sourceIP, .remoteIP, .destinationIP:
            guard let a = blocks(wide.values), let b = blocks(narrow.values) else { return false }
            return FieldCover.blocks.covers(a, b)
        case .destinationPort: return FieldCover.equality.covers(wide.values, narrow.values)
        case .sourceNamespace: return FieldCover.names.covers(wide.values, narrow.values)
        case .sourceTrustDomain:
            return FieldCover.names.covers(
                expanded(wide.values, trustDomains), expanded(narrow.values, trustDomains))
        case .sourcePrincipal:
            return FieldCover.texts.covers(expanded(wide.values, principals), expanded(narrow.values, principals))
        case .sourceServiceAccount: return sameNamespace && FieldCover.equality.covers(wide.values, narrow.values)
        case .requestPrincipal: return FieldCover.requestPrincipals.covers(wide.values, narrow.values)
        case .serverName: return FieldCover.texts.covers(wide.values, narrow.values)
        // A list of claims matches by any of its elements, so that "none of these" says more than its values do.
        case .audience, .presenter, .claim:
            return wide.values.notValues.isEmpty && narrow.values.notValues.isEmpty
                && FieldCover.texts.covers(wide.values, narrow.values)
        case .requestHeader: return FieldCover.texts.covers(wide.values, narrow.values)
        }
    }

    // MARK: Rules that match nothing

    /// Why a rule matches nothing, from what its parts say of the same thing; `nil` when it may match.
    func contradiction(_ rule: SecurityPolicy.Rule) -> String? {
        for (index, condition) in rule.when.enumerated() {
            for later in rule.when[(index + 1)...] where areDisjoint(condition, later) {
                return "two conditions on \(condition.key) exclude one another"
            }
            if !rule.from.isEmpty, rule.from.allSatisfy({ excludes(condition, $0) }) {
                return "the condition \(condition.key) excludes every source of from"
            }
            if condition.attribute == .destinationPort, !rule.to.isEmpty,
                rule.to.allSatisfy({ FieldCover.equality.areDisjoint(condition.values, $0.ports.texts) })
            {
                return "the condition \(condition.key) excludes every port of to"
            }
        }
        if !rule.from.isEmpty, rule.from.allSatisfy({ contradicts($0) }) {
            return "each source wants a principal of another namespace than the one that it names"
        }
        return nil
    }

    private func areDisjoint(_ a: SecurityPolicy.Condition, _ b: SecurityPolicy.Condition) -> Bool {
        guard let attribute = a.attribute, attribute == b.attribute else { return false }
        switch attribute {
        case .sourceIP, .remoteIP, .destinationIP:
            guard let one = blocks(a.values), let other = blocks(b.values) else { return false }
            return FieldCover.blocks.areDisjoint(one, other)
        case .sourceNamespace, .sourceTrustDomain: return FieldCover.names.areDisjoint(a.values, b.values)
        case .sourcePrincipal:
            return FieldCover.texts.areDisjoint(expanded(a.values, principals), expanded(b.values, principals))
        case .destinationPort: return FieldCover.equality.areDisjoint(a.values, b.values)
        case .requestHeader, .serverName: return FieldCover.texts.areDisjoint(a.values, b.values)
        // Of a list one element may match the one, and another the other.
        case .sourceServiceAccount, .requestPrincipal, .audience, .presenter, .claim: return false
        }
    }

    private func excludes(_ condition: SecurityPolicy.Condition, _ source: SecurityPolicy.Source) -> Bool {
        switch condition.attribute {
        case .sourceNamespace: FieldCover.names.areDisjoint(condition.values, source.namespaces)
        case .sourcePrincipal:
            FieldCover.texts.areDisjoint(
                expanded(condition.values, principals), expanded(source.principals, principals))
        case .sourceIP:
            blocks(condition.values).map { FieldCover.blocks.areDisjoint($0, source.ipBlocks) } ?? false
        case .remoteIP:
            blocks(condition.values).map { FieldCover.blocks.areDisjoint($0, source.remoteIPBlocks) } ?? false
        case .sourceTrustDomain: FieldCover.names.areDisjoint(condition.values, source.trustDomains)
        default: false
        }
    }

    /// A source whose principals are written out, and whose namespaces none of them is of.
    private func contradicts(_ source: SecurityPolicy.Source) -> Bool {
        guard !source.principals.values.isEmpty, !source.namespaces.values.isEmpty else { return false }
        return source.principals.values.allSatisfy { principal in
            let parts = principal.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 5, parts[1] == "ns", !parts[2].contains("*") else { return false }
            let own = Criterion([String(parts[2])])
            return FieldCover.names.areDisjoint(own, Criterion(source.namespaces.values))
        }
    }

    // MARK: Values

    private func expanded(_ values: Criterion<String>, _ names: (String) -> [String]) -> Criterion<String> {
        Criterion(values.values.flatMap(names), not: values.notValues.flatMap(names))
    }

    private func accounts(
        _ values: Criterion<ServiceAccountReference>, _ namespace: String
    ) -> Criterion<ServiceAccountReference> {
        func full(_ reference: ServiceAccountReference) -> ServiceAccountReference {
            ServiceAccountReference(namespace: reference.namespace ?? namespace, name: reference.name)
        }
        return Criterion(values.values.map(full), not: values.notValues.map(full))
    }

    /// `nil` when one of them cannot be read.
    private func blocks(_ values: Criterion<String>) -> Criterion<CIDR>? {
        let (some, none) = (values.values.compactMap { CIDR($0) }, values.notValues.compactMap { CIDR($0) })
        guard some.count == values.values.count, none.count == values.notValues.count else { return nil }
        return Criterion(some, not: none)
    }
}

extension Criterion<UInt16> {
    fileprivate var texts: Criterion<String> {
        Criterion<String>(values.map { String($0) }, not: notValues.map { String($0) })
    }
}
