import MeshCore
import MeshPolicy

/// A rule as it is compared with others: which one matches everything that another does, and which one matches nothing.
///
/// Unsure is always no. Both rules must be enforced by the same layer.
struct RuleCover {
    /// With each principal and trust domain under all of its names, and each service account with its namespace.
    let rule: SecurityPolicy.Rule

    /// - Parameters:
    ///   - namespace: that service accounts without one are of.
    ///   - aliases: `nil` for layer 4, where they do not count.
    init(_ rule: SecurityPolicy.Rule, namespace: String, aliases: TrustDomainAliases?) {
        func expanded(_ values: Criterion<String>, _ names: (String) -> [String]) -> Criterion<String> {
            Criterion(values.values.flatMap(names), not: values.notValues.flatMap(names))
        }
        func principals(_ values: Criterion<String>) -> Criterion<String> {
            expanded(values) { aliases?.principals($0) ?? [$0] }
        }
        func trustDomains(_ values: Criterion<String>) -> Criterion<String> {
            expanded(values) { aliases?.trustDomains($0) ?? [$0] }
        }
        func full(_ reference: ServiceAccountReference) -> ServiceAccountReference {
            ServiceAccountReference(namespace: reference.namespace ?? namespace, name: reference.name)
        }
        var rule = rule
        for index in rule.from.indices {
            rule.from[index].principals = principals(rule.from[index].principals)
            rule.from[index].trustDomains = trustDomains(rule.from[index].trustDomains)
            let accounts = rule.from[index].serviceAccounts
            rule.from[index].serviceAccounts = Criterion(
                accounts.values.map(full), not: accounts.notValues.map(full))
        }
        for index in rule.when.indices {
            switch rule.when[index].attribute {
            case .sourcePrincipal: rule.when[index].values = principals(rule.when[index].values)
            case .sourceTrustDomain: rule.when[index].values = trustDomains(rule.when[index].values)
            case .sourceServiceAccount:
                rule.when[index].values = expanded(rule.when[index].values) { text in
                    [ServiceAccountReference(text).map { full($0).description } ?? text]
                }
            default: break
            }
        }
        self.rule = rule
    }

    /// Whether this rule matches everything that `narrow` does.
    func covers(_ narrow: RuleCover) -> Bool {
        let (a, b) = (rule, narrow.rule)
        let from =
            a.from.isEmpty
            || (!b.from.isEmpty && b.from.allSatisfy { source in a.from.contains { Self.covers($0, source) } })
        guard from else { return false }
        let to =
            a.to.isEmpty
            || (!b.to.isEmpty && b.to.allSatisfy { operation in a.to.contains { Self.covers($0, operation) } })
        guard to else { return false }
        return a.when.allSatisfy { condition in b.when.contains { Self.covers(condition, $0) } }
    }

    private static func covers(_ wide: SecurityPolicy.Source, _ narrow: SecurityPolicy.Source) -> Bool {
        FieldCover.texts.covers(wide.principals, narrow.principals)
            && FieldCover.requestPrincipals.covers(wide.requestPrincipals, narrow.requestPrincipals)
            && FieldCover.names.covers(wide.namespaces, narrow.namespaces)
            && FieldCover.equality.covers(wide.serviceAccounts, narrow.serviceAccounts)
            && FieldCover.blocks.covers(wide.ipBlocks, narrow.ipBlocks)
            && FieldCover.blocks.covers(wide.remoteIPBlocks, narrow.remoteIPBlocks)
            && FieldCover.names.covers(wide.trustDomains, narrow.trustDomains)
    }

    private static func covers(_ wide: SecurityPolicy.Operation, _ narrow: SecurityPolicy.Operation) -> Bool {
        FieldCover.hosts.covers(wide.hosts, narrow.hosts) && FieldCover.equality.covers(wide.ports, narrow.ports)
            && FieldCover.texts.covers(wide.methods, narrow.methods)
            && FieldCover.paths.covers(wide.paths, narrow.paths)
    }

