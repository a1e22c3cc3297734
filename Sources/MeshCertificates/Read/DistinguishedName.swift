import MeshCore
import SwiftASN1

/// The name of a subject or issuer. Equal when verifiers would take two names for the same, not only when their bytes are.
struct DistinguishedName: Hashable, Sendable {
    /// RFC 4514 order (the most specific part first), escaped for a terminal; empty for an empty name.
    let text: String
    /// Attributes in the order of the certificate, with spaces folded and case ignored. Source: RFC 5280 section 7.1.
    private let folded: [String]
    let commonName: String?

    var isEmpty: Bool { folded.isEmpty }

    static func == (one: DistinguishedName, other: DistinguishedName) -> Bool { one.folded == other.folded }
    func hash(into hasher: inout Hasher) { hasher.combine(folded) }

    init(_ node: ASN1Node, _ what: String) throws(ReadingError) {
        var sets = try NodeCursor(node, .sequence, what)
        var (parts, folded, commonName) = ([String](), [String](), String?.none)
        while sets.current != nil {
            var set = try NodeCursor(sets.next(), .set, what)
            var (shown, compared) = ([String](), [String]())
            while set.current != nil {
                var pair = try NodeCursor(set.next(), .sequence, what)
                let type = try pair.next().read(ASN1ObjectIdentifier.self, what)
                let value = try pair.next()
                try pair.end()
                let name = ObjectNames.attribute(type)
                let text = value.text ?? "#" + HexText.of(value.encodedBytes)
                shown.append("\(name)=\(Self.escaped(text))")
                compared.append("\(type)=\(Self.fold(text))")
                if name == "CN" { commonName = text }
            }
            guard !shown.isEmpty else { throw ReadingError("\(what) has an empty part") }
            parts.append(shown.joined(separator: "+"))
            folded.append(compared.sorted().joined(separator: "\u{0}"))
        }
        text = parts.reversed().joined(separator: ",")
        self.folded = folded
        self.commonName = commonName
    }

    private static func fold(_ text: String) -> String {
        text.lowercased().split(separator: " ").joined(separator: " ")
    }

    /// Source: RFC 4514 section 2.4. The backslash and what a terminal must not see are escaped first.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for (index, character) in PrintableText.of(text).enumerated() {
            let isEdge = index == 0 && (character == " " || character == "#")
            result += isEdge || "\",+;<>".contains(character) ? "\\\(character)" : String(character)
        }
        return result
    }
}
