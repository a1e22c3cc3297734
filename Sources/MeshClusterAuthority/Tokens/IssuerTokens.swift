package import MeshCA
import MeshCore
package import MeshTokens

/// Verifies the service account tokens of one issuer by its keys, without asking it about each.
///
/// Source: Kubernetes, bound service account tokens; OpenID Connect Core. The token ends with its `exp`; that its pod
/// was deleted is for whoever knows the pods (`ServiceAccountCaller.isOffline`).
package final class IssuerTokens: Sendable {
    private let rule: ServiceTokenRule
    private let cluster: String
    private let keys: IssuerKeys

    /// - Parameter cluster: the id of the cluster whose accounts the tokens name.
    package init(rule: ServiceTokenRule, cluster: String, keys: IssuerKeys) {
        self.rule = rule
        self.cluster = cluster
        self.keys = keys
    }

    package func run(clock: any WallClock) async { await keys.run(clock: clock) }

    /// - Parameter now: seconds since 1970.
    package func caller(_ text: some StringProtocol, now: Int64) async throws(TokenProblem) -> ServiceAccountCaller {
        let token = try token(Array(text.utf8), now: now)
        guard let known = await keys.current(now: now) else {
            let why = await keys.failure ?? "they are being fetched"
            throw .unavailable("keys of \(rule.issuer): \(why)")
        }
        var failure = failure(of: token, with: known)
        if failure == .noKey, let fresh = await keys.again(now: now) { failure = self.failure(of: token, with: fresh) }
        if let failure { throw refused("\(failure)") }
        return try caller(of: token)
    }

    private func token(_ bytes: [UInt8], now: Int64) throws(TokenProblem) -> JSONWebToken {
        do {
            let token = try JSONWebToken(parsing: bytes)
            try rule.check(token, now: now)
            return token
        } catch {
            throw refused("\(error)")
        }
    }

    private func failure(of token: JSONWebToken, with keys: KeySet) -> TokenFailure? {
        do {
            try rule.verify(token, with: keys)
            return nil
        } catch {
            return error
        }
    }

    private func caller(of token: JSONWebToken) throws(TokenProblem) -> ServiceAccountCaller {
        guard case .string(let subject)? = token.claims["sub"], let account = ServiceAccount(username: subject) else {
            throw refused("its subject is no service account")
        }
        var caller = ServiceAccountCaller(account: account, cluster: cluster)
        caller.isOffline = true
        guard let nested = token.claims["kubernetes.io"] else { return caller }
        guard case .object(let claims) = nested, claims.text("namespace") == account.namespace,
            claims.object("serviceaccount")?.text("name") == account.name
        else { throw refused("its claims name another account than its subject") }
        caller.pod = try bound("pod", claims)
        caller.node = try bound("node", claims)
        return caller
    }

    private func bound(_ kind: String, _ claims: [String: ClaimValue]) throws(TokenProblem)
        -> ServiceAccountCaller.Bound?
    {
        guard claims[kind] != nil else { return nil }
        guard let object = claims.object(kind), let name = object.text("name"), !name.isEmpty else {
            throw refused("its \(kind) has no name")
        }
        return ServiceAccountCaller.Bound(name: name, uid: object.text("uid").flatMap { $0.isEmpty ? nil : $0 })
    }

    private func refused(_ reason: String) -> TokenProblem { .refused("token of \(rule.issuer): \(reason)") }
}

extension [String: ClaimValue] {
    fileprivate func text(_ name: String) -> String? { if case .string(let text)? = self[name] { text } else { nil } }
    fileprivate func object(_ name: String) -> [String: ClaimValue]? {
        if case .object(let members)? = self[name] { members } else { nil }
    }
}
