import MeshCore
import MeshPolicy

/// A GET of http://example.com/ by cluster.local/ns/a/sa/one, for a service at 10.96.0.1:80.
struct Request {
    var identity: String? = "cluster.local/ns/a/sa/one"
    var source = "10.0.0.1"
    var destination = "10.96.0.1:80"
    var method = "GET"
    var host = "example.com"
    var target = "/"
    var headers: [(String, String)] = []
    var serverName = ""
    var claims: [String: ClaimValue]?
    var spaceDelimited: [String] = []

    var facts: RequestFacts {
        let peer = identity.flatMap { try? SPIFFEID(parsing: "spiffe://\($0)") }.map { PeerIdentity($0) }
        let address = IPAddress(source) ?? .anyV4
        let fields = headers.map { HeaderField(name: RequestText($0.0), value: RequestText($0.1)) }
        var facts = RequestFacts(
            peer: peer, source: address, remote: RequestFacts.remoteAddress(fields, source: address),
            destination: SocketAddress(destination) ?? SocketAddress(.anyV4, 0))
        facts.method = RequestText(method)
        facts.host = RequestText(host)
        facts.target = RequestText(target)
        facts.headers = fields
        facts.serverName = RequestText(serverName)
        facts.claims = claims.map { TokenClaims($0, spaceDelimited: spaceDelimited) }
        return facts
    }

    static func with(_ change: (inout Request) -> Void) -> RequestFacts {
        var request = Request()
        change(&request)
        return request.facts
    }
}

typealias SecurityRule = SecurityPolicy.Rule

extension SecurityPolicy {
    static func make(
        _ action: Action = .allow, named name: String = "policy", namespace: String = "ns", provider: String? = nil,
        dryRun: Bool = false, targets: [TargetReference] = [], selector: WorkloadSelector = .absent,
        _ rules: SecurityRule...
    ) -> SecurityPolicy {
        SecurityPolicy(
            ResourceIdentity(namespace: namespace, name: name), action: action, provider: provider, dryRun: dryRun,
            selector: selector, targets: targets, rules: rules)
    }
}

extension SecurityRule {
    static func from(_ changes: ((inout SecurityPolicy.Source) -> Void)...) -> SecurityRule {
        SecurityRule(from: changes.map(source))
    }

    static func to(_ changes: ((inout SecurityPolicy.Operation) -> Void)...) -> SecurityRule {
        SecurityRule(to: changes.map(operation))
    }

    static func when(_ key: String, _ values: [String] = [], not notValues: [String] = []) -> SecurityRule {
        SecurityRule(when: [SecurityPolicy.Condition(key: key, values: Criterion(values, not: notValues))])
    }

    static func path(_ path: String) -> SecurityRule { .to { $0.paths = Criterion([path]) } }

    func and(_ other: SecurityRule) -> SecurityRule {
        SecurityRule(from: from + other.from, to: to + other.to, when: when + other.when)
    }
}

func source(_ change: (inout SecurityPolicy.Source) -> Void) -> SecurityPolicy.Source {
    var source = SecurityPolicy.Source()
    change(&source)
    return source
}

func operation(_ change: (inout SecurityPolicy.Operation) -> Void) -> SecurityPolicy.Operation {
    var operation = SecurityPolicy.Operation()
    change(&operation)
    return operation
}

func mesh(_ change: (inout MeshSettings) -> Void = { _ in }) -> MeshSettings {
    var settings = MeshSettings()
    change(&settings)
    return settings
}

func decide(
    _ policies: SecurityPolicy..., of facts: RequestFacts = Request().facts, settings: MeshSettings = MeshSettings(),
    chain: PolicyChain = .http
) -> RequestDecision {
    RequestPolicySet(policies, settings: settings, chain: chain).decide(facts)
}

/// Whether an ALLOW policy of one rule lets a request pass.
func matches(
    _ rule: SecurityRule, _ facts: RequestFacts = Request().facts, settings: MeshSettings = MeshSettings()
) -> Bool {
    decide(.make(.allow, rule), of: facts, settings: settings).verdict.isAllowed
}

/// CIDRs that are known to be well formed.
func blocks(_ texts: String...) -> [CIDR] { texts.compactMap { CIDR($0) } }
