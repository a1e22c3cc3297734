/// The first component of a SPIFFE ID: the name of one root of trust.
///
/// Shape: 1 to 255 bytes of `[a-z0-9._-]`. Source: SPIFFE-ID specification, section 2.1.
public struct TrustDomain: Hashable, Sendable, CustomStringConvertible {
    public let name: String

    /// - Throws: `.trustDomain` when `name` is empty, too long or holds another byte.
    public init(parsing name: some StringProtocol) throws(IdentityError) {
        guard Self.isValid(name) else { throw .trustDomain(String(name)) }
        self.name = String(name)
    }

    /// - Precondition: `isValid` for the trust domain of these fields.
    init(_ fields: Workload.Fields) { name = fields.trustDomain }

    static func isValid(_ name: some StringProtocol) -> Bool {
        (1...255).contains(name.utf8.count) && name.utf8.allSatisfy(allowed)
    }

    private static func allowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    public var description: String { name }
}
