import MeshCore

/// A fact that a rule needs, as 64 bits: rules that need different facts are told apart by a table look-up.
///
/// Two facts may share a key. That costs a wasted evaluation and never a wrong verdict: a key only proposes a rule.
struct RuleKey: Hashable, Sendable {
    let bits: UInt64

    enum Kind: UInt64, CaseIterable {
        case port = 1, namespace, namespacePrefix, namespaceSuffix, principal, principalPrefix, principalSuffix
        case serviceAccount, source, destination
    }

    init(_ kind: Kind, _ hash: UInt64) { bits = hash ^ (kind.rawValue &* 0x9E37_79B9_7F4A_7C15) }

    init(port: UInt16) { self.init(.port, UInt64(port) &* 0xD6E8_FEB8_6659_FD93) }

    init(account namespace: String, _ serviceAccount: String) {
        var hash = TextHash()
        hash.add(namespace.utf8)
        hash.add(CollectionOfOne(UInt8(ascii: "/")))
        hash.add(serviceAccount.utf8)
        self.init(.serviceAccount, hash.value)
    }

    /// A block of addresses; the host bits of `ip` do not count.
    init(_ kind: Kind, block ip: IPAddress, length: Int) {
        let bits = length + (ip.isV4 ? 96 : 0)
        let high: UInt64 = bits >= 64 ? .max : ~(.max >> UInt64(bits))
        let low: UInt64 = bits <= 64 ? 0 : bits == 128 ? .max : ~(.max >> UInt64(bits - 64))
        var hash = (ip.high & high) &* 0xD6E8_FEB8_6659_FD93
        hash ^= hash >> 32
        hash = (hash ^ (ip.low & low)) &* 0xD6E8_FEB8_6659_FD93
        hash ^= hash >> 32
        self.init(kind, (hash ^ UInt64(bits)) &* 0xD6E8_FEB8_6659_FD93)
    }
}

/// FNV-1a over bytes: the value after n bytes is the hash of the prefix of n bytes.
struct TextHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

    mutating func add(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(byte) } }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash = TextHash()
        hash.add(bytes)
        return hash.value
    }
}
