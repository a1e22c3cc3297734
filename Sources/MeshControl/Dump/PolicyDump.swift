package import MeshCore

/// An authorization policy in the JSON of `/config_dump`.
package struct PolicyDump: Codable, Sendable, Equatable {
    package var name: String
    package var namespace: String
    package var scope: String
    package var action: String
    /// Rules, their clauses, their matches.
    package var rules: [[[MatchDump]]]
    package var dryRun: Bool?
    /// Of a policy that was translated from manifests. Ours.
    package var origin: PolicyOrigin?

    package init(_ policy: AuthorizationPolicy, _ origin: PolicyOrigin? = nil) {
        name = policy.name
        namespace = policy.namespace
        scope = policy.scope.rawValue
        action = policy.action.rawValue
        rules = policy.rules.map { $0.clauses.map { $0.matches.map { MatchDump($0) } } }
        dryRun = policy.dryRun ? true : nil
        self.origin = origin
    }

    var key: String { "\(namespace)/\(name)" }

    func record() throws(DumpError) -> AuthorizationPolicy {
        let owner = DumpOwner(name: "policy \(key)")
        var rules: [AuthorizationPolicy.Rule] = []
        for rule in self.rules {
            var clauses: [AuthorizationPolicy.Clause] = []
            for clause in rule {
                var matches: [AuthorizationPolicy.Match] = []
                for match in clause { matches.append(try match.record(of: owner)) }
                clauses.append(.init(matches: matches))
            }
            rules.append(.init(clauses: clauses))
        }
        return AuthorizationPolicy(
            name: name, namespace: namespace, scope: try owner.read(scope) { .init(rawValue: $0) },
            action: try owner.read(action) { .init(rawValue: $0) }, rules: rules, dryRun: dryRun ?? false)
    }
}

package struct MatchDump: Codable, Sendable, Equatable {
    package var namespaces: [StringMatchDump]?
    package var notNamespaces: [StringMatchDump]?
    package var principals: [StringMatchDump]?
    package var notPrincipals: [StringMatchDump]?
    package var serviceAccounts: [ServiceAccountDump]?
    package var notServiceAccounts: [ServiceAccountDump]?
    package var sourceIps: [String]?
    package var notSourceIps: [String]?
    package var destinationIps: [String]?
    package var notDestinationIps: [String]?
    package var destinationPorts: [UInt16]?
    package var notDestinationPorts: [UInt16]?

    package struct ServiceAccountDump: Codable, Sendable, Equatable {
        package var namespace: String
        package var serviceAccount: String

        init(_ match: AuthorizationPolicy.ServiceAccountMatch) {
            (namespace, serviceAccount) = (match.namespace, match.serviceAccount)
        }

        var record: AuthorizationPolicy.ServiceAccountMatch {
            .init(namespace: namespace, serviceAccount: serviceAccount)
        }
    }

    init(_ match: AuthorizationPolicy.Match) {
        func texts(_ list: [AuthorizationPolicy.StringMatch]) -> [StringMatchDump]? {
            list.map { StringMatchDump(match: $0) }.unlessEmpty
        }
        namespaces = texts(match.namespaces)
        notNamespaces = texts(match.notNamespaces)
        principals = texts(match.principals)
        notPrincipals = texts(match.notPrincipals)
        serviceAccounts = match.serviceAccounts.map { ServiceAccountDump($0) }.unlessEmpty
        notServiceAccounts = match.notServiceAccounts.map { ServiceAccountDump($0) }.unlessEmpty
        sourceIps = match.sourceIPs.map(\.description).unlessEmpty
        notSourceIps = match.notSourceIPs.map(\.description).unlessEmpty
        destinationIps = match.destinationIPs.map(\.description).unlessEmpty
        notDestinationIps = match.notDestinationIPs.map(\.description).unlessEmpty
        destinationPorts = match.destinationPorts.unlessEmpty
        notDestinationPorts = match.notDestinationPorts.unlessEmpty
    }

    func record(of owner: DumpOwner) throws(DumpError) -> AuthorizationPolicy.Match {
        func blocks(_ texts: [String]?) throws(DumpError) -> [CIDR] {
            var blocks: [CIDR] = []
            for text in texts ?? [] { blocks.append(try owner.read(text) { CIDR($0) }) }
            return blocks
        }
        var match = AuthorizationPolicy.Match()
        match.namespaces = (namespaces ?? []).map(\.match)
        match.notNamespaces = (notNamespaces ?? []).map(\.match)
        match.principals = (principals ?? []).map(\.match)
        match.notPrincipals = (notPrincipals ?? []).map(\.match)
        match.serviceAccounts = (serviceAccounts ?? []).map(\.record)
        match.notServiceAccounts = (notServiceAccounts ?? []).map(\.record)
        match.sourceIPs = try blocks(sourceIps)
        match.notSourceIPs = try blocks(notSourceIps)
        match.destinationIPs = try blocks(destinationIps)
        match.notDestinationIPs = try blocks(notDestinationIps)
        match.destinationPorts = destinationPorts ?? []
        match.notDestinationPorts = notDestinationPorts ?? []
        return match
    }
}

/// `{"Exact": "x"}`, `{"Prefix": "x"}`, `{"Suffix": "x"}` or `{"Presence": []}`.
package struct StringMatchDump: Codable, Sendable, Equatable {
    package var match: AuthorizationPolicy.StringMatch

    private enum CodingKeys: String, CodingKey {
        case exact = "Exact", prefix = "Prefix", suffix = "Suffix", presence = "Presence"
    }

    init(match: AuthorizationPolicy.StringMatch) { self.match = match }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        if let text = try values.decodeIfPresent(String.self, forKey: .exact) {
            match = .exact(text)
        } else if let text = try values.decodeIfPresent(String.self, forKey: .prefix) {
            match = .prefix(text)
        } else if let text = try values.decodeIfPresent(String.self, forKey: .suffix) {
            match = .suffix(text)
        } else if values.contains(.presence) {
            match = .presence
        } else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: values.codingPath, debugDescription: "expected Exact, Prefix, Suffix or Presence"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        switch match {
        case .exact(let text): try values.encode(text, forKey: .exact)
        case .prefix(let text): try values.encode(text, forKey: .prefix)
        case .suffix(let text): try values.encode(text, forKey: .suffix)
        case .presence: try values.encode([String](), forKey: .presence)
        }
    }
}
