import MeshCore

/// A fact without which a rule cannot match.
enum RequestNeed: Hashable, Sendable {
    enum TextFact: Hashable, Sendable {
        case principal, namespace, trustDomain, serverName, host, method, path, issuer, subject
        /// In lower case.
        case header([UInt8])
        case claim([String])

        /// Where the hashes of this fact's texts start.
        var seed: UInt64 {
            switch self {
            case .principal: 1
            case .namespace: 2
            case .trustDomain: 3
            case .serverName: 4
            case .host: 5
            case .method: 6
            case .path: 7
            case .subject: 8
            case .issuer: 9
            case .header(let name): RequestNeed.seed(header: name.span)
            case .claim(let path): path.reduce(RequestNeed.claimSeed) { RequestNeed.seed(claim: $1, in: $0) }
            }
        }
    }

    enum AddressFact: UInt64, Sendable { case source = 16, remote, destination }

    case text(TextFact, TextPattern)
    case block(AddressFact, CIDR)
    case port(UInt16)
    case account(namespace: String, name: String)

    /// Where rules with this need are filed. Two needs may share a key: it only proposes rules, and they are tried.
    var key: UInt64 {
        switch self {
        case .text(let fact, .exact(let text)): NeedHash(fact, text).key(.exact)
        case .text(let fact, .prefix(let text)): NeedHash(fact, text).key(.prefix)
        case .text(let fact, .suffix(let text)): NeedHash(fact, text.reversed()).key(.suffix)
        case .text(let fact, .presence): NeedHash(fact, []).key(.prefix)
        case .block(let fact, let block): Self.key(fact, block.address, Int(block.prefixLength))
        case .port(let port): Self.key(port: port)
        case .account(let namespace, let name): Self.key(account: namespace, name)
        }
    }

    static func seed(header name: Span<UInt8>) -> UInt64 {
        var hash = NeedHash(seed: 26)
        hash.add(name)
        return hash.key(.exact)
    }

    static let claimSeed: UInt64 = 27

    /// Of a member of the object whose seed is `parent`; all claims together are one.
    static func seed(claim name: String, in parent: UInt64) -> UInt64 {
        var hash = NeedHash(seed: parent)
        hash.add(name.utf8Span.span)
        return hash.key(.exact)
    }

    static func key(port: UInt16) -> UInt64 { mix(UInt64(port) | 24 << 32) }

    static func key(account namespace: String, _ name: String) -> UInt64 {
        var hash = NeedHash(seed: 25)
        hash.add(namespace.utf8Span.span)
        hash.add(UInt8(ascii: "/"))
        hash.add(name.utf8Span.span)
        return hash.key(.exact)
    }

    /// A block of addresses; host bits do not count.
    static func key(_ fact: AddressFact, _ address: IPAddress, _ length: Int) -> UInt64 {
        let bits = length + (address.isV4 ? 96 : 0)
        let high: UInt64 = bits >= 64 ? .max : ~(.max >> UInt64(bits))
        let low: UInt64 = bits <= 64 ? 0 : bits == 128 ? .max : ~(.max >> UInt64(bits - 64))
        return mix(mix(mix(address.high & high) ^ (address.low & low)) ^ (fact.rawValue << 8 | UInt64(bits)))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        let product = (value ^ value >> 32) &* 0xD6E8_FEB8_6659_FD93
        return product ^ product >> 29
    }
}

/// FNV-1a over bytes: the value after n bytes is the hash of the first n. Letter case does not count, since hosts are
/// compared so, and other texts lose nothing but a few needless tries.
struct NeedHash {
    enum Form: UInt64 { case exact = 1, prefix, suffix }

    private var value: UInt64

    init(seed: UInt64) { value = 0xCBF2_9CE4_8422_2325 ^ seed &* 0x9E37_79B9_7F4A_7C15 }

    init(_ fact: RequestNeed.TextFact, _ bytes: [UInt8]) {
        self.init(seed: fact.seed)
        add(bytes.span)
    }

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte.asciiLowercased)) &* 0x100_0000_01B3 }

    mutating func add(_ bytes: Span<UInt8>) { for index in bytes.indices { add(bytes[index]) } }

    func key(_ form: Form) -> UInt64 { value ^ form.rawValue &* 0xA24B_AED4_963E_E407 }
}

