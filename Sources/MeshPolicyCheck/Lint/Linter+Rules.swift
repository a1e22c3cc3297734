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
            case .sourceTrustDomain: trustDomains(condition.values, policy, condition.position)
            case .requestPrincipal: requestPrincipals(condition.values, policy, condition.position)
            case .requestHeader: stars(condition.values, condition.key, policy, condition.position)
            default: break
            }
            contradictions(condition.values, condition.key, policy, condition.position)
        }
        guard policy.action == .allow, !rule.from.isEmpty || !rule.to.isEmpty || !rule.when.isEmpty else { return }
        // Nobody in particular is asked for, so whoever has no identity and no token is let in by what is left.
        let isNegative =
            rule.from.contains { $0.hasOnlyNegatives }
            || (rule.from.isEmpty && rule.to.allSatisfy { $0.hasOnlyNegatives }
                && rule.when.allSatisfy { $0.values.values.isEmpty })
        if isNegative, !rule.when.contains(where: { $0.namesPeer }) {
            add(
                .warning, "only-negative-allow", policy, rule.position,
                "rule \(number) allows whoever is not named, those without any identity among them",
                "say who is allowed, or add principals: [\"*\"]")
        }
    }

    private mutating func lint(_ source: SecurityPolicy.Source, _ policy: SecurityPolicy) {
        principals(source.principals, policy, source.position)
        trustDomains(source.trustDomains, policy, source.position)
        requestPrincipals(source.requestPrincipals, policy, source.position)
        for namespace in source.namespaces.values where namespace.contains("/") {
            add(
                .error, "never-matches", policy, source.position,
                "namespace \"\(namespace)\" never matches: it has a slash",
                "write the name of the namespace alone, or use principals")
        }
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
        stars(operation.methods, "methods", policy, position)
        stars(operation.hosts, "hosts", policy, position)
        stars(
            Criterion(
                operation.paths.values.filter { !PathTemplate.isTemplate($0) },
                not: operation.paths.notValues.filter { !PathTemplate.isTemplate($0) }), "paths", policy, position)
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
        for path in operation.paths.values where path.contains("?") || path.contains("#") {
            add(
                .error, "never-matches", policy, position,
                "path \"\(path)\" never matches: paths are compared without query and fragment",
                "write what stands before the ? or #")
        }
        if policy.action == .deny, !operation.paths.values.isEmpty {
            add(
                .warning, "deny-with-paths", policy, position,
                "a DENY by path misses other spellings of it: /a/, //a, /A, /a;x, /a%2f",
                "allow the paths that are wanted instead, or deny \"/a*\" with pathNormalization MERGE_SLASHES")
        }
        if judge.cluster.settings.pathNormalization == .none, !operation.paths.isEmpty {
            add(
                .warning, "paths-not-normalized", policy, position,
                "pathNormalization is NONE, so \"/a/../b\" and \"/%62\" are other paths than \"/b\" to policies, and perhaps "
                    + "not to the service", "set pathNormalization to BASE or MERGE_SLASHES")
        }
        lintHosts(operation, policy, position)
    }

    private mutating func lintHosts(
        _ operation: SecurityPolicy.Operation, _ policy: SecurityPolicy, _ position: FilePosition
    ) {
        for host in operation.hosts.values where host.contains("/") {
            add(
                .error, "never-matches", policy, position, "host \"\(host)\" never matches: it has a slash",
                "write the name alone, without scheme and path")
        }
        if policy.action == .deny, operation.hosts.values.contains(where: { $0 != "*" }) {
            add(
                .warning, "deny-with-hosts", policy, position,
                "a DENY by host misses other names of the same service: its address, its short names, a dot at the end",
                "allow the hosts that are wanted instead, or attach the policy to the service")
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
        stars(values, "principals", policy, position)
        for value in values.values + values.notValues {
            if value.hasPrefix("spiffe://") {
                add(
                    .error, "principal-with-scheme", policy, position,
                    "principal \"\(value)\" never matches: principals have no scheme",
                    "write \"\(value.dropFirst("spiffe://".count))\"")
                continue
            }
            let parts = value.split(separator: "/", omittingEmptySubsequences: false)
            if !value.contains("*"), parts.count != 5 || parts[1] != "ns" || parts[3] != "sa" {
                add(
                    .error, "never-matches", policy, position,
                    "principal \"\(value)\" never matches: no identity is called so",
                    "write TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT")
            } else if aliases.isForeign(value) {
                add(
                    .warning, "foreign-trust-domain", policy, position,
                    "principal \"\(value)\" is of a trust domain that this mesh does not know "
                        + "(\(aliases.domains.joined(separator: ", ")))",
                    "write cluster.local for the mesh's own, or add the domain to trustDomainAliases")
            }
        }
    }

    private mutating func trustDomains(
        _ values: Criterion<String>, _ policy: SecurityPolicy, _ position: FilePosition
    ) {
        guard (values.values + values.notValues).contains("cluster.local"), !aliases.domains.contains("cluster.local")
        else { return }
        add(
            .warning, "foreign-trust-domain", policy, position,
            "trustDomains takes cluster.local as it is written; it means the mesh's own domain only in principals",
            "write \"\(aliases.domains[0])\"")
    }

    /// Divided at the last slash, which may be one of the scheme's.
    private mutating func requestPrincipals(
        _ values: Criterion<String>, _ policy: SecurityPolicy, _ position: FilePosition
    ) {
        for value in values.values + values.notValues {
            if let scheme = value.firstRange(of: "://"), !value[scheme.upperBound...].contains("/") {
                add(
                    .error, "request-principal-divided", policy, position,
                    "request principal \"\(value)\" is divided at its last slash, so its issuer is "
                        + "\"\(value[..<value.index(before: scheme.upperBound)])\"",
                    "write the whole issuer, a slash and the subject: ISSUER/*")
            } else if !value.contains("/"), !value.contains("*") {
                add(
                    .error, "never-matches", policy, position,
                    "request principal \"\(value)\" never matches: it wants an empty subject",
                    "write ISSUER/SUBJECT, or \"\(value)/*\" for any subject")
            }
        }
    }

    /// A star that is neither the first nor the last character.
    private mutating func stars(
        _ values: Criterion<String>, _ field: String, _ policy: SecurityPolicy, _ position: FilePosition
    ) {
        for value in values.values + values.notValues {
            let rest = value.hasPrefix("*") ? value.dropFirst() : value.hasSuffix("*") ? value.dropLast() : value[...]
            guard rest.contains("*") else { continue }
            add(
                .warning, "literal-star", policy, position,
                "\(field) \"\(value)\": only a * at one end is a wildcard; this one is a character",
                field == "paths" ? "use {*} for a segment, or * at one end" : "put the * at one end, or list the values"
            )
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

extension SecurityPolicy.Condition {
    /// Whether it asks for an identity, or for a token.
    fileprivate var namesPeer: Bool {
        if values.values.isEmpty { return false }
        switch attribute {
        case .sourcePrincipal, .sourceNamespace, .sourceServiceAccount, .sourceTrustDomain, .requestPrincipal, .claim,
            .audience, .presenter, .sourceIP:
            return true
        default: return false
        }
    }
}

extension SecurityPolicy.Operation {
    fileprivate var hasOnlyNegatives: Bool {
        hosts.values.isEmpty && ports.values.isEmpty && methods.values.isEmpty && paths.values.isEmpty
    }
}
