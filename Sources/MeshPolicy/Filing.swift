import MeshCore

/// One value of a list of a match, as a key that a connection may have.
struct Need: Hashable {
    let kind: RuleKey.Kind
    let key: RuleKey
    /// Of a prefix, a suffix or an address block; 0 for others.
    let length: Int
}

/// A rule with what it needs and what it forbids.
struct Filing {
    /// A field of a match that only holds when one of its needs is a fact.
    typealias Field = [Need]

    let position: RuleIndex.Position
    /// The fields of each match of each clause.
    private let clauses: [[[Field]]]
    /// Each of them, when it is a fact, makes the rule fail.
    let blockers: [Blocker]
    /// A bit for each port, modulo 64, with which the rule may hold.
    let possiblePorts: UInt64
    /// Those among the blockers.
    let forbiddenPorts: Set<UInt16>
    /// How many values the rule has.
    let size: Int

    /// `nil` when the rule can never hold.
    init?(_ position: RuleIndex.Position, _ rule: AuthorizationPolicy.Rule) {
        var clauses: [[[Field]]] = []
        var blockers: Set<Blocker> = []
        var possiblePorts = UInt64.max
        for clause in rule.clauses where !clause.matches.isEmpty {
            let matches = clause.matches.filter { !$0.isEmpty }
            guard let first = matches.first else { return nil }
            clauses.append(matches.map { $0.neededFields })
            possiblePorts &= PortScreen.ports(matches)
            // A clause fails for sure when all of its matches do.
            blockers.formUnion(
                matches.dropFirst().reduce(Set(first.blockers)) { $0.intersection($1.blockers) })
        }
        self.position = position
        self.clauses = clauses
        self.blockers = Array(blockers)
        self.possiblePorts = possiblePorts
        forbiddenPorts = Set(blockers.compactMap { if case .port(let port) = $0.value { port } else { nil } })
        size = 1 + clauses.joined().joined().reduce(0) { $0 + $1.count }
    }

    func count(into popularity: inout [UInt64: Int]) {
        for need in clauses.joined().joined().joined() { popularity[need.key.bits, default: 0] += 1 }
    }

    /// For the best clause, the best field of each match; `nil` when every clause has a match that needs nothing more
    /// than what is known already.
    func cheapest(_ popularity: [UInt64: Int], known: Set<UInt64>) -> [Field]? {
        var best: (cost: Int, fields: [Field])?
        next: for clause in clauses {
            var (cost, fields) = (0, [Field]())
            for match in clause {
                var choice: (price: Int, field: Field)?
                for field in match where known.isEmpty || !field.contains(where: { known.contains($0.key.bits) }) {
                    let price = field.reduce(0) { $0 + (popularity[$1.key.bits] ?? 0) }
                    if price < choice?.price ?? .max { choice = (price, field) }
                }
                guard let choice else { continue next }
                cost += choice.price
                fields.append(choice.field)
            }
            if cost < best?.cost ?? .max { best = (cost, fields) }
        }
        return best?.fields
    }
}

/// A value of a negative list: the key that proposes it, and the value itself, since keys may collide.
struct Blocker: Hashable, Sendable {
    enum Value: Hashable, Sendable {
        case port(UInt16)
        case account(AuthorizationPolicy.ServiceAccountMatch)
        case principal(AuthorizationPolicy.StringMatch)
        case namespace(AuthorizationPolicy.StringMatch)
        case source(CIDR)
        case destination(CIDR)
    }

    let value: Value

    var need: Need {
        switch value {
        case .port(let port): .port(port)
        case .account(let account): .account(account)
        case .principal(let text): .principal(text)
        case .namespace(let text): .namespace(text)
        case .source(let block): .block(block, .source)
        case .destination(let block): .block(block, .destination)
        }
    }

    func isFact(_ facts: PolicyFacts) -> Bool {
        switch value {
        case .port(let port): facts.destinationPort == port
        case .account(let account): facts.peer.map { account.matches($0.id) } ?? false
        case .principal(let text): facts.peer.map { text.matches($0.principal) } ?? false
        case .namespace(let text): text.matches(facts.peer?.id.namespace ?? "")
        case .source(let block): block.contains(facts.source)
        case .destination(let block): block.contains(facts.destination)
        }
    }
}

extension Need {
    static func port(_ port: UInt16) -> Need { Need(kind: .port, key: RuleKey(port: port), length: 0) }

    static func account(_ account: AuthorizationPolicy.ServiceAccountMatch) -> Need {
        Need(kind: .serviceAccount, key: RuleKey(account: account.namespace, account.serviceAccount), length: 0)
    }

    static func principal(_ pattern: AuthorizationPolicy.StringMatch) -> Need {
        text(pattern, .principal, .principalPrefix, .principalSuffix)
    }

    static func namespace(_ pattern: AuthorizationPolicy.StringMatch) -> Need {
        text(pattern, .namespace, .namespacePrefix, .namespaceSuffix)
    }

    private static func text(
        _ pattern: AuthorizationPolicy.StringMatch, _ exact: RuleKey.Kind, _ prefix: RuleKey.Kind,
        _ suffix: RuleKey.Kind
    ) -> Need {
        switch pattern {
        case .exact(let text): Need(kind: exact, key: RuleKey(exact, TextHash.of(text.utf8)), length: 0)
        case .prefix(let text):
            Need(kind: prefix, key: RuleKey(prefix, TextHash.of(text.utf8)), length: text.utf8.count)
        case .suffix(let text):
            Need(kind: suffix, key: RuleKey(suffix, TextHash.of(text.utf8.reversed())), length: text.utf8.count)
        // A peer has a principal and a namespace, and nobody else has either.
        case .presence: Need(kind: .principalPrefix, key: RuleKey(.principalPrefix, TextHash.of([])), length: 0)
        }
    }

    static func block(_ block: CIDR, _ kind: RuleKey.Kind) -> Need {
        let length = Int(block.prefixLength)
        // Lengths of IPv6 blocks are filed above those of IPv4.
        return Need(
            kind: kind, key: RuleKey(kind, block: block.address, length: length),
            length: length + (block.address.isV4 ? 0 : FactKeys.v6Offset))
    }
}

extension AuthorizationPolicy.Match {
    /// The match holds only if each of these has a need among the facts.
    fileprivate var neededFields: [Filing.Field] {
        let fields: [Filing.Field] = [
            destinationPorts.map { .port($0) }, serviceAccounts.map { .account($0) },
            principals.map { .principal($0) }, namespaces.map { .namespace($0) },
            sourceIPs.map { .block($0, .source) }, destinationIPs.map { .block($0, .destination) },
        ]
        return fields.filter { !$0.isEmpty }
    }

    /// The match fails when one of these is a fact.
    fileprivate var blockers: [Blocker] {
        var values: [Blocker.Value] = notDestinationPorts.map { .port($0) }
        values += notServiceAccounts.map { .account($0) }
        values += notPrincipals.map { .principal($0) }
        values += notNamespaces.map { .namespace($0) }
        values += notSourceIPs.map { .source($0) }
        values += notDestinationIPs.map { .destination($0) }
        return values.map { Blocker(value: $0) }
    }
}
