package import MeshCore

/// Which kind of traffic policies are compiled for.
package enum PolicyChain: Sendable, CaseIterable {
    case http
    /// A port that is not HTTP: there is no method, host, path, header or token.
    case tcp
}

/// What a policy asks for that cannot be done.
///
/// A rule that allows is then left out; one that denies (or audits, or asks a provider) applies as if the part held. So
/// nobody gets in by it.
package struct PolicyProblem: Sendable, Hashable, CustomStringConvertible {
    package enum Reason: Sendable, Hashable {
        case unknownKey(String)
        case notAnAddress(String)
        case notAPort(String)
        case notAServiceAccount(String)
        case path(String, PathTemplate.Problem)
        case nothingToMatch
        /// The names of the fields.
        case needsHTTP([String])
    }

    package let policy: ResourceIdentity
    /// From 0.
    package let rule: Int
    package let position: FilePosition
    package let reason: Reason
    /// Whether the rule was left out; else it is wider than written.
    package let isLeftOut: Bool

    package var description: String {
        let effect = isLeftOut ? "the rule allows nobody" : "the rule applies as if that part matched"
        let what =
            switch reason {
            case .unknownKey(let key): "the condition \"\(key)\" is not known"
            case .notAnAddress(let text): "\"\(text)\" is no IP address or block"
            case .notAPort(let text): "\"\(text)\" is no port"
            case .notAServiceAccount(let text): "\"\(text)\" is no service account"
            case .path(let path, let problem): "path \"\(path)\": \(problem)"
            case .nothingToMatch: "an entry has nothing to match"
            case .needsHTTP(let fields): "\(fields.joined(separator: ", ")) cannot be seen on a TCP port"
            }
        return "policy \(policy), rule \(rule): \(what), so \(effect)"
    }
}

/// Compiles the rules of one policy.
struct RequestRuleCompiler {
    private let policy: SecurityPolicy
    private let aliases: TrustDomainAliases
    private let chain: PolicyChain
    private(set) var problems: [PolicyProblem] = []

    /// Of the rule at hand.
    private var rule = 0
    private var isUsable = true

    init(_ policy: SecurityPolicy, _ aliases: TrustDomainAliases, _ chain: PolicyChain) {
        self.policy = policy
        self.aliases = aliases
        self.chain = chain
    }

    /// Whether what cannot be compared counts as matching.
    private var widens: Bool { policy.action != .allow }

    mutating func rules() -> [RequestRule] {
        var result: [RequestRule] = []
        for (number, source) in policy.rules.enumerated() {
            rule = number
            isUsable = true
            var clauses: [RequestClause] = []
            if !source.from.isEmpty { clauses.append(clause(.from, source.from) { $0.source($1) }) }
            if !source.to.isEmpty { clauses.append(clause(.to, source.to) { $0.operation($1) }) }
            for (index, condition) in source.when.enumerated() {
                clauses.append(clause(.when(index), [condition]) { $0.condition($1) })
            }
            guard isUsable else { continue }
            result.append(RequestRule(policy, number: number, clauses: clauses))
        }
        return result
    }

    private mutating func clause<Part>(
        _ part: RequestClause.Part, _ sources: [Part], _ compile: (inout Self, Part) -> [AttributeTest]
    ) -> RequestClause {
        var entries: [RequestEntry] = []
        for (number, source) in sources.enumerated() {
            entries.append(RequestEntry(number: number, tests: compile(&self, source)))
        }
        return RequestClause(part: part, entries: entries)
    }

    private mutating func report(_ reason: PolicyProblem.Reason, at position: FilePosition) {
        if !widens { isUsable = false }
        problems.append(
            PolicyProblem(
                policy: policy.identity, rule: rule, position: position, reason: reason, isLeftOut: !widens))
    }

    // MARK: Entries

    private mutating func source(_ source: SecurityPolicy.Source) -> [AttributeTest] {
        var tests: [AttributeTest] = []
        if source.isEmpty { report(.nothingToMatch, at: source.position) }
        if !source.principals.isEmpty { tests.append(principals(source.principals)) }
        if !source.namespaces.isEmpty { tests.append(.namespaces(source.namespaces.map { WildcardPattern($0) })) }
        if !source.serviceAccounts.isEmpty { tests.append(accounts(source.serviceAccounts)) }
        if !source.trustDomains.isEmpty { tests.append(trustDomains(source.trustDomains)) }
        if !source.ipBlocks.isEmpty { tests.append(.sourceIP(source.ipBlocks)) }
        if !source.remoteIPBlocks.isEmpty { tests.append(.remoteIP(source.remoteIPBlocks)) }
        if !source.requestPrincipals.isEmpty {
            if chain == .tcp {
                report(.needsHTTP(["requestPrincipals"]), at: source.position)
            } else {
                tests.append(.requestPrincipals(source.requestPrincipals.map { RequestPrincipalPattern($0) }))
            }
        }
        return tests
    }

