import Crypto
import MeshCore

/// Where a chain of audit lines stands: each line holds the hash of the one before it.
///
/// Shape of a line: `{"seq":N,"time":…,"event":…,…,"prev":"H"}`, one JSON object, where N counts from 1 without gaps and
/// H is the SHA-256 of the whole line before it without its newline, in lower-case hexadecimal; 64 zeros before the
/// first. Whoever changes or removes a line has to rewrite every later one, and then the head differs from the one that
/// was noted elsewhere.
package struct AuditChain: Sendable, Hashable, CustomStringConvertible {
    /// Of the last line; 0 before the first.
    package private(set) var sequence: UInt64
    /// SHA-256 of the last line.
    package private(set) var head: String

    /// `N:HASH`, as `description` writes it.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let isDigit: (UInt8) -> Bool = { (48...57).contains($0) || (97...102).contains($0) }
        guard parts.count == 2, let sequence = UInt64(parts[0]), parts[1].utf8.count == AuditLine.hashLength,
            parts[1].utf8.allSatisfy(isDigit)
        else { return nil }
        self.init(sequence: sequence, head: String(parts[1]))
    }

    private init(sequence: UInt64, head: String) {
        self.sequence = sequence
        self.head = head
    }

    static let start = AuditChain(sequence: 0, head: String(repeating: "0", count: AuditLine.hashLength))

    package var description: String { "\(sequence):\(head)" }

    /// Why a line is not the next one.
    enum Break: Error, Hashable, CustomStringConvertible {
        case form
        case sequence(expected: UInt64, found: UInt64)
        case link

        var description: String {
            switch self {
            case .form: "is not a line of an audit log"
            case .sequence(let expected, let found): "has number \(found) where \(expected) belongs"
            case .link: "does not hold the hash of the line before it: that one was changed, or lines are missing"
            }
        }
    }

    /// The next line, without a newline.
    mutating func line(for record: AuditRecord) -> String {
        let next = sequence + 1
        let line = AuditLine.text(sequence: next, members: record.members, previous: head)
        sequence = next
        head = Self.hash(Array(line.utf8)[...])
        return line
    }

    /// Follows one line.
    /// - Parameter isAnchor: whether what came before is not at hand, so that this line's own words are taken for it.
    mutating func follow(_ line: ArraySlice<UInt8>, isAnchor: Bool = false) throws(Break) {
        guard let found = AuditLine(line) else { throw .form }
        if !isAnchor {
            guard found.sequence == sequence + 1 else {
                throw .sequence(expected: sequence + 1, found: found.sequence)
            }
            guard found.previous.elementsEqual(head.utf8) else { throw .link }
        }
        sequence = found.sequence
        head = Self.hash(line)
    }

    private static func hash(_ line: ArraySlice<UInt8>) -> String { HexText.of(SHA256.hash(data: line)) }
}