    private static func covers(_ wide: SecurityPolicy.Condition, _ narrow: SecurityPolicy.Condition) -> Bool {
        guard let attribute = wide.attribute, attribute == narrow.attribute else { return false }
        switch attribute {
        case .sourceIP, .remoteIP, .destinationIP:
            guard let a = blocks(wide.values), let b = blocks(narrow.values) else { return false }
            return FieldCover.blocks.covers(a, b)
        case .destinationPort, .sourceServiceAccount: return FieldCover.equality.covers(wide.values, narrow.values)
        case .sourceNamespace, .sourceTrustDomain: return FieldCover.names.covers(wide.values, narrow.values)
        case .requestPrincipal: return FieldCover.requestPrincipals.covers(wide.values, narrow.values)
        // A list of claims matches by any of its elements, so that "none of these" says more than its values do.
        case .audience, .presenter, .claim:
            return wide.values.notValues.isEmpty && narrow.values.notValues.isEmpty
                && FieldCover.texts.covers(wide.values, narrow.values)
        case .requestHeader, .serverName, .sourcePrincipal: return FieldCover.texts.covers(wide.values, narrow.values)
        }
    }

    // MARK: Rules that match nothing

    /// Why the rule matches nothing, from what its parts say of the same thing; `nil` when it may match.
    var contradiction: String? {
        for (index, condition) in rule.when.enumerated() {
            for later in rule.when[(index + 1)...] where Self.areDisjoint(condition, later) {
                return "two conditions on \(condition.key) exclude one another"
            }
            if !rule.from.isEmpty, rule.from.allSatisfy({ Self.excludes(condition, $0) }) {
                return "the condition \(condition.key) excludes every source of from"
            }
            if condition.attribute == .destinationPort, !rule.to.isEmpty,
                rule.to.allSatisfy({ FieldCover.equality.areDisjoint(condition.values, $0.ports.texts) })
            {
                return "the condition \(condition.key) excludes every port of to"
            }
        }
        if !rule.from.isEmpty, rule.from.allSatisfy({ Self.contradicts($0) }) {
            return "each source wants a principal of another namespace than the one that it names"
        }
        return nil
    }

    private static func areDisjoint(_ a: SecurityPolicy.Condition, _ b: SecurityPolicy.Condition) -> Bool {
        guard let attribute = a.attribute, attribute == b.attribute else { return false }
        switch attribute {
        case .sourceIP, .remoteIP, .destinationIP:
            guard let one = blocks(a.values), let other = blocks(b.values) else { return false }
            return FieldCover.blocks.areDisjoint(one, other)
        case .sourceNamespace, .sourceTrustDomain: return FieldCover.names.areDisjoint(a.values, b.values)
        case .destinationPort: return FieldCover.equality.areDisjoint(a.values, b.values)
        case .sourcePrincipal, .requestHeader, .serverName: return FieldCover.texts.areDisjoint(a.values, b.values)
        // Of a list one element may match the one, and another the other.
        case .sourceServiceAccount, .requestPrincipal, .audience, .presenter, .claim: return false
        }
    }

    private static func excludes(_ condition: SecurityPolicy.Condition, _ source: SecurityPolicy.Source) -> Bool {
        switch condition.attribute {
        case .sourceNamespace: FieldCover.names.areDisjoint(condition.values, source.namespaces)
        case .sourcePrincipal: FieldCover.texts.areDisjoint(condition.values, source.principals)
        case .sourceIP:
            blocks(condition.values).map { FieldCover.blocks.areDisjoint($0, source.ipBlocks) } ?? false
        case .remoteIP:
            blocks(condition.values).map { FieldCover.blocks.areDisjoint($0, source.remoteIPBlocks) } ?? false
        case .sourceTrustDomain: FieldCover.names.areDisjoint(condition.values, source.trustDomains)
        default: false
        }
    }

    /// A source whose principals are written out, and whose namespaces none of them is of.
    private static func contradicts(_ source: SecurityPolicy.Source) -> Bool {
        guard !source.principals.values.isEmpty, !source.namespaces.values.isEmpty else { return false }
        return source.principals.values.allSatisfy { principal in
            let parts = principal.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 5, parts[1] == "ns", !parts[2].contains("*") else { return false }
            let own = Criterion([String(parts[2])])
            return FieldCover.names.areDisjoint(own, Criterion(source.namespaces.values))
        }
    }

    // MARK: Values

    /// `nil` when one of them cannot be read.
    private static func blocks(_ values: Criterion<String>) -> Criterion<CIDR>? {
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
