import SwiftASN1

/// What a public key is, without using it. The encoded keys are a promise.
package struct PublicKeyFacts: Encodable, Hashable, Sendable {
    /// `RSA`, `EC`, `Ed25519`, or the object identifier of another kind.
    package let algorithm: String
    package let curve: String?
    package let bits: Int?
    /// Why nobody should rely on it.
    package let weakness: String?

    private enum CodingKeys: CodingKey { case algorithm, curve, bits }

    /// `EC P-256`, `RSA 2048`.
    package var text: String {
        if let curve { return "\(algorithm) \(curve)" }
        return bits.map { "\(algorithm) \($0)" } ?? algorithm
    }

    /// From a `SubjectPublicKeyInfo`. Source: RFC 5280 section 4.1.2.7, RFC 3279, RFC 5480, RFC 8410.
    init(_ node: ASN1Node) throws(ReadingError) {
        var fields = try NodeCursor(node, .sequence, "the public key")
        var kind = try NodeCursor(fields.next(), .sequence, "the key's algorithm")
        let key = try fields.next().read(ASN1BitString.self, "the public key")
        try fields.end()
        let oid = try kind.next().read(ASN1ObjectIdentifier.self, "the key's algorithm")
        switch oid {
        case [1, 2, 840, 113549, 1, 1, 1], [1, 2, 840, 113549, 1, 1, 10]:
            let (bits, weakness) = try Self.rsa(key.bytes)
            self.init(algorithm: "RSA", curve: nil, bits: bits, weakness: weakness)
        case [1, 2, 840, 10045, 2, 1]:
            guard let parameters = kind.current, parameters.identifier == .objectIdentifier else {
                self.init(
                    algorithm: "EC", curve: "with parameters of its own", bits: nil,
                    weakness: "its curve is not a named one, which others refuse")
                return
            }
            let (name, bits) = ObjectNames.curve(try parameters.read(ASN1ObjectIdentifier.self, "the curve"))
            let isShort = bits.map { $0 < 224 } ?? false
            self.init(algorithm: "EC", curve: name, bits: bits, weakness: isShort ? "\(name) is too short" : nil)
        case [1, 3, 101, 112]: self.init(algorithm: "Ed25519", curve: nil, bits: nil, weakness: nil)
        case [1, 3, 101, 113]: self.init(algorithm: "Ed448", curve: nil, bits: nil, weakness: nil)
        case [1, 2, 840, 10040, 4, 1]:
            self.init(algorithm: "DSA", curve: nil, bits: nil, weakness: "TLS 1.3 has no DSA")
        default: self.init(algorithm: "\(oid)", curve: nil, bits: nil, weakness: nil)
        }
    }

    private init(algorithm: String, curve: String?, bits: Int?, weakness: String?) {
        self.algorithm = algorithm
        self.curve = curve
        self.bits = bits
        self.weakness = weakness
    }

    private static func rsa(_ bytes: ArraySlice<UInt8>) throws(ReadingError) -> (bits: Int, weakness: String?) {
        var fields = try NodeCursor(try ASN1Node.parse(bytes, "the RSA key"), .sequence, "the RSA key")
        let modulus = (try fields.next().bytes ?? []).drop { $0 == 0 }
        let exponent = (try fields.next().bytes ?? []).drop { $0 == 0 }
        guard let first = modulus.first else { throw ReadingError("the RSA key has no modulus") }
        let bits = modulus.count * 8 - first.leadingZeroBitCount
        if bits < 2048 { return (bits, "an RSA key of \(bits) bits can be broken") }
        // 65537 is three bytes long; what is shorter is smaller.
        let isSmall = exponent.count < 3
        return (bits, isSmall ? "its RSA exponent is smaller than 65537" : nil)
    }
}
