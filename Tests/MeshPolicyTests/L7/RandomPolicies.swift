import MeshCore
import MeshPolicy
import MeshTestSupport

/// Policies and requests drawn from a small world, so that they meet often.
struct RandomPolicies {
    var dice: SplitMix

    init(seed: Int) { dice = SplitMix(seed: UInt64(seed)) }

    static let domains = ["cluster.local", "td1", "td10", "x.corp"]
    static let namespaces = ["a", "b", "ab", "prod"]
    static let accounts = ["one", "two"]
    static let hosts = ["example.com", "a.example.com", "Example.COM", "example.com:8080", "b"]
    static let paths = ["/", "/a", "/a/b", "/a/b/c", "/ab/", "/a|b", "/a/", "/admin/x.txt"]
    static let methods = ["GET", "POST", "PUT"]
    static let addresses = ["10.0.0.1", "10.0.1.1", "192.168.1.1", "2001:db8::1"]
    static let blocks = ["10.0.0.0/8", "10.0.0.1", "10.0.0.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0", "10.96.0.1"]
    static let issuers = ["https://i.example", "i"]
    static let subjects = ["s", "sub", ""]
    static let templates = ["/a/{*}", "/{*}/b", "/a/{**}", "/a/{**}/c", "/{**}", "/{*}", "/a/{*}/{**}"]
    static let words = ["x", "xy", "y", "x,y", ""]

    /// The text, or part of it with a star.
    private mutating func pattern(_ texts: [String]) -> String {
        let text = dice.pick(texts)
        switch dice.roll(8) {
        case 0: return text.prefix(dice.roll(text.count + 1)) + "*"
        case 1: return "*" + text.suffix(dice.roll(text.count + 1))
        case 2 where dice.roll(3) == 0: return "*"
        default: return text.isEmpty ? "x" : text
        }
    }

    private mutating func criterion<T>(_ draw: (inout Self) -> T) -> Criterion<T> {
        var result = Criterion<T>()
        for _ in 0...dice.roll(2) {
            if dice.roll(4) == 0 { result.notValues.append(draw(&self)) } else { result.values.append(draw(&self)) }
        }
        return result
    }

    private mutating func drawPrincipal() -> String {
        pattern(["\(dice.pick(Self.domains))/ns/\(dice.pick(Self.namespaces))/sa/\(dice.pick(Self.accounts))"])
    }

    private mutating func drawNamespace() -> String {
        dice.roll(6) == 0 ? dice.pick(["a*b", "*a*", "p*o*d", "*"]) : pattern(Self.namespaces)
    }

    private mutating func drawAccount() -> ServiceAccountReference {
        .init(namespace: dice.roll(3) == 0 ? nil : dice.pick(Self.namespaces), name: dice.pick(Self.accounts))
    }

    private mutating func drawBlock() -> CIDR { dice.pick(Self.blocks.compactMap { CIDR($0) }) }

    private mutating func drawRequestPrincipal() -> String {
        switch dice.roll(6) {
        case 0: "*"
        case 1: pattern(Self.issuers)
        default: pattern(["\(dice.pick(Self.issuers))/\(dice.pick(Self.subjects))"])
        }
    }

    mutating func source() -> SecurityPolicy.Source {
        var source = SecurityPolicy.Source()
        while source.isEmpty {
            if dice.roll(4) == 0 { source.principals = criterion { $0.drawPrincipal() } }
            if dice.roll(4) == 0 { source.namespaces = criterion { $0.drawNamespace() } }
            if dice.roll(6) == 0 { source.serviceAccounts = criterion { $0.drawAccount() } }
            if dice.roll(6) == 0 { source.ipBlocks = criterion { $0.drawBlock() } }
            if dice.roll(10) == 0 { source.remoteIPBlocks = criterion { $0.drawBlock() } }
            if dice.roll(8) == 0 { source.trustDomains = criterion { $0.pattern(Self.domains) } }
            if dice.roll(6) == 0 { source.requestPrincipals = criterion { $0.drawRequestPrincipal() } }
        }
        return source
    }

    mutating func operation() -> SecurityPolicy.Operation {
        var operation = SecurityPolicy.Operation()
        while operation.isEmpty {
            if dice.roll(3) == 0 { operation.hosts = criterion { $0.pattern(Self.hosts) } }
            if dice.roll(3) == 0 { operation.methods = criterion { $0.pattern(Self.methods) } }
            if dice.roll(3) == 0 { operation.ports = criterion { UInt16(80 + $0.dice.roll(3)) } }
            if dice.roll(2) == 0 {
                operation.paths = criterion {
                    $0.dice.roll(3) == 0 ? $0.dice.pick(Self.templates) : $0.pattern(Self.paths)
                }
            }
        }
        return operation
    }

