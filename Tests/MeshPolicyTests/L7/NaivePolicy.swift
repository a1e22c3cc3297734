import MeshCore
import MeshPolicy

/// Policies as the documents describe them, one after the other and with texts: slow, and too simple to be wrong. Knows
/// nothing of patterns, compilation or indices.
struct NaivePolicy {
    let policy: SecurityPolicy
    let request: Request
    let settings: MeshSettings

    var firstMatch: Int? { policy.rules.firstIndex(where: matches) }

    private func matches(_ rule: SecurityRule) -> Bool {
        (rule.from.isEmpty || rule.from.contains(where: source))
            && (rule.to.isEmpty || rule.to.contains(where: operation))
            && rule.when.allSatisfy(condition)
    }

    private func holds<T>(_ criterion: Criterion<T>, _ test: (T) -> Bool) -> Bool {
        (criterion.values.isEmpty || criterion.values.contains(where: test))
            && !criterion.notValues.contains(where: test)
    }

    private func source(_ source: SecurityPolicy.Source) -> Bool {
        holds(source.principals, principal) && holds(source.namespaces, namespace)
            && holds(source.serviceAccounts) { account($0.namespace, $0.name) }
            && holds(source.trustDomains, trustDomain)
            && holds(source.ipBlocks) { $0.contains(address(request.source)) }
            && holds(source.remoteIPBlocks) { $0.contains(remote) }
            && holds(source.requestPrincipals, requestPrincipal)
    }

    private func operation(_ operation: SecurityPolicy.Operation) -> Bool {
        holds(operation.ports) { "\($0)" == request.destination.split(separator: ":")[1] }
            && holds(operation.methods) { generic($0, request.method) }
            && holds(operation.hosts) { generic($0.lowercased(), request.host.lowercased()) }
            && holdsPaths(operation.paths)
    }

    private func holdsPaths(_ criterion: Criterion<String>) -> Bool {
        let wide = policy.action != .allow
        return (criterion.values.isEmpty || criterion.values.contains { path($0, wide: wide) })
            && !criterion.notValues.contains { path($0, wide: !wide) }
    }

    private func condition(_ condition: SecurityPolicy.Condition) -> Bool {
        holds(condition.values) { value in
            switch condition.key {
            case "source.ip": return CIDR(value)?.contains(address(request.source)) ?? false
            case "remote.ip": return CIDR(value)?.contains(remote) ?? false
            case "destination.ip":
                return CIDR(value)?.contains(address(String(request.destination.split(separator: ":")[0]))) ?? false
            case "destination.port": return value == request.destination.split(separator: ":")[1]
            case "source.namespace": return namespace(value)
            case "source.principal": return principal(value)
            case "source.trustDomain": return trustDomain(value)
            case "source.serviceAccount":
                let parts = value.split(separator: "/").map(String.init)
                return parts.count == 2 ? account(parts[0], parts[1]) : account(nil, value)
            case "connection.sni": return generic(value, request.serverName)
            case "request.auth.principal": return requestPrincipal(value)
            case "request.auth.audiences": return claim(request.claims?["aud"], value)
            case "request.auth.presenter": return claim(request.claims?["azp"], value)
            case "request.auth.claims[a][b]":
                guard case .object(let inner)? = request.claims?["a"] else { return false }
                return claim(inner["b"], value)
            case "request.headers[X-A]":
                let found = request.headers.filter { $0.0 == "x-a" }
                return !found.isEmpty && generic(value, found.map(\.1).joined(separator: ","))
            default: fatalError("a key that the generator should not make: \(condition.key)")
            }
        }
    }

    // MARK: Values

    /// Trust domain, namespace, service account.
    private var peer: (String, String, String)? {
        request.identity.map { text in
            let parts = text.split(separator: "/").map(String.init)
            return (parts[0], parts[2], parts[4])
        }
    }

    private func address(_ text: String) -> IPAddress { IPAddress(text) ?? .anyV4 }

    private var remote: IPAddress {
        guard let header = request.headers.last(where: { $0.0 == "x-forwarded-for" }),
            let last = header.1.split(separator: ",").last
        else { return address(request.source) }
        return IPAddress(last.filter { $0 != " " }) ?? address(request.source)
    }

