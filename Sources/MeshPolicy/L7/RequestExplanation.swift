package import MeshCore

/// Why one policy matches a request or not, for people.
package struct RequestExplanation: Sendable {
    /// An entry that does not hold.
    package struct Miss: Sendable, Hashable, CustomStringConvertible {
        /// From 0.
        package let rule: Int
        /// As in the policy: `from[0].source.principals`, `when[1].notValues`.
        package let field: String
        /// What the request has; `nil` when it has no such thing.
        package let seen: String?
        /// As written in the policy.
        package let wanted: [String]
        /// Whether `wanted` is what may not match.
        package let isNegative: Bool
        package let position: FilePosition

        package var description: String {
            let list = wanted.map { "\"\($0)\"" }.joined(separator: ", ")
            let value = seen.map { "\"\($0)\"" } ?? "nothing"
            return "rule \(rule): \(field) is \(value), wanted " + (isNegative ? "none of \(list)" : "one of \(list)")
        }
    }

    package enum Outcome: Sendable {
        /// The first rule that matches.
        case matched(rule: Int)
        /// For each rule, the entries of its first clause that fails. Rules that were left out are not here, see
        /// `RequestPolicySet.problems`.
        case notMatched([Miss])
    }

    package let policy: SecurityPolicy
    package let outcome: Outcome
}

extension RequestPolicySet {
    /// What each policy says of a request, in the order of their keys. Not for the data path.
    package func explain(_ facts: RequestFacts) -> [RequestExplanation] {
        compiled.map { policy, rules in
            if let rule = rules.first(where: { $0.matches(facts) }) {
                return RequestExplanation(policy: policy, outcome: .matched(rule: rule.number))
            }
            return RequestExplanation(policy: policy, outcome: .notMatched(rules.flatMap { $0.misses(facts) }))
        }
    }
}

extension RequestRule {
    fileprivate func misses(_ facts: RequestFacts) -> [RequestExplanation.Miss] {
        guard let clause = clauses.first(where: { !$0.matches(facts) }) else { return [] }
        return clause.entries.compactMap { entry in
            for test in entry.tests {
                guard let miss = test.miss(facts) else { continue }
                return explain(clause.part, entry, test, miss, facts)
            }
            return nil
        }
    }

    private func explain(
        _ part: RequestClause.Part, _ entry: RequestEntry, _ test: AttributeTest, _ miss: CriterionMiss,
        _ facts: RequestFacts
    ) -> RequestExplanation.Miss {
        let isNegative = miss == .notValue
        let source = policy.rules[number]
        let (field, wanted, position): (String, [String], FilePosition)
        switch part {
        case .when(let index):
            let condition = source.when[index]
            field = "when[\(index)] \(condition.key)" + (isNegative ? " notValues" : "")
            (wanted, position) = (condition.values.list(isNegative), condition.position)
        case .from:
            let (name, values) = source.from[entry.number].written(test, isNegative)
            field = "from[\(entry.number)].source.\(isNegative ? Self.negated(name) : name)"
            (wanted, position) = (values, source.from[entry.number].position)
        case .to:
            let (name, values) = source.to[entry.number].written(test, isNegative)
            field = "to[\(entry.number)].operation.\(isNegative ? Self.negated(name) : name)"
            (wanted, position) = (values, source.to[entry.number].position)
        }
        return RequestExplanation.Miss(
            rule: number, field: field, seen: test.seen(facts), wanted: wanted, isNegative: isNegative,
            position: position)
    }

    private static func negated(_ field: String) -> String { "not" + field.prefix(1).uppercased() + field.dropFirst() }
}

extension Criterion {
    fileprivate func list(_ isNegative: Bool) -> [String] { (isNegative ? notValues : values).map { "\($0)" } }
}

extension SecurityPolicy.Source {
    /// The name and the values of the field that a test was made from.
    fileprivate func written(_ test: AttributeTest, _ isNegative: Bool) -> (String, [String]) {
        switch test {
        case .principals: ("principals", principals.list(isNegative))
        case .namespaces: ("namespaces", namespaces.list(isNegative))
        case .serviceAccounts: ("serviceAccounts", serviceAccounts.list(isNegative))
        case .trustDomains: ("trustDomains", trustDomains.list(isNegative))
        case .sourceIP: ("ipBlocks", ipBlocks.list(isNegative))
        case .remoteIP: ("remoteIpBlocks", remoteIPBlocks.list(isNegative))
        default: ("requestPrincipals", requestPrincipals.list(isNegative))
        }
    }
}

extension SecurityPolicy.Operation {
    fileprivate func written(_ test: AttributeTest, _ isNegative: Bool) -> (String, [String]) {
        switch test {
        case .hosts: ("hosts", hosts.list(isNegative))
        case .methods: ("methods", methods.list(isNegative))
        case .paths: ("paths", paths.list(isNegative))
        default: ("ports", ports.list(isNegative))
        }
    }
}

extension AttributeTest {
    /// What a request has for this field; `nil` for nothing.
    fileprivate func seen(_ facts: RequestFacts) -> String? {
        switch self {
        case .principals: facts.peer?.principal
        case .namespaces: facts.peer?.id.namespace
        case .serviceAccounts: facts.peer.map { "\($0.id.namespace)/\($0.id.serviceAccount)" }
        case .trustDomains: facts.peer?.id.trustDomain.name
        case .sourceIP: facts.source.description
        case .remoteIP: facts.remote.description
        case .destinationIP: facts.destination.ip.description
        case .destinationPort: String(facts.destination.port)
        case .serverName: Self.text(facts.serverName)
        case .hosts: Self.text(facts.host)
        case .methods: Self.text(facts.method)
        case .paths: Self.text(facts.path)
        case .requestPrincipals:
            facts.claims.map { claims in
                "\(claims["iss"].map(Self.text) ?? "(no iss)")/\(claims["sub"].map(Self.text) ?? "(no sub)")"
            }
        case .header(let name, _):
            if let pseudo = Self.pseudoHeader(name, facts) {
                Self.text(pseudo)
            } else {
                facts.headers.contains { $0.name.elementsEqual(name) }
                    ? JoinedHeader(facts.headers, name[...]).text : nil
            }
        case .claim(let path, _): facts.claims?[path: path].map(Self.text)
        }
    }

    private static func text(_ bytes: RequestText) -> String? {
        bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    private static func text(_ claim: ClaimValue) -> String {
        switch claim {
        case .string(let text): text
        case .list(let values): "[\(values.map(text).joined(separator: ", "))]"
        case .object: "(an object)"
        case .number(let text): "the number \(text)"
        case .bool(let value): "the boolean \(value)"
        case .null: "null"
        }
    }
}
