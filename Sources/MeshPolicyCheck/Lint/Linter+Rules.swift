import MeshCore
import MeshKubernetes
import MeshPolicy

extension Linter {
    /// What can be said of one rule by itself.
    mutating func lint(_ rule: SecurityPolicy.Rule, _ number: Int, _ policy: SecurityPolicy) {
        for source in rule.from { lint(source, policy) }
        for operation in rule.to { lint(operation, policy) }
        for condition in rule.when {
            switch condition.attribute {
            case .remoteIP: forgeable(policy, condition.position, condition.key)
            case .sourcePrincipal: principals(condition.values, policy, condition.position)
            default: break
            }
            contradictions(condition.values, condition.key, policy, condition.position)
        }
        guard policy.action == .allow, !rule.from.isEmpty || !rule.to.isEmpty || !rule.when.isEmpty else { return }
        let isNegative =
            rule.from.allSatisfy { $0.hasOnlyNegatives } && rule.to.allSatisfy { $0.hasOnlyNegatives }
            && rule.when.allSatisfy { $0.values.values.isEmpty }
        if isNegative {
            add(
                .warning, "only-negative-allow", policy, rule.position,
                "rule \(number) allows whoever is not named, those without any identity among them",
                "say who is allowed, or add principals: [\"*\"]")
        }
    }

    private mutating func lint(_ source: SecurityPolicy.Source, _ policy: SecurityPolicy) {
        principals(source.principals, policy, source.position)
        if !source.remoteIPBlocks.isEmpty { forgeable(policy, source.position, "remoteIpBlocks") }
        contradictions(source.principals, "principals", policy, source.position)
        contradictions(source.namespaces, "namespaces", policy, source.position)
        contradictions(source.serviceAccounts, "serviceAccounts", policy, source.position)
        contradictions(source.ipBlocks, "ipBlocks", policy, source.position)
        contradictions(source.requestPrincipals, "requestPrincipals", policy, source.position)
        if !source.requestPrincipals.values.isEmpty, judge.cluster.requestAuthentications.isEmpty {
            add(
                .warning, "never-matches", policy, source.position,
                "requestPrincipals match only where a RequestAuthentication makes tokens count, and there is none",
                "add a RequestAuthentication with the same targetRefs")
        }
    }

    private mutating func lint(_ operation: SecurityPolicy.Operation, _ policy: SecurityPolicy) {
        let position = operation.position
        contradictions(operation.methods, "methods", policy, position)
        contradictions(operation.paths, "paths", policy, position)
        contradictions(operation.hosts, "hosts", policy, position)
        contradictions(operation.ports, "ports", policy, position)
        for method in operation.methods.values where method != method.uppercased() {
            add(
                .error, "never-matches", policy, position, "method \"\(method)\" never matches: methods are upper case",
                "write \"\(method.uppercased())\"")
        }
        for path in operation.paths.values where !path.hasPrefix("/") && !path.hasPrefix("*") {
            add(
                .error, "never-matches", policy, position, "path \"\(path)\" never matches: paths begin with /",
                "write \"/\(path)\"")
        }
        if policy.action == .deny, !operation.paths.values.isEmpty {
            add(
                .warning, "deny-with-paths", policy, position,
                "a DENY by path misses other spellings of it: /a/, //a, /A, /a;x, /a%2f",
                "allow the paths that are wanted instead, or deny \"/a*\" with pathNormalization MERGE_SLASHES")
        }
        let hosts = Set(operation.hosts.values.map { $0.lowercased() })
        for host in hosts.sorted() where !host.hasPrefix("*") || !host.hasSuffix("*") {
            guard !host.hasSuffix("*"), !host.contains(":"), !hosts.contains("\(host):*"), !host.isEmpty else {
                continue
            }
            if host == "*" { continue }
            add(
                .warning, "host-without-port", policy, position,
                "host \"\(host)\" does not match requests that name a port, as \(host):8080",
                "add \"\(host):*\"")
        }
    }

    private mutating func principals(
        _ values: Criterion<String>, _ policy: SecurityPolicy, _ position: FilePosition
    ) {
        for value in values.values + values.notValues where value.hasPrefix("spiffe://") {
            add(
                .error, "principal-with-scheme", policy, position,
                "principal \"\(value)\" never matches: principals have no scheme",
                "write \"\(value.dropFirst("spiffe://".count))\"")
        }
    }

    private mutating func forgeable(_ policy: SecurityPolicy, _ position: FilePosition, _ field: String) {
        add(
            .warning, "forgeable-remote-ip", policy, position,
            "\(field) looks at X-Forwarded-For, which anybody in the mesh can write",
            "use ipBlocks or source.ip, or rely on it only behind a gateway that overwrites the header")
    }

    private mutating func contradictions<Value>(
        _ values: Criterion<Value>, _ field: String, _ policy: SecurityPolicy, _ position: FilePosition
    ) {
        guard !values.values.isEmpty, Set(values.values).isSubset(of: Set(values.notValues)) else { return }
        add(
            .error, "never-matches", policy, position, "\(field) excludes every value that it asks for",
            "remove the values from one of the two lists")
    }
}

extension SecurityPolicy.Source {
    fileprivate var hasOnlyNegatives: Bool {
        principals.values.isEmpty && requestPrincipals.values.isEmpty && namespaces.values.isEmpty
            && serviceAccounts.values.isEmpty && ipBlocks.values.isEmpty && remoteIPBlocks.values.isEmpty
            && trustDomains.values.isEmpty
    }
}

extension SecurityPolicy.Operation {
    fileprivate var hasOnlyNegatives: Bool {
        hosts.values.isEmpty && ports.values.isEmpty && methods.values.isEmpty && paths.values.isEmpty
    }
}
