package import MeshCore
import SwiftASN1

/// One entry of a subject alternative name extension.
package struct AlternativeName: Hashable, Sendable {
    package enum Kind: String, Sendable { case uri, dns, ip, email, directory, registeredID, other }

    package let kind: Kind
    /// As it stands in the certificate; may hold anything. Never to be printed.
    let raw: String
    /// For people, escaped.
    package let text: String

    package var spiffeID: SPIFFEID? { kind == .uri ? try? SPIFFEID(parsing: raw) : nil }
    /// Whether it is meant as a SPIFFE ID, a good one or not.
    package var claimsIdentity: Bool { kind == .uri && raw.lowercased().hasPrefix("spiffe:") }

    private init(_ kind: Kind, _ raw: String) {
        self.kind = kind
        self.raw = raw
        text = PrintableText.of(raw)
    }

    /// Source: RFC 5280 section 4.2.1.6.
    init(_ node: ASN1Node) throws(ReadingError) {
        guard node.identifier.tagClass == .contextSpecific else { throw ReadingError("a name has no context tag") }
        func text() throws(ReadingError) -> String {
            guard let bytes = node.bytes else { throw ReadingError("a name is not text") }
            return String(decoding: bytes, as: UTF8.self)
        }
        switch node.identifier.tagNumber {
        case 1: self.init(.email, try text())
        case 2: self.init(.dns, try text())
        case 4:
            guard let name = node.children.first else { throw ReadingError("a directory name is empty") }
            self.init(.directory, try DistinguishedName(name, "a directory name").text)
        case 6: self.init(.uri, try text())
        case 7:
            guard let bytes = node.bytes else { throw ReadingError("an IP address is malformed") }
            // An address with a mask stands in name constraints.
            switch bytes.count {
            case 4, 16: self.init(.ip, Self.address(bytes))
            case 8, 32:
                let half = bytes.count / 2
                self.init(.ip, "\(Self.address(bytes.prefix(half)))/\(Self.address(bytes.suffix(half)))")
            default: throw ReadingError("an IP address has \(bytes.count) bytes")
            }
        case 8: self.init(.registeredID, HexText.of(node.bytes ?? []))
        case 0:
            let type = try node.children.first?.read(ASN1ObjectIdentifier.self, "an otherName")
            self.init(.other, type.map { "\($0)" } ?? "?")
        default: self.init(.other, "type \(node.identifier.tagNumber)")
        }
    }

    private static func address(_ bytes: ArraySlice<UInt8>) -> String { IPAddress(bytes: bytes).map { "\($0)" } ?? "?" }

    /// The content of a `GeneralNames` sequence, whatever its tag.
    static func list(_ node: ASN1Node) throws(ReadingError) -> [AlternativeName] {
        guard case .constructed = node.content else { throw ReadingError("names are not a list") }
        var names: [AlternativeName] = []
        for child in node.children { names.append(try AlternativeName(child)) }
        return names
    }
}
