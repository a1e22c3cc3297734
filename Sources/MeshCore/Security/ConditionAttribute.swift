/// What the key of a `when` entry names.
///
/// Source: istio.io/docs/reference/config/security/conditions.
public enum ConditionAttribute: Hashable, Sendable {
    /// Lower case.
    case requestHeader(String)
    case sourceIP, remoteIP, destinationIP
    case destinationPort
    case sourceNamespace, sourcePrincipal, sourceServiceAccount, sourceTrustDomain
    case serverName
    case requestPrincipal, audience, presenter
    /// The path into nested claims, at least one name.
    case claim([String])

    /// `nil` for a key that no engine knows. Metadata of an Envoy filter (`experimental.envoy.filters.…`) is one: there
    /// is no Envoy here to fill it.
    public init?(key: String) {
        switch key {
        case "source.ip": self = .sourceIP
        case "remote.ip": self = .remoteIP
        case "destination.ip": self = .destinationIP
        case "destination.port": self = .destinationPort
        case "source.namespace": self = .sourceNamespace
        case "source.principal": self = .sourcePrincipal
        case "source.serviceAccount": self = .sourceServiceAccount
        case "source.trustDomain": self = .sourceTrustDomain
        case "connection.sni": self = .serverName
        case "request.auth.principal": self = .requestPrincipal
        case "request.auth.audiences": self = .audience
        case "request.auth.presenter": self = .presenter
        default:
            if let name = Self.bracketed(key, after: "request.headers") {
                self = .requestHeader(name.lowercased())
            } else if let names = Self.bracketed(key, after: "request.auth.claims") {
                self = .claim(Self.claimPath(names))
            } else {
                return nil
            }
        }
    }

    /// What HTTP is needed for; the layer 4 engine does not know these.
    public var needsHTTP: Bool {
        switch self {
        case .requestHeader, .requestPrincipal, .audience, .presenter, .claim: true
        default: false
        }
    }

    /// The text between the first bracket, right behind `start`, and the last one, at the end; never empty.
    private static func bracketed(_ key: String, after start: String) -> Substring? {
        guard key.hasPrefix(start + "["), key.hasSuffix("]") else { return nil }
        let inner = key.dropFirst(start.count + 1).dropLast()
        return inner.isEmpty ? nil : inner
    }

    /// `a][b` is a path of two; brackets that do not nest so make the whole text one name.
    private static func claimPath(_ inner: Substring) -> [String] {
        let names = inner.split(separator: "][", omittingEmptySubsequences: false).map(String.init)
        let clean = names.allSatisfy { !$0.isEmpty && !$0.contains("[") && !$0.contains("]") }
        return clean ? names : [String(inner)]
    }
}