extension RequestClause {
    /// For each entry, its fields that can be looked up: one need of each must be a fact. `nil` when some entry has no
    /// such field.
    var needs: [[[RequestNeed]]]? {
        var result: [[[RequestNeed]]] = []
        for entry in entries {
            let fields = entry.tests.compactMap(\.needs)
            if fields.isEmpty { return nil }
            result.append(fields)
        }
        return result
    }
}

extension AttributeTest {
    /// One of these must be a fact for the test to hold; `nil` when it may hold without any.
    var needs: [RequestNeed]? {
        switch self {
        case .principals(let wanted): Self.texts(.principal, wanted.values) { $0 }
        case .namespaces(let wanted): Self.texts(.namespace, wanted.values) { $0.need }
        case .trustDomains(let wanted): Self.texts(.trustDomain, wanted.values) { $0.need }
        case .serviceAccounts(let wanted):
            wanted.values.isEmpty ? nil : wanted.values.map { .account(namespace: $0.namespace, name: $0.name) }
        case .sourceIP(let wanted): Self.blocks(.source, wanted.values)
        case .remoteIP(let wanted): Self.blocks(.remote, wanted.values)
        case .destinationIP(let wanted): Self.blocks(.destination, wanted.values)
        case .destinationPort(let wanted): wanted.values.isEmpty ? nil : wanted.values.map { .port($0) }
        case .serverName(let wanted): Self.texts(.serverName, wanted.values) { $0 }
        case .hosts(let wanted): Self.texts(.host, wanted.values) { $0 }
        case .methods(let wanted): Self.texts(.method, wanted.values) { $0 }
        case .paths(let wanted): Self.texts(.path, wanted.values) { $0.need }
        case .requestPrincipals(let wanted): Self.requestPrincipals(wanted.values)
        case .header(let name, let wanted): Self.header(name, wanted.values)
        case .claim(let path, let wanted): Self.fields(.claim(path), wanted.values)
        }
    }

    /// Some parts of a request can be named as headers; the whole path with its query is nothing that is looked up.
    private static func header(_ name: [UInt8], _ patterns: [TextPattern]) -> [RequestNeed]? {
        switch name {
        case Array(":method".utf8): texts(.method, patterns) { $0 }
        case Array(":authority".utf8), Array("host".utf8): texts(.host, patterns) { $0 }
        case Array(":path".utf8): nil
        default: fields(.header(name), patterns)
        }
    }

    /// Of a header or claim its presence alone tells rules apart; every request has a method.
    private static func fields(_ fact: RequestNeed.TextFact, _ patterns: [TextPattern]) -> [RequestNeed]? {
        patterns.isEmpty ? nil : patterns.map { .text(fact, $0) }
    }

    /// Both claims are wanted, so either will do.
    private static func requestPrincipals(_ patterns: [RequestPrincipalPattern]) -> [RequestNeed]? {
        if patterns.isEmpty { return nil }
        var result: [RequestNeed] = []
        for pattern in patterns {
            if pattern.subject != .presence {
                result.append(.text(.subject, pattern.subject))
            } else if pattern.issuer != .presence {
                result.append(.text(.issuer, pattern.issuer))
            } else {
                return nil
            }
        }
        return result
    }

    private static func texts<Pattern>(
        _ fact: RequestNeed.TextFact, _ patterns: [Pattern], _ need: (Pattern) -> TextPattern?
    ) -> [RequestNeed]? {
        if patterns.isEmpty { return nil }
        var result: [RequestNeed] = []
        for pattern in patterns {
            guard let text = need(pattern), text != .presence else { return nil }
            result.append(.text(fact, text))
        }
        return result
    }

    private static func blocks(_ fact: RequestNeed.AddressFact, _ blocks: [CIDR]) -> [RequestNeed]? {
        blocks.isEmpty ? nil : blocks.map { .block(fact, $0) }
    }
}

extension WildcardPattern {
    /// A pattern that matches at least what this one does.
    var need: TextPattern? {
        guard let first = parts.first, let last = parts.last else { return nil }
        if parts.count == 1 { return .exact(first) }
        if !first.isEmpty { return .prefix(first) }
        return last.isEmpty ? nil : .suffix(last)
    }
}

extension PathPattern {
    /// A pattern that matches at least what this one does.
    var need: TextPattern? {
        switch self {
        case .text(let pattern): pattern
        case .template(let template, _): template.start.isEmpty ? nil : .prefix(template.start)
        }
    }
}