    mutating func condition() -> SecurityPolicy.Condition {
        let key: String
        let values: Criterion<String>
        switch dice.roll(14) {
        case 0: (key, values) = ("source.ip", criterion { $0.dice.pick(Self.blocks) })
        case 1: (key, values) = ("remote.ip", criterion { $0.dice.pick(Self.blocks) })
        case 2: (key, values) = ("destination.ip", criterion { $0.dice.pick(Self.blocks) })
        case 3: (key, values) = ("destination.port", criterion { "\(80 + $0.dice.roll(3))" })
        case 4: (key, values) = ("source.namespace", criterion { $0.drawNamespace() })
        case 5: (key, values) = ("source.principal", criterion { $0.drawPrincipal() })
        case 6: (key, values) = ("source.trustDomain", criterion { $0.pattern(Self.domains) })
        case 7: (key, values) = ("source.serviceAccount", criterion { $0.drawAccount().description })
        case 8: (key, values) = ("connection.sni", criterion { $0.pattern(Self.hosts) })
        case 9: (key, values) = ("request.auth.principal", criterion { $0.drawRequestPrincipal() })
        case 10: (key, values) = ("request.auth.audiences", criterion { $0.pattern(Self.words) })
        case 11: (key, values) = ("request.auth.presenter", criterion { $0.pattern(Self.words) })
        case 12: (key, values) = ("request.auth.claims[a][b]", criterion { $0.pattern(Self.words) })
        default: (key, values) = ("request.headers[X-A]", criterion { $0.pattern(Self.words) })
        }
        return SecurityPolicy.Condition(key: key, values: values)
    }

    mutating func rule() -> SecurityRule {
        var rule = SecurityRule()
        if dice.roll(2) == 0 { for _ in 0...dice.roll(2) { rule.from.append(source()) } }
        if dice.roll(2) == 0 { for _ in 0...dice.roll(2) { rule.to.append(operation()) } }
        if dice.roll(3) == 0 { for _ in 0...dice.roll(2) { rule.when.append(condition()) } }
        return rule
    }

    /// Seldom one that holds for everything: it would hide the others.
    mutating func policy(_ number: Int) -> SecurityPolicy {
        var rules: [SecurityRule] = []
        for _ in 0..<dice.roll(4) {
            let rule = rule()
            if rule.from.isEmpty, rule.to.isEmpty, rule.when.isEmpty, dice.roll(8) > 0 { continue }
            rules.append(rule)
        }
        let action = dice.pick([SecurityPolicy.Action.allow, .allow, .deny, .audit])
        return SecurityPolicy(
            ResourceIdentity(namespace: dice.pick(Self.namespaces), name: "p\(number)"), action: action,
            dryRun: action != .audit && dice.roll(5) == 0, rules: rules)
    }

    mutating func request() -> Request {
        var request = Request()
        let identity = "\(dice.pick(Self.domains))/ns/\(dice.pick(Self.namespaces))/sa/\(dice.pick(Self.accounts))"
        request.identity = dice.roll(6) == 0 ? nil : identity
        request.source = dice.pick(Self.addresses)
        request.destination = "\(dice.pick(["10.96.0.1", "10.0.0.1"])):\(80 + dice.roll(3))"
        request.method = dice.pick(Self.methods)
        request.host = dice.pick(Self.hosts)
        request.target = dice.pick(Self.paths) + (dice.roll(4) == 0 ? "?q=/a" : "")
        request.serverName = dice.roll(2) == 0 ? "" : dice.pick(Self.hosts)
        if dice.roll(3) == 0 { request.headers.append(("x-forwarded-for", "1.1.1.1, \(dice.pick(Self.addresses))")) }
        for _ in 0..<dice.roll(3) { request.headers.append(("x-a", dice.pick(Self.words))) }
        if dice.roll(2) == 0 {
            var claims: [String: ClaimValue] = ["iss": .string(dice.pick(Self.issuers))]
            if dice.roll(5) > 0 { claims["sub"] = .string(dice.pick(Self.subjects)) }
            claims["aud"] = dice.roll(2) == 0 ? .string(dice.pick(Self.words)) : .list([.string("x"), .number("5")])
            if dice.roll(2) == 0 { claims["azp"] = .string(dice.pick(Self.words)) }
            if dice.roll(2) == 0 { claims["a"] = .object(["b": .list([.string(dice.pick(Self.words))])]) }
            request.claims = claims
        }
        return request
    }
}
