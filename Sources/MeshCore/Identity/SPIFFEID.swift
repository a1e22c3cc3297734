/// A workload identity, `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`.
///
/// Shape: namespace is a DNS-1123 label of at most 63 bytes, service account a DNS-1123 subdomain of at most 253,
/// the whole at most 2048 bytes. Stricter than istiod and ztunnel, which take any text between the slashes: nothing
/// they issue is refused by it, and separators, dots-only parts and escapes cannot be smuggled in.
public struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
    public let trustDomain: TrustDomain
    public let namespace: String
    public let serviceAccount: String

    /// - Throws: `.form` when the text is not five parts with `ns` and `sa` in place, else the part that is wrong.
    public init(parsing uri: some StringProtocol) throws(IdentityError) {
        guard uri.utf8.count <= 2048 else { throw .form(String(uri.prefix(64)) + "…") }
        let part = uri.split(separator: "/", omittingEmptySubsequences: false)
        guard part.count == 7, part[0] == "spiffe:", part[1].isEmpty, part[3] == "ns", part[5] == "sa" else {
            throw .form(String(uri))
        }
        try self.init(
            trustDomain: TrustDomain(parsing: part[2]), namespace: String(part[4]), serviceAccount: String(part[6]))
    }

    /// - Throws: `.namespace` or `.serviceAccount` when that part is not a Kubernetes name.
    public init(trustDomain: TrustDomain, namespace: String, serviceAccount: String) throws(IdentityError) {
        guard Self.isName(namespace, dots: false, limit: 63) else { throw .namespace(namespace) }
        guard Self.isName(serviceAccount, dots: true, limit: 253) else { throw .serviceAccount(serviceAccount) }
        self.trustDomain = trustDomain
        self.namespace = namespace
        self.serviceAccount = serviceAccount
    }

    /// - Precondition: `isValid` for these fields.
    init(_ fields: Workload.Fields) {
        trustDomain = TrustDomain(fields)
        namespace = fields.namespace
        serviceAccount = fields.serviceAccount
    }

    /// Whether the parts make an identity.
    static func isValid(trustDomain: String, namespace: String, serviceAccount: String) -> Bool {
        TrustDomain.isValid(trustDomain) && isName(namespace, dots: false, limit: 63)
            && isName(serviceAccount, dots: true, limit: 253)
    }

    /// The text that policies compare: everything after `spiffe://`.
    public var principal: String { "\(trustDomain)/ns/\(namespace)/sa/\(serviceAccount)" }

    public var description: String { "spiffe://\(principal)" }

    private static func isName(_ text: String, dots: Bool, limit: Int) -> Bool {
        guard (1...limit).contains(text.utf8.count) else { return false }
        var wasEdge = true  // at the start of a label, where only a letter or digit may stand
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): wasEdge = false
            case UInt8(ascii: "-") where !wasEdge: break
            case UInt8(ascii: ".") where dots && !wasEdge: wasEdge = true
            default: return false
            }
        }
        return !wasEdge && text.utf8.last != UInt8(ascii: "-")
    }
}
