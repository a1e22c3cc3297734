import MeshCore
import MeshKubernetes
import MeshPolicy

/// Requests that policies tell apart: one for each combination of the methods, paths and hosts that their rules name,
/// and one that none of them names.
enum RequestSamples {
    /// Of one kind, and of all together; beyond that the first ones are taken.
    private static let limit = 12
    private static let totalLimit = 300

    static func requests(_ policies: [SecurityPolicy], _ chain: PolicyChain) -> [FlowRequest] {
        guard chain == .http else { return [FlowRequest()] }
        let operations = policies.flatMap(\.rules).flatMap(\.to)
        let methods = samples(operations.map(\.methods), other: "PURGE")
        let paths = samples(operations.map(\.paths), other: "/no-policy-names-this")
        let hosts = samples(operations.map(\.hosts), other: nil)
        var result: [FlowRequest] = []
        for method in methods {
            for path in paths {
                for host in hosts where result.count < totalLimit {
                    var request = FlowRequest()
                    request.method = method ?? "GET"
                    request.path = path ?? "/"
                    request.host = host
                    result.append(request)
                }
            }
        }
        let conditions = policies.flatMap(\.rules).flatMap(\.when)
        for condition in conditions.prefix(limit) {
            if let request = request(for: condition) { result.append(request) }
        }
        let principals = policies.flatMap(\.rules).flatMap(\.from).flatMap {
            $0.requestPrincipals.values + $0.requestPrincipals.notValues
        }
        for principal in Set(principals).sorted().prefix(limit) { result.append(withToken(principal)) }
        return result
    }

    private static func samples(_ fields: [Criterion<String>], other: String?) -> [String?] {
        let named = Set(fields.flatMap { $0.values + $0.notValues }.map(literal)).sorted()
        return named.prefix(limit).map { $0 } + [other]
    }

    /// A text that a pattern matches.
    static func literal(_ pattern: String) -> String {
        if pattern == "*" { return "/" }
        return pattern.replacing("{**}", with: "x/y").replacing("{*}", with: "x").replacing("*", with: "x")
    }

    private static func request(for condition: SecurityPolicy.Condition) -> FlowRequest? {
        guard let value = (condition.values.values + condition.values.notValues).first else { return nil }
        var request = FlowRequest()
        switch condition.attribute {
        case .requestHeader(let name)?: request.headers = [(name, literal(value))]
        case .claim(let path)?:
            var claim = ClaimValue.string(literal(value))
            for name in path.dropFirst().reversed() { claim = .object([name: claim]) }
            request.claims = ["iss": .string("issuer"), "sub": .string("subject"), path[0]: claim]
        default: return nil
        }
        return request
    }

    private static func withToken(_ principal: String) -> FlowRequest {
        var request = FlowRequest()
        let text = principal == "*" ? "issuer/subject" : literal(principal)
        let slash = text.lastIndex(of: "/")
        request.claims = [
            "iss": .string(slash.map { String(text[..<$0]) } ?? text),
            "sub": .string(slash.map { String(text[text.index(after: $0)...]) } ?? "subject"),
        ]
        return request
    }
}
