import MeshCore
import MeshPolicy

typealias Match = AuthorizationPolicy.Match
typealias Rule = AuthorizationPolicy.Rule
typealias Clause = AuthorizationPolicy.Clause

/// A connection to 127.0.0.2, from td/ns/<namespace>/sa/<account> or, for `nil`, without TLS.
func facts(
    _ identity: String? = "td/ns/a/sa/one", from source: IPAddress = .loopbackV4, to port: UInt16 = 80,
    at destination: IPAddress = IPAddress(v4: 0x7f00_0002)
) -> PolicyFacts {
    let peer = identity.flatMap { try? SPIFFEID(parsing: "spiffe://\($0)") }.map { PeerIdentity($0) }
    return PolicyFacts(source: source, destination: SocketAddress(destination, port), peer: peer)
}

func match(_ change: (inout Match) -> Void) -> Match {
    var match = Match()
    change(&match)
    return match
}

extension AuthorizationPolicy {
    /// Each argument is a rule: clauses of matches.
    static func make(
        _ action: Action, name: String = "policy", dryRun: Bool = false, _ rules: [[Match]]...
    ) -> AuthorizationPolicy {
        AuthorizationPolicy(
            name: name, namespace: "ns", scope: .namespace, action: action,
            rules: rules.map { Rule(clauses: $0.map { Clause(matches: $0) }) }, dryRun: dryRun)
    }

    /// An allow policy with a rule of one match.
    static func allow(_ change: (inout Match) -> Void) -> AuthorizationPolicy { make(.allow, [[match(change)]]) }
}

func allows(_ policies: AuthorizationPolicy..., to facts: PolicyFacts = facts()) -> Bool {
    PolicyEngine(policies).decide(facts).verdict.isAllowed
}
