import MeshCore
import MeshYAML

extension ConfigReader {
    mutating func policy(_ node: YAMLNode) -> AuthorizationPolicy? {
        var policy = AuthorizationPolicy(name: "", namespace: "", scope: .namespace, action: .allow, rules: [])
        let before = problemCount
        var found: Set<String> = []
        for (key, value) in pairs(node) {
            found.insert(key.text)
            switch key {
            case "name": policy.name = text(value)
            case "namespace": policy.namespace = text(value)
            case "scope": policy.scope = choice(value, .namespace)
            case "action": policy.action = choice(value, .allow)
            case "dryRun": policy.dryRun = bool(value)
            case "rules":
                policy.rules = list(value) { reader, rule in
                    AuthorizationPolicy.Rule(
                        clauses: reader.list(rule) { reader, clause in
                            AuthorizationPolicy.Clause(matches: reader.list(clause) { $0.match($1) })
                        })
                }
            default:
                unknownKey(key, expected: "name, namespace, scope, action, rules, dryRun")
            }
        }
        for key in ["action", "name", "namespace", "rules", "scope"] where !found.contains(key) {
            missing(node, "needs \(key)", since: before)
        }
        return policy
    }

    private static let matchKeys =
        "namespaces, notNamespaces, principals, notPrincipals, serviceAccounts, notServiceAccounts, sourceIps, "
        + "notSourceIps, destinationIps, notDestinationIps, destinationPorts, notDestinationPorts"

    private mutating func match(_ node: YAMLNode) -> AuthorizationPolicy.Match? {
        var match = AuthorizationPolicy.Match()
        for (key, value) in pairs(node) {
            switch key {
            case "namespaces": match.namespaces = strings(value)
            case "notNamespaces": match.notNamespaces = strings(value)
            case "principals": match.principals = strings(value)
            case "notPrincipals": match.notPrincipals = strings(value)
            case "serviceAccounts": match.serviceAccounts = accounts(value)
            case "notServiceAccounts": match.notServiceAccounts = accounts(value)
            case "sourceIps": match.sourceIPs = list(value) { $0.cidr($1) }
            case "notSourceIps": match.notSourceIPs = list(value) { $0.cidr($1) }
            case "destinationIps": match.destinationIPs = list(value) { $0.cidr($1) }
            case "notDestinationIps": match.notDestinationIPs = list(value) { $0.cidr($1) }
            case "destinationPorts": match.destinationPorts = list(value) { $0.port($1) }
            case "notDestinationPorts": match.notDestinationPorts = list(value) { $0.port($1) }
            default: unknownKey(key, expected: Self.matchKeys)
            }
        }
        return match
    }

    private mutating func strings(_ node: YAMLNode) -> [AuthorizationPolicy.StringMatch] {
        list(node) { reader, element in
            let pairs = reader.pairs(element)
            guard element.count == 1, let (key, value) = pairs.first(where: { _ in true }) else {
                reader.problem(element, "must have exactly one of Exact, Prefix, Suffix, Presence")
                return nil
            }
            switch key {
            case "Exact": return .exact(reader.text(value))
            case "Prefix": return .prefix(reader.text(value))
            case "Suffix": return .suffix(reader.text(value))
            case "Presence": return .presence
            default:
                reader.unknownKey(key, expected: "Exact, Prefix, Suffix, Presence")
                return nil
            }
        }
    }

    private mutating func accounts(_ node: YAMLNode) -> [AuthorizationPolicy.ServiceAccountMatch] {
        list(node) { reader, element in
            var account = AuthorizationPolicy.ServiceAccountMatch(namespace: "", serviceAccount: "")
            for (key, value) in reader.pairs(element) {
                switch key {
                case "namespace": account.namespace = reader.text(value)
                case "serviceAccount": account.serviceAccount = reader.text(value)
                default: reader.unknownKey(key, expected: "namespace, serviceAccount")
                }
            }
            return account
        }
    }
}