    private mutating func operation(_ operation: SecurityPolicy.Operation) -> [AttributeTest] {
        var tests: [AttributeTest] = []
        if operation.isEmpty { report(.nothingToMatch, at: operation.position) }
        if !operation.ports.isEmpty { tests.append(.destinationPort(operation.ports)) }
        if chain == .tcp {
            let fields = [
                ("hosts", operation.hosts), ("methods", operation.methods), ("paths", operation.paths),
            ].filter { !$0.1.isEmpty }.map(\.0)
            if !fields.isEmpty { report(.needsHTTP(fields), at: operation.position) }
            return tests
        }
        if !operation.methods.isEmpty { tests.append(.methods(operation.methods.map { TextPattern($0) })) }
        if !operation.hosts.isEmpty {
            tests.append(.hosts(operation.hosts.map { TextPattern(Self.folded($0)) }))
        }
        if !operation.paths.isEmpty, let paths = paths(operation.paths, at: operation.position) {
            tests.append(.paths(paths))
        }
        return tests
    }

    private mutating func condition(_ condition: SecurityPolicy.Condition) -> [AttributeTest] {
        let (values, position) = (condition.values, condition.position)
        guard let attribute = condition.attribute else {
            report(.unknownKey(condition.key), at: position)
            return []
        }
        if values.isEmpty {
            report(.nothingToMatch, at: position)
            return []
        }
        if chain == .tcp, attribute.needsHTTP {
            report(.needsHTTP([condition.key]), at: position)
            return []
        }
        switch attribute {
        case .sourceIP: return blocks(values, at: position).map { [.sourceIP($0)] } ?? []
        case .remoteIP: return blocks(values, at: position).map { [.remoteIP($0)] } ?? []
        case .destinationIP: return blocks(values, at: position).map { [.destinationIP($0)] } ?? []
        case .destinationPort:
            let ports = parse(values, at: position, SocketAddress.port) { .notAPort($0) }
            return ports.map { [.destinationPort($0)] } ?? []
        case .sourceNamespace: return [.namespaces(values.map { WildcardPattern($0) })]
        case .sourcePrincipal: return [principals(values)]
        case .sourceServiceAccount:
            let references = parse(values, at: position, { ServiceAccountReference($0) }) { .notAServiceAccount($0) }
            return references.map { [accounts($0)] } ?? []
        case .sourceTrustDomain: return [trustDomains(values)]
        case .serverName: return [.serverName(values.map { TextPattern($0) })]
        case .requestHeader(let name): return [.header(name: Array(name.utf8), values.map { TextPattern($0) })]
        case .requestPrincipal: return [.requestPrincipals(values.map { RequestPrincipalPattern($0) })]
        case .audience: return [.claim(path: ["aud"], values.map { TextPattern($0) })]
        case .presenter: return [.claim(path: ["azp"], values.map { TextPattern($0) })]
        case .claim(let path): return [.claim(path: path, values.map { TextPattern($0) })]
        }
    }

    // MARK: Values

    private func principals(_ values: Criterion<String>) -> AttributeTest {
        .principals(
            Criterion(
                values.values.flatMap(aliases.principals).map { TextPattern($0) },
                not: values.notValues.flatMap(aliases.principals).map { TextPattern($0) }))
    }

    private func trustDomains(_ values: Criterion<String>) -> AttributeTest {
        .trustDomains(
            Criterion(
                values.values.flatMap(aliases.trustDomains).map { WildcardPattern($0) },
                not: values.notValues.flatMap(aliases.trustDomains).map { WildcardPattern($0) }))
    }

    private func accounts(_ values: Criterion<ServiceAccountReference>) -> AttributeTest {
        .serviceAccounts(
            values.map {
                ServiceAccountPattern(namespace: $0.namespace ?? policy.identity.namespace, name: $0.name)
            })
    }

    /// A template takes more than the reference's where that keeps somebody out, and no more where it lets in.
    private mutating func paths(_ values: Criterion<String>, at position: FilePosition) -> Criterion<PathPattern>? {
        var result = Criterion<PathPattern>()
        for (value, isNegative) in values.values.map({ ($0, false) }) + values.notValues.map({ ($0, true) }) {
            do {
                let pattern = try PathPattern(value, wide: widens != isNegative)
                if isNegative { result.notValues.append(pattern) } else { result.values.append(pattern) }
            } catch {
                report(.path(value, error), at: position)
                return nil
            }
        }
        return result
    }

    private mutating func blocks(_ values: Criterion<String>, at position: FilePosition) -> Criterion<CIDR>? {
        parse(values, at: position, { CIDR($0) }) { .notAnAddress($0) }
    }

    private mutating func parse<Value>(
        _ values: Criterion<String>, at position: FilePosition, _ read: (String) -> Value?,
        _ reason: (String) -> PolicyProblem.Reason
    ) -> Criterion<Value>? {
        if let bad = (values.values + values.notValues).first(where: { read($0) == nil }) {
            report(reason(bad), at: position)
            return nil
        }
        return Criterion(values.values.compactMap(read), not: values.notValues.compactMap(read))
    }

    private static func folded(_ text: String) -> String {
        String(decoding: text.utf8.map(\.asciiLowercased), as: UTF8.self)
    }
}

extension Criterion {
    func map<Other>(_ change: (Value) -> Other) -> Criterion<Other> {
        Criterion<Other>(values.map(change), not: notValues.map(change))
    }
}
