import MeshCore
import Yams

extension ConfigReader {
    mutating func policy(_ node: Node, _ path: ConfigPath) -> AuthorizationPolicy? {
        var policy = AuthorizationPolicy(name: "", namespace: "", scope: .namespace, action: .allow, rules: [])
        var missing: Set = ["name", "namespace", "scope", "action", "rules"]
        for (key, keyNode, value) in pairs(node, path) {
            missing.remove(key)
            let path = path.key(key)
            switch key {
            case "name": policy.name = text(value, path)
            case "namespace": policy.namespace = text(value, path)
            case "scope": policy.scope = choice(value, path, .namespace)
            case "action": policy.action = choice(value, path, .allow)
            case "dryRun": policy.dryRun = bool(value, path)
            case "rules":
                policy.rules = list(value, path) { reader, rule, path in
                    AuthorizationPolicy.Rule(
                        clauses: reader.list(rule, path) { reader, clause, path in
                            AuthorizationPolicy.Clause(matches: reader.list(clause, path) { $0.match($1, $2) })
                        })
                }
            default:
                problem(path, keyNode, "unknown key; expected one of name, namespace, scope, action, rules, dryRun")
            }
        }
        for key in missing.sorted() { problem(path, node, "needs \(key)") }
        return policy
    }

    private static let matchKeys =
        "namespaces, notNamespaces, principals, notPrincipals, serviceAccounts, notServiceAccounts, sourceIps, "
        + "notSourceIps, destinationIps, notDestinationIps, destinationPorts, notDestinationPorts"

    private mutating func match(_ node: Node, _ path: ConfigPath) -> AuthorizationPolicy.Match? {
        var match = AuthorizationPolicy.Match()
        for (key, keyNode, value) in pairs(node, path) {
            let path = path.key(key)
            switch key {
            case "namespaces": match.namespaces = strings(value, path)
            case "notNamespaces": match.notNamespaces = strings(value, path)
            case "principals": match.principals = strings(value, path)
            case "notPrincipals": match.notPrincipals = strings(value, path)
            case "serviceAccounts": match.serviceAccounts = accounts(value, path)
            case "notServiceAccounts": match.notServiceAccounts = accounts(value, path)
            case "sourceIps": match.sourceIPs = list(value, path) { $0.cidr($1, $2) }
            case "notSourceIps": match.notSourceIPs = list(value, path) { $0.cidr($1, $2) }
            case "destinationIps": match.destinationIPs = list(value, path) { $0.cidr($1, $2) }
            case "notDestinationIps": match.notDestinationIPs = list(value, path) { $0.cidr($1, $2) }
            case "destinationPorts": match.destinationPorts = list(value, path) { $0.port($1, $2) }
            case "notDestinationPorts": match.notDestinationPorts = list(value, path) { $0.port($1, $2) }
            default: problem(path, keyNode, "unknown key; expected one of \(Self.matchKeys)")
            }
        }
        return match
    }

    private mutating func strings(_ node: Node, _ path: ConfigPath) -> [AuthorizationPolicy.StringMatch] {
        list(node, path) { reader, element, path in
            let pairs = reader.pairs(element, path)
            guard pairs.count == 1, let (key, keyNode, value) = pairs.first else {
                reader.problem(path, element, "must have exactly one of Exact, Prefix, Suffix, Presence")
                return nil
            }
            switch key {
            case "Exact": return .exact(reader.text(value, path.key(key)))
            case "Prefix": return .prefix(reader.text(value, path.key(key)))
            case "Suffix": return .suffix(reader.text(value, path.key(key)))
            case "Presence": return .presence
            default:
                reader.unknownKey(key, keyNode, path, expected: "Exact, Prefix, Suffix, Presence")
                return nil
            }
        }
    }

    private mutating func accounts(
        _ node: Node, _ path: ConfigPath
    ) -> [AuthorizationPolicy.ServiceAccountMatch] {
        list(node, path) { reader, element, path in
            var account = AuthorizationPolicy.ServiceAccountMatch(namespace: "", serviceAccount: "")
            for (key, keyNode, value) in reader.pairs(element, path) {
                switch key {
                case "namespace": account.namespace = reader.text(value, path.key(key))
                case "serviceAccount": account.serviceAccount = reader.text(value, path.key(key))
                default: reader.unknownKey(key, keyNode, path, expected: "namespace, serviceAccount")
                }
            }
            return account
        }
    }
}
