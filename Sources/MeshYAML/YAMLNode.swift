/// A value of a YAML document: a view that knows where it stands.
///
/// Aliases and merge keys are resolved: a value behind an alias has the place of its anchor. A view keeps the whole
/// document alive. Cost: two words, no object of its own.
package struct YAMLNode {
    package enum Kind: Sendable, CustomStringConvertible {
        case scalar, sequence, mapping

        init(_ kind: YAMLContent.Kind) {
            self =
                switch kind {
                case .mapping: .mapping
                case .sequence: .sequence
                case .scalar, .alias: .scalar
                }
        }

        /// As in "is a list; expected a mapping".
        package var description: String {
            switch self {
            case .scalar: "a single value"
            case .sequence: "a list"
            case .mapping: "a mapping"
            }
        }
    }

    let arena: YAMLArena
    /// Never that of an alias.
    let index: UInt32

    init(_ arena: YAMLArena, _ index: UInt32) {
        self.arena = arena
        self.index = arena.content.resolved(index)
    }

    private var record: YAMLContent.Record { arena.content.records[Int(index)] }

    package var kind: Kind { Kind(record.kind) }

    // MARK: Place

    package var file: String { arena.content.file }
    /// From 1.
    package var line: Int { Int(record.line) }
    /// In characters, from 1.
    package var column: Int { Int(record.column) }
    /// Dotted path from the top, as `spec.rules[0].from`; empty at the top. Cost: a walk; for messages.
    package var path: String { arena.content.path(index) }

    /// A complaint about this value, `path: reason`.
    package func error(_ reason: String) -> YAMLError { arena.content.error(index, reason) }

    // MARK: Scalars

    /// How a scalar was written.
    package var style: YAMLStyle { record.style }
    /// A tag of the text, such as `!!str`.
    package var tag: YAMLTag { record.tag }
    /// The characters of a scalar, quotes and escapes removed; empty for a container. Never holds NUL.
    package var text: String { record.kind == .scalar ? arena.content.text(index) : "" }

    /// The bytes of `text`, UTF-8, without a copy.
    package func withBytes<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let record = record
        let bytes = arena.content.bytes
        let range = record.kind == .scalar ? Int(record.start)..<Int(record.start + record.count) : 0..<0
        return try body(bytes.span.extracting(range))
    }

    /// Lets `switch key { case "name": … }` compare without making a `String`.
    package static func ~= (literal: StaticString, node: YAMLNode) -> Bool {
        node.record.kind == .scalar && node.arena.content.isEqual(node.index, literal)
    }

    // MARK: Containers

    /// The pairs of a mapping in the order of the text, merged ones last; none for another kind.
    ///
    /// A key is a scalar, and stands once. Its text counts, however written: `80` and `"80"` are the same key.
    package var pairs: YAMLPairs { YAMLPairs(self) }

    /// The elements of a list; none for another kind.
    package var elements: YAMLElements { YAMLElements(self) }

    /// How many elements or pairs a container has.
    package var count: Int { record.kind == .scalar ? 0 : Int(record.count) }

    /// The value under a key of a mapping. Cost: a walk over its pairs.
    package subscript(key: StaticString) -> YAMLNode? {
        for (name, value) in pairs where key ~= name { return value }
        return nil
    }
}

/// The pairs of a mapping.
package struct YAMLPairs: Sequence, IteratorProtocol {
    private let arena: YAMLArena
    private var cursor: UInt32
    private var left: UInt32

    init(_ node: YAMLNode) {
        let record = node.arena.content.records[Int(node.index)]
        arena = node.arena
        cursor = record.start
        left = record.kind == .mapping ? record.count : 0
    }

    package var underestimatedCount: Int { Int(left) }

    package mutating func next() -> (key: YAMLNode, value: YAMLNode)? {
        guard left > 0 else { return nil }
        left -= 1
        let key = cursor
        let value = arena.content.records[Int(key)].end
        cursor = arena.content.records[Int(value)].end
        return (YAMLNode(arena, key), YAMLNode(arena, value))
    }
}

/// The elements of a list.
package struct YAMLElements: Sequence, IteratorProtocol {
    private let arena: YAMLArena
    private var cursor: UInt32
    private var left: UInt32

    init(_ node: YAMLNode) {
        let record = node.arena.content.records[Int(node.index)]
        arena = node.arena
        cursor = record.start
        left = record.kind == .sequence ? record.count : 0
    }

    package var underestimatedCount: Int { Int(left) }

    package mutating func next() -> YAMLNode? {
        guard left > 0 else { return nil }
        left -= 1
        let element = cursor
        cursor = arena.content.records[Int(element)].end
        return YAMLNode(arena, element)
    }
}
