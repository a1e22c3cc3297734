/// Reads the documents of a YAML or JSON text, one after the other. Confined to one task.
///
/// Refused: what is not UTF-8, control characters, a key twice in a mapping, a key that is no scalar or null, tags other
/// than `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!seq`, `!!map`, and whatever exceeds `YAMLLimits`. Merge keys
/// (`<<`) are resolved as in YAML 1.1: a pair of the mapping wins over a merged one, an earlier merged mapping over a
/// later one.
package final class YAMLReader {
    /// Fills a buffer with the next bytes of the text.
    /// - Returns: how many bytes; 0 at the end; -errno for a failure.
    package typealias Source = (UnsafeMutableRawBufferPointer) -> Int

    private let source: EventSource
    private let limits: YAMLLimits
    private let file: String
    private var content: YAMLContent
    private var composer: Composer

    /// - Parameter name: stands for the text in messages.
    package init(name: String, limits: YAMLLimits = YAMLLimits(), source: @escaping Source) throws(YAMLError) {
        file = name
        self.limits = limits
        content = YAMLContent(file: name)
        composer = Composer(limits: limits)
        self.source = try unsafe EventSource(file: name, byteLimit: min(limits.bytes, 1 << 30), pull: source)
    }

    package convenience init(
        _ bytes: [UInt8], name: String, limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLError) {
        var offset = 0
        try unsafe self.init(name: name, limits: limits) { buffer in
            let count = min(buffer.count, bytes.count - offset)
            unsafe buffer.copyBytes(from: bytes[offset..<offset + count])
            offset += count
            return count
        }
    }

    package convenience init(
        _ text: String, name: String, limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLError) {
        try self.init(Array(text.utf8), name: name, limits: limits)
    }

    /// The next document, or `nil` behind the last. A document without content is a null.
    package func next() throws(YAMLError) -> YAMLNode? {
        guard try start() else { return nil }
        try composer.compose(source, into: &content, depth: 1)
        return try finish()
    }

    /// The next document, or `nil` behind the last; the elements of some lists are handed over while it is read.
    ///
    /// Memory: one element at a time, however long the lists; elements with anchors are kept for later aliases.
    /// - Parameters:
    ///   - lists: keys of the mapping at the top whose lists are handed over. In the result such a list is empty. A value
    ///     that is an alias or no list is left in the result as it is.
    ///   - body: takes the key, the position in the list and the element. An element that it keeps stays whole.
    package func next(
        streaming lists: [StaticString], _ body: (_ key: YAMLNode, _ position: Int, _ element: YAMLNode) -> Void
    ) throws(YAMLError) -> YAMLNode? {
        guard try start() else { return nil }
        guard source.kind == .mapping else {
            try composer.compose(source, into: &content, depth: 1)
            return try finish()
        }
        let top = try composer.open(.mapping, source, into: &content)
        var count: UInt32 = 0
        try source.advance()
        while source.kind != .mappingEnd {
            let key = UInt32(content.records.count)
            try composer.key(source, into: &content)
            try source.advance()
            if source.kind == .sequence, names(lists, key) {
                try hand(over: key, body)
            } else {
                try composer.compose(source, into: &content, depth: 2)
            }
            try source.advance()
            count += 1
        }
        // No alias can follow that would stand for the whole document: its anchor needs no memory.
        try composer.close(top, count: count, anchor: nil, height: 0, into: &content)
        return try finish()
    }

    private func names(_ lists: [StaticString], _ key: UInt32) -> Bool {
        let key = content.resolved(key)
        return lists.contains { content.isEqual(key, $0) }
    }

    private func hand(over key: UInt32, _ body: (YAMLNode, Int, YAMLNode) -> Void) throws(YAMLError) {
        if source.anchor != nil {
            throw source.error("an anchor on a list that is read element by element; put it on the elements")
        }
        // Held by this function alone while elements are read, so that no access to it needs a check.
        var content = content
        self.content = YAMLContent(file: file)
        let list = try composer.open(.sequence, source, into: &content)
        let name = content.text(content.resolved(key))
        var position = 0
        try source.advance()
        while source.kind != .sequenceEnd {
            let start = (records: content.records.count, bytes: content.bytes.count, anchors: composer.anchorCount)
            content.parts.append(YAMLContent.Part(start: UInt32(start.records), key: name, position: position))
            try composer.compose(source, into: &content, depth: 3)
            var arena = YAMLArena(content)
            content = YAMLContent(file: file)
            body(YAMLNode(arena, key), position, YAMLNode(arena, UInt32(start.records)))
            // Views that were kept stay as they are: the content is copied when it changes.
            content = isKnownUniquelyReferenced(&arena) ? arena.reclaim() : arena.content
            if composer.anchorCount == start.anchors {
                content.records.removeLast(content.records.count - start.records)
                content.bytes.removeLast(content.bytes.count - start.bytes)
                content.parts.removeLast()
            }
            position += 1
            try source.advance()
        }
        content.records[Int(list)].end = UInt32(content.records.count)
        self.content = content
    }

    /// Moves to the content of the next document.
    private func start() throws(YAMLError) -> Bool {
        while source.kind != .documentStart {
            if source.kind == .end { return false }
            try source.advance()
        }
        content = YAMLContent(file: file)
        content.parts = [YAMLContent.Part(start: 0, key: "", position: 0)]
        composer = Composer(limits: limits)
        try source.advance()
        return true
    }

    private func finish() throws(YAMLError) -> YAMLNode {
        try source.advance()
        return YAMLNode(YAMLArena(content), 0)
    }
}

extension YAMLNode {
    /// The documents of a text, those without content left out.
    package static func documents(
        in text: String, name: String, limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLError) -> [YAMLNode] {
        let reader = try YAMLReader(text, name: name, limits: limits)
        var documents: [YAMLNode] = []
        while let document = try reader.next() {
            if !document.isNull { documents.append(document) }
        }
        return documents
    }

    /// The one document of a text, `nil` for an empty text.
    /// - Throws: also for a second document.
    package static func document(
        in text: String, name: String, limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLError) -> YAMLNode? {
        let reader = try YAMLReader(text, name: name, limits: limits)
        guard let document = try reader.next() else { return nil }
        if let second = try reader.next() {
            throw YAMLError(
                file: name, line: second.line, column: second.column,
                reason: "a second document begins here; expected one")
        }
        return document
    }
}
