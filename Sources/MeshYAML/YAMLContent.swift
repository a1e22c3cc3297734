/// The values of one document in two flat arrays: records in the order of the text, and the bytes of all scalars.
///
/// A container is followed by what it holds; `end` leads past it. An alias is a record that names another one, so a
/// value that is used often is held once.
///
/// A value, so that the composer, which holds it alone, appends without a check of exclusive access for every field.
struct YAMLContent {
    enum Kind: UInt8 { case scalar, sequence, mapping, alias }

    /// 24 bytes.
    struct Record {
        /// From 1; where the value begins, or its anchor or tag.
        var line: UInt32
        var column: UInt32
        /// Offset in `bytes` of a scalar, index of the first child of a container, index of what an alias stands for.
        var start: UInt32 = 0
        /// Bytes of a scalar, elements or pairs of a container.
        var count: UInt32 = 0
        /// Index behind the value and all that it holds; `open` while that is being read.
        var end: UInt32 = 0
        var kind: Kind
        var style = YAMLStyle.plain
        var tag = YAMLTag.none
    }

    /// What was handed over by itself in streaming, and where it stands in the document.
    struct Part {
        let start: UInt32
        /// Of the list, and the place in it. Empty for the document itself.
        let key: String
        let position: Int

        var path: String { key.isEmpty ? "" : "\(key)[\(position)]" }
    }

    /// The `end` of a container to which more may come: it holds whatever stands behind it, as messages count it.
    static let open = UInt32.max

    let file: String
    var records: [Record] = []
    var bytes: [UInt8] = []
    /// In the order of `start`; a document that was not streamed is one part.
    var parts: [Part] = []

    init(file: String) { self.file = file }

    /// The record that an alias stands for; any other record is itself.
    func resolved(_ index: UInt32) -> UInt32 {
        let record = records[Int(index)]
        return record.kind == .alias ? record.start : index
    }

    /// What a container holds, aliases resolved: elements, or keys and values in turn.
    func children(_ index: UInt32) -> [UInt32] {
        let record = records[Int(index)]
        let count =
            switch record.kind {
            case .sequence: Int(record.count)
            case .mapping: 2 * Int(record.count)
            case .scalar, .alias: 0
            }
        var children: [UInt32] = []
        children.reserveCapacity(count)
        var child = record.start
        for _ in 0..<count {
            children.append(resolved(child))
            child = records[Int(child)].end
        }
        return children
    }

    func isEqual(_ a: UInt32, _ b: UInt32) -> Bool {
        let (a, b) = (records[Int(a)], records[Int(b)])
        guard a.count == b.count else { return false }
        for offset in 0..<Int(a.count) where bytes[Int(a.start) + offset] != bytes[Int(b.start) + offset] {
            return false
        }
        return true
    }

    func isEqual(_ index: UInt32, _ text: StaticString) -> Bool {
        let record = records[Int(index)]
        guard Int(record.count) == text.utf8CodeUnitCount else { return false }
        // The literal lives as long as the program.
        let literal = unsafe text.utf8Start
        for offset in 0..<Int(record.count) where unsafe bytes[Int(record.start) + offset] != literal[offset] {
            return false
        }
        return true
    }

    /// A plain null: nothing at all, `~` or `null`.
    func isNull(_ index: UInt32) -> Bool {
        let record = records[Int(index)]
        guard record.kind == .scalar, record.tag == .null || (record.tag == .none && record.style == .plain) else {
            return false
        }
        switch record.count {
        case 0: return true
        case 1: return bytes[Int(record.start)] == UInt8(ascii: "~")
        case 4: return isEqual(index, "null") || isEqual(index, "Null") || isEqual(index, "NULL")
        default: return false
        }
    }

    func text(_ index: UInt32) -> String {
        let record = records[Int(index)]
        // The reader has validated the bytes.
        return unsafe bytes.withUnsafeBufferPointer {
            unsafe String(decoding: $0[Int(record.start)..<Int(record.start + record.count)], as: UTF8.self)
        }
    }

    /// A complaint about a value, `path: reason`.
    func error(_ index: UInt32, _ reason: String) -> YAMLError {
        let (record, path) = (records[Int(index)], path(index))
        return YAMLError(
            file: file, line: Int(record.line), column: Int(record.column),
            reason: path.isEmpty ? reason : "\(path): \(reason)")
    }

    /// Where a value stands, as `spec.rules[0].from`. Cost: a walk from the top; for messages only.
    func path(_ index: UInt32) -> String {
        // Behind an element that was kept there may be values that are not of it.
        let holder = parts.last { $0.start <= index && index < records[Int($0.start)].end }
        guard let part = holder ?? parts.first else { return "" }
        var path = part.path
        var current = part.start
        while current != index, let (step, child) = step(from: current, to: index) {
            path += path.isEmpty && step.hasPrefix(".") ? String(step.dropFirst()) : step
            current = child
        }
        return path
    }

    /// A key as a message shows it, on one line whatever it holds.
    private static func readable(_ key: String) -> String {
        key.unicodeScalars.contains { $0.properties.generalCategory == .control } ? String(reflecting: key) : key
    }

    /// The child that is or holds `index`, and how it is reached.
    private func step(from parent: UInt32, to index: UInt32) -> (String, UInt32)? {
        let record = records[Int(parent)]
        // Not from `start`: merged pairs stand behind those of the text, and a place is a place in the text.
        var child = parent + 1
        var position = 0
        while child <= index {
            let end = records[Int(child)].end
            switch record.kind {
            case .sequence:
                if index < end { return ("[\(position)]", child) }
                child = end
            case .mapping:
                let name = ".\(Self.readable(text(resolved(child))))"
                if index == child { return (name, child) }
                let valueEnd = records[Int(end)].end
                if index < valueEnd { return (name, end) }
                child = valueEnd
            case .scalar, .alias: return nil
            }
            position += 1
        }
        return nil
    }
}
