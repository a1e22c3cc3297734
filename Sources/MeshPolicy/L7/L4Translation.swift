package import MeshCore

/// What is left of a policy at layer 4, where a node proxy enforces it.
///
/// Source: istiod's conversion. It is followed as it is, surprises included, because this is what will be enforced; the
/// findings say where that is not what was written.
package struct L4Translation: Sendable {
    package enum Outcome: Sendable {
        /// To every proxy whose workloads it holds for.
        case sent(AuthorizationPolicy)
        case notSent(Reason)

        package enum Reason: Sendable, Hashable {
            /// It is attached to a waypoint.
            case hasTargets
            /// AUDIT and CUSTOM exist at layer 7 only.
            case action(SecurityPolicy.Action)
            case dryRun
        }
    }

    /// A rule that is not enforced as it was written.
    package struct Finding: Sendable, Hashable {
        package enum Effect: Sendable, Hashable {
            /// The rule allows nobody.
            case leftOut
            /// The rule denies more than was written.
            case wider
            /// The rule denies nobody, though something of it could be enforced or nothing.
            case noEffect
        }

        /// From 0.
        package let rule: Int
        package let effect: Effect
        /// The fields and keys that layer 4 does not know, sorted.
        package let attributes: [String]
        package let position: FilePosition
    }

    package let outcome: Outcome
    package let findings: [Finding]
    /// For each rule that is sent, its number in the policy as it was written. Rules that are left out move those behind
    /// them, and the wire form has no place for a name: what a node proxy's log calls rule 0 is the first one here.
    package let ruleNumbers: [Int]
    /// `selector: {}`, which istiod attaches to no workload and which here holds for all.
    package let hasEmptySelector: Bool

    /// - Parameter sendsDryRun: whether istiod was told to send policies in dry run, which it does not by default.
    package init(_ policy: SecurityPolicy, settings: MeshSettings, sendsDryRun: Bool = false) {
        hasEmptySelector = policy.selector == .empty
        func stop(_ reason: Outcome.Reason) -> (Outcome, [Finding], [Int]) { (.notSent(reason), [], []) }
        if !policy.targets.isEmpty {
            (outcome, findings, ruleNumbers) = stop(.hasTargets)
            return
        }
        let action: AuthorizationPolicy.Action
        switch policy.action {
        case .allow: action = .allow
        case .deny: action = .deny
        case .audit, .custom:
            (outcome, findings, ruleNumbers) = stop(.action(policy.action))
            return
        }
        if policy.dryRun, !sendsDryRun {
            (outcome, findings, ruleNumbers) = stop(.dryRun)
            return
        }
        var (rules, numbers, findings): ([AuthorizationPolicy.Rule], [Int], [Finding]) = ([], [], [])
        for (number, source) in policy.rules.enumerated() {
            var translator = RuleTranslator(namespace: policy.identity.namespace)
            let rule = translator.rule(source)
            let attributes = translator.unknown.sorted()
            let neverHolds = rule.clauses.contains { $0.matches.allSatisfy(\.isEmpty) }
            if action == .allow, !attributes.isEmpty {
                findings.append(
                    Finding(rule: number, effect: .leftOut, attributes: attributes, position: source.position))
                continue
            }
            if neverHolds || !attributes.isEmpty {
                findings.append(
                    Finding(
                        rule: number, effect: neverHolds ? .noEffect : .wider, attributes: attributes,
                        position: source.position))
            }
            rules.append(rule)
            numbers.append(number)
        }
        (self.findings, ruleNumbers) = (findings, numbers)
        let isRoot = policy.identity.namespace == settings.rootNamespace
        let scope: AuthorizationPolicy.Scope
        switch policy.selector {
        case .labels: scope = .workloadSelector
        case .absent, .empty: scope = isRoot ? .global : .namespace
        }
        outcome = .sent(
            AuthorizationPolicy(
                name: policy.identity.name, namespace: policy.identity.namespace, scope: scope, action: action,
                rules: rules, dryRun: policy.dryRun))
    }
}

/// Translates one rule, and notes what it had to leave out.
private struct RuleTranslator {
    let namespace: String
    var unknown: Set<String> = []

