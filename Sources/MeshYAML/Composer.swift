/// Turns events into records, and holds a document to its limits.
struct Composer {
    private enum Anchor {
        /// Its value is still being read.
        case open
        /// `size` counts values with aliases unfolded, `height` levels below the value itself.
        case closed(index: UInt32, size: Int, height: Int)
    }

    private let limits: YAMLLimits
    private var anchors: [String: Anchor] = [:]
    /// How many anchors were set so far, again or anew.
    private(set) var anchorCount = 0
    /// Values read, and values that aliases stood for.
    private var size = 0
    private var unfolded = 0
    private var keys = KeyCheck()

    init(limits: YAMLLimits) { self.limits = limits }

    /// Appends the value that begins with the event at hand; the event behind is not read yet.
    /// - Returns: how many levels are below it.
    @discardableResult
    mutating func compose(_ source: EventSource, into content: inout YAMLContent, depth: Int) throws(YAMLError) -> Int {
        if depth > limits.depth { throw source.error("nested more than \(limits.depth) levels deep") }
        switch source.kind {
        case .scalar:
            try scalar(source, into: &content)
            return 0
        case .alias: return try alias(source, into: &content, depth: depth)
        case .sequence:
            let anchor = source.anchor
            let before = size + unfolded
            let list = try open(.sequence, source, into: &content)
            var count: UInt32 = 0
            var height = 0
            try source.advance()
            while source.kind != .sequenceEnd {
                height = max(height, try compose(source, into: &content, depth: depth + 1) + 1)
                count += 1
                try source.advance()
            }
            content.records[Int(list)].count = count
            content.records[Int(list)].end = UInt32(content.records.count)
            if let anchor { remember(anchor, list, size: size + unfolded - before, height: height) }
            return height
        default:
            let anchor = source.anchor
            let before = size + unfolded
            let mapping = try open(.mapping, source, into: &content)
            var count: UInt32 = 0
            var height = 0
            try source.advance()
            while source.kind != .mappingEnd {
                try key(source, into: &content)
                try source.advance()
                height = max(height, try compose(source, into: &content, depth: depth + 1) + 1)
                count += 1
                try source.advance()
            }
            try close(mapping, count: count, anchor: anchor, height: height, into: &content, since: before)
            return height
        }
    }

    /// Appends a container without its content.
    mutating func open(
        _ kind: YAMLContent.Kind, _ source: EventSource, into content: inout YAMLContent
    ) throws(YAMLError) -> UInt32 {
        if let tag = source.tag {
            let own = kind == .mapping ? "tag:yaml.org,2002:map" : "tag:yaml.org,2002:seq"
            guard tag == own || tag == "!" else {
                throw source.error("the tag \(Self.short(tag)) is not understood here")
            }
        }
        if let anchor = source.anchor {
            anchors[anchor] = .open
            anchorCount += 1
        }
        let index = try append(kind, source, into: &content)
        content.records[Int(index)].start = index + 1
        content.records[Int(index)].end = YAMLContent.open
        return index
    }

    /// Appends a key.
    mutating func key(_ source: EventSource, into content: inout YAMLContent) throws(YAMLError) {
        guard source.kind == .scalar || source.kind == .alias else {
            throw source.error("a key that is a \(source.kind == .mapping ? "mapping" : "list"); expected a text")
        }
        let index = UInt32(content.records.count)
        if source.kind == .scalar {
            try scalar(source, into: &content)
        } else {
            _ = try alias(source, into: &content, depth: 1)
        }
        let key = content.resolved(index)
        guard content.records[Int(key)].kind == .scalar else {
            throw source.error("a key that is \(YAMLNode.Kind(content.records[Int(key)].kind)); expected a text")
        }
        if content.isNull(key) { throw source.error("a key that is null; expected a text") }
    }

    /// Ends a mapping: keys are checked, merge keys resolved.
    mutating func close(
        _ mapping: UInt32, count: UInt32, anchor: String?, height: Int, into content: inout YAMLContent,
        since before: Int = 0
    ) throws(YAMLError) {
        content.records[Int(mapping)].count = count
        content.records[Int(mapping)].end = UInt32(content.records.count)
        if try keys.check(content, mapping) { try merge(mapping, &content) }
        if let anchor { remember(anchor, mapping, size: size + unfolded - before, height: height) }
    }

    private mutating func remember(_ anchor: String, _ index: UInt32, size: Int, height: Int) {
        anchors[anchor] = .closed(index: index, size: size, height: height)
    }

    private mutating func append(
        _ kind: YAMLContent.Kind, _ source: EventSource, into content: inout YAMLContent
    ) throws(YAMLError) -> UInt32 {
        let index = content.records.count
        if index >= limits.nodes { throw source.error("more than \(limits.nodes) values") }
        content.records.append(
            YAMLContent.Record(
                line: UInt32(clamping: source.line), column: UInt32(clamping: source.column), end: UInt32(index + 1),
                kind: kind))
        size += 1
        return UInt32(index)
    }

