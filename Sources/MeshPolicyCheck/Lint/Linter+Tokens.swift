import MeshCore
import MeshKubernetes
import MeshPolicy
import MeshTokens

/// RequestAuthentications, and the providers of CUSTOM policies, which see requests before tokens are looked at.
extension Linter {
    mutating func lint(_ policy: RequestAuthentication) {
        let (object, place) = ("RequestAuthentication \(policy.identity)", policy.identity.position)
        if policy.targets.isEmpty {
            add(
                .error, "not-enforced", object: object, place,
                "node proxies do not look at tokens, and waypoints only at policies with targetRefs: nobody checks one",
                "attach it to a waypoint or a service by targetRefs")
        }
        for target in policy.targets {
            guard let failure = judge.index.failure(of: target, namespace: policy.identity.namespace) else { continue }
            add(
                .error, "unbound-target", object: object, target.position,
                "it is enforced nowhere for \(target): \(failure.message)",
                "correct the reference, or give the target a waypoint (label istio.io/use-waypoint)")
        }
        if !policy.targets.isEmpty, !policy.rules.isEmpty, !requiresToken(policy) {
            add(
                .warning, "token-not-required", object: object, place,
                "no AuthorizationPolicy there looks at tokens, and a request without any token passes",
                "add an ALLOW policy with requestPrincipals, or a DENY policy with notRequestPrincipals: [\"*\"]")
        }
        for rule in policy.rules { lint(rule, object, rule.position == .unknown ? place : rule.position) }
    }

    private mutating func lint(_ rule: JWTRule, _ object: String, _ place: FilePosition) {
        if !rule.fromCookies.isEmpty, !rule.forwardOriginalToken {
            add(
                .warning, "token-stays-in-cookie", object: object, place,
                "the token is removed from headers and parameters, and never from cookies: it goes on to the service",
                "carry it in a header, or set forwardOriginalToken: true to say that it goes on")
        }
        switch rule.keys {
        case .inline(let text):
            do throws(KeySet.Problem) { _ = try KeySet(parsing: Array(text.utf8)) } catch {
                add(
                    .error, "keys-of-no-use", object: object, place,
                    "every token of issuer \(rule.issuer) is refused: \(error)", "write the issuer's public keys")
            }
        case .remote(let text): lintKeys(text, object, place)
        case .discovered: lintKeys(rule.issuer, object, place)
        }
    }

    private mutating func lintKeys(_ text: String, _ object: String, _ place: FilePosition) {
        guard let url = KeyURL(text) else {
            add(
                .error, "keys-of-no-use", object: object, place,
                "keys cannot be fetched from \"\(text)\", so every token is refused",
                "write an http or https URL of a host, without user and fragment, or give jwks")
            return
        }
        if let ip = url.address, BlockedAddresses.standard.contains(where: { $0.contains(ip) }) {
            add(
                .error, "keys-of-no-use", object: object, place,
                "keys are never fetched from \(ip), so every token is refused", "serve them somewhere else")
        } else if !url.isSecure {
            add(
                .warning, "keys-over-http", object: object, place,
                "whoever can change the answer of \(url) can sign tokens for anybody", "use https")
        }
    }

    /// Whether a policy that is attached to the same thing asks for a token.
    private func requiresToken(_ authentication: RequestAuthentication) -> Bool {
        judge.cluster.policies.contains { policy in
            guard !policy.targets.isEmpty, policy.action == .allow || policy.action == .deny else { return false }
            let isNear = policy.identity.namespace == authentication.identity.namespace
            let isSame =
                isNear
                && policy.targets.contains { target in
                    authentication.targets.contains { $0.description == target.description }
                }
            let isAbove = policy.targets.contains { $0.kind == .gateway || $0.kind == .gatewayClass }
            guard isSame || isAbove else { return false }
            return policy.rules.contains { rule in
                rule.from.contains { !$0.requestPrincipals.isEmpty }
                    || rule.when.contains { $0.key.hasPrefix("request.auth.") }
            }
        }
    }

    // MARK: CUSTOM

    mutating func lintProviders() {
        let custom = judge.cluster.policies.filter { $0.action == .custom && !$0.targets.isEmpty }
        let providers = judge.cluster.settings.extensionProviders
        let validated = Set(judge.cluster.requestAuthentications.flatMap(\.rules).flatMap(\.validatedHeaders))
        for policy in custom {
            let name = policy.provider ?? ""
            let provider = providers.first { $0.name == name }
            switch provider?.service {
            case nil:
                // Without the mesh's settings nothing can be said of its providers.
                add(
                    providers.isEmpty ? .warning : .error, "unknown-provider", policy, .unknown,
                    "extension provider \"\(name)\" is not in the mesh configuration: whatever its rules match is denied",
                    "add it to extensionProviders, or give the ConfigMap istio with -f")
            case .other?:
                add(
                    .error, "unknown-provider", policy, .unknown,
                    "extension provider \"\(name)\" is no external authorizer: whatever its rules match is denied",
                    "name a provider of envoyExtAuthzHttp or envoyExtAuthzGrpc")
            case .httpAuthorizer(let http)?: lintEndpoint(http.endpoint, name, policy)
            case .grpcAuthorizer(let grpc)?: lintEndpoint(grpc.endpoint, name, policy)
            }
            lintEarlyHeaders(policy, validated)
        }
        let scopes = Dictionary(grouping: custom) { policy in
            policy.identity.namespace + " " + policy.targets.map(\.description).sorted().joined(separator: ",")
        }
        for policies in scopes.values {
            let names = Set(policies.map { $0.provider ?? "" }).sorted()
            guard names.count > 1 else { continue }
            for policy in policies {
                add(
                    .error, "several-providers", policy, .unknown,
                    "CUSTOM policies in one place name several providers (\(names.joined(separator: ", "))): whatever "
                        + "their rules match is denied", "use one provider")
            }
        }
    }

    private mutating func lintEndpoint(_ endpoint: ExtensionProvider.Endpoint, _ name: String, _ policy: SecurityPolicy)
    {
        guard endpoint.failOpen else { return }
        add(
            .warning, "provider-fails-open", policy, .unknown,
            "provider \(name) has failOpen: while it cannot be asked, every request passes", "set failOpen: false")
    }

    /// Headers that validation sets are not there yet when CUSTOM rules are matched; whoever calls may have written them.
    private mutating func lintEarlyHeaders(_ policy: SecurityPolicy, _ validated: Set<String>) {
        for condition in policy.rules.flatMap(\.when) {
            guard case .requestHeader(let name)? = condition.attribute, validated.contains(name) else { continue }
            add(
                .warning, "custom-before-token", policy, condition.position,
                "CUSTOM rules are matched before tokens: header \(name) is not there yet, or is the client's own",
                "match on what the client cannot choose, or use request.auth.claims in an ALLOW or DENY policy")
        }
    }
}