    func generic(_ pattern: String, _ text: String) -> Bool {
        if pattern == "*" { return text != "" }
        if pattern.hasPrefix("*") { return text.hasSuffix(pattern.dropFirst()) }
        if pattern.hasSuffix("*") { return text.hasPrefix(pattern.dropLast()) }
        return pattern == text
    }

    private func principal(_ value: String) -> Bool {
        guard let identity = request.identity else { return false }
        let parts = value.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let ours = settings.trustDomains
        // A domain with a star in front that fits one of ours is left as it is for that one.
        guard parts.count == 5, parts[0] != "*",
            parts[0] == "cluster.local" || ours.contains(where: { generic(parts[0], $0) })
        else { return generic(value, identity) }
        return ours.contains { domain in
            let isKept = parts[0].hasPrefix("*") && generic(parts[0], domain)
            return generic(isKept ? value : ([domain] + parts.dropFirst()).joined(separator: "/"), identity)
        }
    }

    private func namespace(_ value: String) -> Bool { peer.map { wildcard(Array(value), Array($0.1)) } ?? false }

    private func trustDomain(_ value: String) -> Bool {
        guard let peer else { return false }
        let values = settings.trustDomains.contains(value) ? settings.trustDomains : [value]
        return values.contains { wildcard(Array($0), Array(peer.0)) }
    }

    private func account(_ namespace: String?, _ name: String) -> Bool {
        peer.map { $0.1 == namespace ?? policy.identity.namespace && $0.2 == name } ?? false
    }

    private func wildcard(_ pattern: [Character], _ text: [Character]) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = Array(pattern.dropFirst())
        if first == "*" { return (0...text.count).contains { wildcard(rest, Array(text.dropFirst($0))) } }
        return text.first == first && wildcard(rest, Array(text.dropFirst()))
    }

    private func path(_ value: String, wide: Bool) -> Bool {
        let path = String(request.target.prefix { $0 != "?" })
        guard value.contains("{*}") || value.contains("{**}") else { return generic(value, path) }
        return template(Array(value), Array(path), wide)
    }

    private func template(_ pattern: [Character], _ text: [Character], _ wide: Bool) -> Bool {
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()+,;:@=")
        if pattern.starts(with: "{**}") {
            let rest = Array(pattern.dropFirst(4))
            let run = text.prefix { wide || $0 == "/" || allowed.contains($0) }.count
            return (0...run).contains { template(rest, Array(text.dropFirst($0)), wide) }
        }
        if pattern.starts(with: "{*}") {
            let rest = Array(pattern.dropFirst(3))
            let run = text.prefix { $0 != "/" && (wide || allowed.contains($0)) }.count
            return run > 0 && (1...run).contains { template(rest, Array(text.dropFirst($0)), wide) }
        }
        guard let first = pattern.first else { return text.isEmpty }
        return text.first == first && template(Array(pattern.dropFirst()), Array(text.dropFirst()), wide)
    }

    private func requestPrincipal(_ value: String) -> Bool {
        guard case .string(let issuer)? = request.claims?["iss"], case .string(let subject)? = request.claims?["sub"]
        else { return false }
        if value == "*" { return issuer != "" && subject != "" }
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        let front = parts.dropLast().joined(separator: "/")
        let back = String(parts.last ?? "")
        if value.hasPrefix("*") {
            return parts.count == 1
                ? issuer != "" && generic(value, subject) : generic(front, issuer) && subject == back
        }
        if value.hasSuffix("*") {
            return parts.count == 1
                ? generic(value, issuer) && subject != "" : issuer == front && generic(back, subject)
        }
        return parts.count == 1 ? issuer == value && subject == "" : issuer == front && subject == back
    }

    private func claim(_ value: ClaimValue?, _ pattern: String) -> Bool {
        switch value {
        case .string(let text)?: generic(pattern, text)
        case .list(let list)?:
            list.contains { if case .string(let text) = $0 { generic(pattern, text) } else { false } }
        default: false
        }
    }
}