    /// Order of clauses: `to`, `from`, then each condition.
    mutating func rule(_ source: SecurityPolicy.Rule) -> AuthorizationPolicy.Rule {
        var clauses: [AuthorizationPolicy.Clause] = []
        if !source.to.isEmpty { clauses.append(.init(matches: source.to.map { operation($0) })) }
        if !source.from.isEmpty { clauses.append(.init(matches: source.from.map { self.source($0) })) }
        for condition in source.when { clauses.append(.init(matches: [self.condition(condition)])) }
        return AuthorizationPolicy.Rule(clauses: clauses)
    }

    private mutating func operation(_ operation: SecurityPolicy.Operation) -> AuthorizationPolicy.Match {
        var match = AuthorizationPolicy.Match()
        match.destinationPorts = operation.ports.values
        match.notDestinationPorts = operation.ports.notValues
        note("hosts", operation.hosts)
        note("methods", operation.methods)
        note("paths", operation.paths)
        return match
    }

    private mutating func source(_ source: SecurityPolicy.Source) -> AuthorizationPolicy.Match {
        var match = AuthorizationPolicy.Match()
        match.principals = texts(source.principals.values)
        match.notPrincipals = texts(source.principals.notValues)
        match.namespaces = texts(source.namespaces.values)
        match.notNamespaces = texts(source.namespaces.notValues)
        match.serviceAccounts = source.serviceAccounts.values.map(account)
        match.notServiceAccounts = source.serviceAccounts.notValues.map(account)
        match.sourceIPs = source.ipBlocks.values
        match.notSourceIPs = source.ipBlocks.notValues
        note("remoteIpBlocks", source.remoteIPBlocks)
        note("requestPrincipals", source.requestPrincipals)
        // istiod drops these without a word, which makes a rule that allows wider than it was written.
        note("trustDomains", source.trustDomains)
        return match
    }

    private mutating func condition(_ condition: SecurityPolicy.Condition) -> AuthorizationPolicy.Match {
        var match = AuthorizationPolicy.Match()
        let (values, notValues) = (condition.values.values, condition.values.notValues)
        switch condition.attribute {
        case .sourceIP:
            match.sourceIPs = read(values, condition.key) { CIDR($0) }
            match.notSourceIPs = read(notValues, condition.key) { CIDR($0) }
        case .destinationIP:
            match.destinationIPs = read(values, condition.key) { CIDR($0) }
            match.notDestinationIPs = read(notValues, condition.key) { CIDR($0) }
        case .destinationPort:
            match.destinationPorts = read(values, condition.key, SocketAddress.port)
            match.notDestinationPorts = read(notValues, condition.key, SocketAddress.port)
        case .sourceNamespace:
            match.namespaces = texts(values)
            match.notNamespaces = texts(notValues)
        case .sourcePrincipal:
            match.principals = texts(values)
            match.notPrincipals = texts(notValues)
        default: unknown.insert(condition.key)
        }
        return match
    }

    private mutating func note(_ field: String, _ values: Criterion<some Hashable & Sendable>) {
        if !values.values.isEmpty { unknown.insert(field) }
        if !values.notValues.isEmpty { unknown.insert("not" + field.prefix(1).uppercased() + field.dropFirst()) }
    }

    /// A value that cannot be read makes the whole condition one that layer 4 does not know.
    private mutating func read<Value>(_ texts: [String], _ key: String, _ parse: (String) -> Value?) -> [Value] {
        let values = texts.compactMap(parse)
        if values.count < texts.count { unknown.insert(key) }
        return values
    }

    private func texts(_ values: [String]) -> [AuthorizationPolicy.StringMatch] {
        values.map { value in
            if value == "*" { return .presence }
            if value.hasPrefix("*") { return .suffix(String(value.dropFirst())) }
            return value.hasSuffix("*") ? .prefix(String(value.dropLast())) : .exact(value)
        }
    }

    private func account(_ reference: ServiceAccountReference) -> AuthorizationPolicy.ServiceAccountMatch {
        .init(namespace: reference.namespace ?? namespace, serviceAccount: reference.name)
    }
}
