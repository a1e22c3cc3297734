package import MeshCore

/// PeerAuthentications as policies of layer 4: strict mutual TLS is "deny whoever has no identity".
///
/// Source: istiod's conversion. One policy at most counts per level (mesh, namespace, workload), the oldest. Selectors in
/// the root namespace do not count.
package struct PeerAuthenticationConversion: Sendable {
    package static let staticStrictName = "istio_converted_static_strict"

    /// The policies that are sent to node proxies.
    package private(set) var policies: [AuthorizationPolicy] = []
    /// What each of them was made from, by key.
    package private(set) var sources: [String: [ResourceIdentity]] = [:]
    private let rootNamespace: String
    private var meshMode = PeerAuthentication.Mode.permissive
    private var namespaceModes: [String: PeerAuthentication.Mode] = [:]
    /// Those with selectors, oldest first, by namespace.
    private var selecting: [String: [PeerAuthentication]] = [:]

    package init(_ all: [PeerAuthentication], rootNamespace: String) {
        self.rootNamespace = rootNamespace
        guard !all.isEmpty else { return }
        let sorted = all.sorted { ResourceIdentity.isOlder($0.identity, $1.identity) }
        var hasMesh = false
        var strict: [ResourceIdentity] = []
        for policy in sorted {
            let namespace = policy.identity.namespace
            switch policy.selector {
            case .labels: if namespace != rootNamespace { selecting[namespace, default: []].append(policy) }
            case .absent, .empty:
                if namespace != rootNamespace {
                    guard namespaceModes[namespace] == nil else { continue }
                    namespaceModes[namespace] = policy.mode
                } else {
                    guard !hasMesh else { continue }
                    hasMesh = true
                    if policy.mode != .unset { meshMode = policy.mode }
                }
                if policy.mode == .strict { strict.append(policy.identity) }
            }
        }
        policies.append(Self.staticStrict(rootNamespace))
        for namespace in selecting.keys.sorted() {
            for policy in selecting[namespace] ?? [] {
                if let rules = rules(of: policy) {
                    add(policy, rules)
                } else if policy.mode == .strict {
                    strict.append(policy.identity)
                }
            }
        }
        sources[strictKey] = strict
    }

    /// The oldest policy that selects pods of a namespace by their labels; `nil` when none does.
    package func selecting(in namespace: String) -> ResourceIdentity? { selecting[namespace]?.first?.identity }

    /// Mode of the namespace, before any workload policy.
    package func inheritedMode(namespace: String) -> PeerAuthentication.Mode {
        guard let mode = namespaceModes[namespace], mode != .unset else { return meshMode }
        return mode
    }

    /// Keys of the policies that a workload gets.
    package func keys(namespace: String, labels: [String: String]) -> [String] {
        if policies.isEmpty { return [] }
        let own = selecting[namespace]?.first { $0.selector.selects(labels) }
        let inherited = inheritedMode(namespace: namespace)
        guard let own else { return inherited == .strict ? [strictKey] : [] }
        if rules(of: own) != nil { return ["\(namespace)/\(Self.convertedName(own))"] }
        return (own.mode == .unset ? inherited : own.mode) == .strict ? [strictKey] : []
    }

    private var strictKey: String { "\(rootNamespace)/\(Self.staticStrictName)" }

    private static func convertedName(_ policy: PeerAuthentication) -> String {
        "converted_peer_authentication_\(policy.identity.name)"
    }

    private static func staticStrict(_ namespace: String) -> AuthorizationPolicy {
        AuthorizationPolicy(
            name: staticStrictName, namespace: namespace, scope: .workloadSelector, action: .deny,
            rules: [.init(clauses: [.init(matches: [noIdentity])])])
    }

    private static var noIdentity: AuthorizationPolicy.Match {
        var match = AuthorizationPolicy.Match()
        match.notPrincipals = [.presence]
        return match
    }

    private mutating func add(_ policy: PeerAuthentication, _ rules: [AuthorizationPolicy.Rule]) {
        let converted = AuthorizationPolicy(
            name: Self.convertedName(policy), namespace: policy.identity.namespace, scope: .workloadSelector,
            action: .deny, rules: rules)
        policies.append(converted)
        sources[converted.key] = [policy.identity]
    }

    /// What the ports of a policy add to its mode; `nil` when the mode alone says all.
    private func rules(of policy: PeerAuthentication) -> [AuthorizationPolicy.Rule]? {
        let inherited = inheritedMode(namespace: policy.identity.namespace)
        let parent = policy.mode == .unset ? inherited : policy.mode
        guard parent == .strict else {
            let strict = policy.portModes.filter { $0.value == .strict }.keys.sorted()
            return strict.isEmpty
                ? nil
                : strict.map { port in
                    var match = Self.noIdentity
                    match.destinationPorts = [port]
                    return .init(clauses: [.init(matches: [match])])
                }
        }
        let exempt = policy.portModes.filter { $0.value == .permissive || $0.value == .disable }
        // istiod does not look at ports that are DISABLE when the strict mode is an inherited one.
        guard policy.mode == .unset ? exempt.values.contains(.permissive) : !exempt.isEmpty else { return nil }
        let ports: [AuthorizationPolicy.Clause] = exempt.keys.sorted().map { port in
            var match = AuthorizationPolicy.Match()
            match.notDestinationPorts = [port]
            return .init(matches: [match])
        }
        let presence = AuthorizationPolicy.Clause(matches: [Self.noIdentity])
        return [.init(clauses: policy.mode == .unset ? ports + [presence] : [presence] + ports)]
    }
}
