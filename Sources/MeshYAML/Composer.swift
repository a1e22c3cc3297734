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
    mutating func compose(_ source: EventSource, into arena: YAMLArena, depth: Int) throws(YAMLError) -> Int {
        if depth > limits.depth { throw source.error("nested more than \(limits.depth) levels deep") }
        switch source.kind {
        case .scalar:
            try scalar(source, into: arena)
            return 0
        case .alias: return try alias(source, into: arena, depth: depth)
        case .sequence:
            let anchor = source.anchor
            let before = size + unfolded
            let list = try open(.sequence, source, into: arena)
            var count: UInt32 = 0
            var height = 0
            try source.advance()
            while source.kind != .sequenceEnd {
                height = max(height, try compose(source, into: arena, depth: depth + 1) + 1)
                count += 1
                try source.advance()
            }
            arena.records[Int(list)].count = count
            arena.records[Int(list)].end = UInt32(arena.records.count)
            if let anchor { remember(anchor, list, size: size + unfolded - before, height: height) }
            return height
        default:
            let anchor = source.anchor
            let before = size + unfolded
            let mapping = try open(.mapping, source, into: arena)
            var count: UInt32 = 0
            var height = 0
            try source.advance()
            while source.kind != .mappingEnd {
                try key(source, into: arena)
                try source.advance()
                height = max(height, try compose(source, into: arena, depth: depth + 1) + 1)
                count += 1
                try source.advance()
            }
            try close(mapping, count: count, anchor: anchor, height: height, into: arena, since: before)
            return height
        }
    }

    /// Appends a container without its content.
    mutating func open(
        _ kind: YAMLArena.Kind, _ source: EventSource, into arena: YAMLArena
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
        let index = try append(kind, source, into: arena)
        arena.records[Int(index)].start = index + 1
        return index
    }

    /// Appends a key.
    mutating func key(_ source: EventSource, into arena: YAMLArena) throws(YAMLError) {
        guard source.kind == .scalar || source.kind == .alias else {
            throw source.error("a key that is a \(source.kind == .mapping ? "mapping" : "list"); expected a text")
        }
        let index = UInt32(arena.records.count)
        if source.kind == .scalar {
            try scalar(source, into: arena)
        } else {
            _ = try alias(source, into: arena, depth: 1)
        }
        let key = YAMLNode(arena, index)
        guard key.kind == .scalar else { throw source.error("a key that is \(key.kind); expected a text") }
        if key.isNull { throw source.error("a key that is null; expected a text") }
    }

    /// Ends a mapping: keys are checked, merge keys resolved.
    mutating func close(
        _ mapping: UInt32, count: UInt32, anchor: String?, height: Int, into arena: YAMLArena, since before: Int = 0
    ) throws(YAMLError) {
        arena.records[Int(mapping)].count = count
        arena.records[Int(mapping)].end = UInt32(arena.records.count)
        if try keys.check(arena, mapping) { try merge(mapping, arena) }
        if let anchor { remember(anchor, mapping, size: size + unfolded - before, height: height) }
    }

    private mutating func remember(_ anchor: String, _ index: UInt32, size: Int, height: Int) {
        anchors[anchor] = .closed(index: index, size: size, height: height)
    }

    private mutating func append(
        _ kind: YAMLArena.Kind, _ source: EventSource, into arena: YAMLArena
    ) throws(YAMLError) -> UInt32 {
        let index = arena.records.count
        if index >= limits.nodes { throw source.error("more than \(limits.nodes) values") }
        arena.records.append(
            YAMLArena.Record(
                line: UInt32(clamping: source.line), column: UInt32(clamping: source.column), end: UInt32(index + 1),
                kind: kind))
        size += 1
        return UInt32(index)
    }

    private mutating func scalar(_ source: EventSource, into arena: YAMLArena) throws(YAMLError) {
        let anchor = source.anchor
        let start = arena.bytes.count
        let index = try append(.scalar, source, into: arena)
        let count = source.appendText(to: &arena.bytes)
        let style = source.style
        arena.records[Int(index)].start = UInt32(start)
        arena.records[Int(index)].count = UInt32(count)
        arena.records[Int(index)].style = style
        // Only an escape can make one: the library refuses the byte itself.
        if style == .doubleQuoted, arena.bytes[start...].contains(0) {
            throw source.error("a text with the character U+0000, which is not allowed")
        }
        if let tag = source.tag {
            arena.records[Int(index)].tag = try scalarTag(tag, source, arena.text(index))
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
        _ source: EventSource, into arena: YAMLArena, depth: Int
    ) throws(YAMLError) -> Int {
        let name = source.anchor ?? ""
        switch anchors[name] {
        case nil: throw source.error("found undefined alias *\(name)")
        case .open: throw source.error("the alias *\(name) stands inside of what it stands for")
        case .closed(let target, let targetSize, let height):
            if depth + height > limits.depth { throw source.error("nested more than \(limits.depth) levels deep") }
            unfolded += targetSize
            try checkUnfolded(source.line, source.column, arena)
            let index = try append(.alias, source, into: arena)
            arena.records[Int(index)].start = target
            return height
        }
    }

    private func checkUnfolded(_ line: Int, _ column: Int, _ arena: YAMLArena) throws(YAMLError) {
        guard unfolded > limits.unfolded else { return }
        throw YAMLError(
            file: arena.file, line: line, column: column,
            reason: "aliases unfold into too many values, over \(limits.unfolded); write the file out instead")
    }

    // MARK: Merge keys

    /// Gives a mapping with `<<` its effective pairs, behind those of the text: its own, then the merged ones.
    private mutating func merge(_ mapping: UInt32, _ arena: YAMLArena) throws(YAMLError) {
        var pairs: [(key: UInt32, value: UInt32)] = []
        var merged: [YAMLNode] = []
        for (key, value) in YAMLNode(arena, mapping).pairs {
            guard KeyCheck.isMerge(arena, key.index) else {
                pairs.append((key.index, value.index))
                continue
            }
            merged += value.kind == .sequence ? Array(value.elements) : [value]
        }
        var known = Set(pairs.map { arena.text($0.key) })
        for source in merged {
            guard source.kind == .mapping else {
                throw source.error("is \(source.kind); a merge key takes a mapping or a list of mappings")
            }
            unfolded += source.count
            try checkUnfolded(source.line, source.column, arena)
            for (key, value) in source.pairs where known.insert(key.text).inserted {
                pairs.append((key.index, value.index))
            }
        }
        if arena.records.count + 2 * pairs.count > limits.nodes {
            throw YAMLNode(arena, mapping).error("more than \(limits.nodes) values")
        }
        arena.records[Int(mapping)].start = UInt32(arena.records.count)
        arena.records[Int(mapping)].count = UInt32(pairs.count)
        for target in pairs.flatMap({ [$0.key, $0.value] }) {
            var record = arena.records[Int(target)]
            record.kind = .alias
            record.start = target
            record.end = UInt32(arena.records.count + 1)
            arena.records.append(record)
        }
        arena.records[Int(mapping)].end = UInt32(arena.records.count)
    }
}