    private mutating func scalar(_ source: EventSource, into content: inout YAMLContent) throws(YAMLError) {
        let anchor = source.anchor
        let start = content.bytes.count
        let index = try append(.scalar, source, into: &content)
        let count = source.appendText(to: &content.bytes)
        let style = source.style
        content.records[Int(index)].start = UInt32(start)
        content.records[Int(index)].count = UInt32(count)
        content.records[Int(index)].style = style
        // Only an escape can make one: the library refuses the byte itself.
        if style == .doubleQuoted, content.bytes[start...].contains(0) {
            throw source.error("a text with the character U+0000, which is not allowed")
        }
        if let tag = source.tag {
            content.records[Int(index)].tag = try scalarTag(tag, source, content.text(index))
        }
        if let anchor {
            anchorCount += 1
            remember(anchor, index, size: 1, height: 0)
        }
    }

    private func scalarTag(_ tag: String, _ source: EventSource, _ text: String) throws(YAMLError) -> YAMLTag {
        let known: YAMLTag
        switch tag {
        case "!", "tag:yaml.org,2002:str": known = .text
        case "tag:yaml.org,2002:int": known = .integer
        case "tag:yaml.org,2002:float": known = .float
        case "tag:yaml.org,2002:bool": known = .bool
        case "tag:yaml.org,2002:null": known = .null
        default: throw source.error("the tag \(Self.short(tag)) is not understood here")
        }
        guard YAMLScalar(text, isPlain: source.style == .plain, tag: known).agrees(with: known) else {
            throw source.error("\"\(text.prefix(80))\" is not what its tag \(Self.short(tag)) says")
        }
        return known
    }

    private static func short(_ tag: String) -> String {
        let prefix = "tag:yaml.org,2002:"
        return tag.hasPrefix(prefix) ? "!!\(tag.dropFirst(prefix.count).prefix(80))" : String(tag.prefix(80))
    }

    private mutating func alias(
        _ source: EventSource, into content: inout YAMLContent, depth: Int
    ) throws(YAMLError) -> Int {
        let name = source.anchor ?? ""
        switch anchors[name] {
        case nil: throw source.error("found undefined alias *\(name)")
        case .open: throw source.error("the alias *\(name) stands inside of what it stands for")
        case .closed(let target, let targetSize, let height):
            if depth + height > limits.depth { throw source.error("nested more than \(limits.depth) levels deep") }
            unfolded += targetSize
            try checkUnfolded(source.line, source.column, content)
            let index = try append(.alias, source, into: &content)
            content.records[Int(index)].start = target
            return height
        }
    }

    private func checkUnfolded(_ line: Int, _ column: Int, _ content: YAMLContent) throws(YAMLError) {
        guard unfolded > limits.unfolded else { return }
        throw YAMLError(
            file: content.file, line: line, column: column,
            reason: "aliases unfold into too many values, over \(limits.unfolded); write the file out instead")
    }

    // MARK: Merge keys

    /// Gives a mapping with `<<` its effective pairs, behind those of the text: its own, then the merged ones.
    private mutating func merge(_ mapping: UInt32, _ content: inout YAMLContent) throws(YAMLError) {
        // Keys and values in turn.
        var pairs: [UInt32] = []
        var merged: [UInt32] = []
        let own = content.children(mapping)
        for position in stride(from: 0, to: own.count, by: 2) {
            let (key, value) = (own[position], own[position + 1])
            if !KeyCheck.isMerge(content, key) {
                pairs += [key, value]
            } else if content.records[Int(value)].kind == .sequence {
                merged += content.children(value)
            } else {
                merged.append(value)
            }
        }
        var known = Set(stride(from: 0, to: pairs.count, by: 2).map { content.text(pairs[$0]) })
        for source in merged {
            let record = content.records[Int(source)]
            guard record.kind == .mapping else {
                throw content.error(
                    source, "is \(YAMLNode.Kind(record.kind)); a merge key takes a mapping or a list of mappings")
            }
            unfolded += Int(record.count)
            try checkUnfolded(Int(record.line), Int(record.column), content)
            let inherited = content.children(source)
            for position in stride(from: 0, to: inherited.count, by: 2)
            where known.insert(content.text(inherited[position])).inserted {
                pairs += inherited[position...position + 1]
            }
        }
        if content.records.count + pairs.count > limits.nodes {
            throw content.error(mapping, "more than \(limits.nodes) values")
        }
        content.records[Int(mapping)].start = UInt32(content.records.count)
        content.records[Int(mapping)].count = UInt32(pairs.count / 2)
        for target in pairs {
            var record = content.records[Int(target)]
            record.kind = .alias
            record.start = target
            record.end = UInt32(content.records.count + 1)
            content.records.append(record)
        }
        content.records[Int(mapping)].end = UInt32(content.records.count)
    }
}
