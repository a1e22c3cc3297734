/// The values of one document in two flat arrays: records in the order of the text, and the bytes of all scalars.
///
/// A container is followed by what it holds; `end` leads past it. An alias is a record that names another one, so a
/// value that is used often is held once. Confined to the task that reads.
final class YAMLArena {
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
        /// Index behind the value and all that it holds.
        var end: UInt32 = 0
        var kind: Kind
        var style = YAMLStyle.plain
        var tag = YAMLTag.none
    }

    /// What was handed over by itself in streaming, and where it stands in the document.
    struct Part {
        let start: UInt32
        let path: String
    }

    let file: String
    var records: [Record] = []
    var bytes: [UInt8] = []
    /// In the order of `start`; a document that was not streamed is one part with an empty path.
    var parts: [Part] = []

    init(file: String) { self.file = file }

    /// A second arena with the same content, for when a view of this one is held and it must not change.
    func copy() -> YAMLArena {
        let copy = YAMLArena(file: file)
        copy.records = records
        copy.bytes = bytes
        copy.parts = parts
        return copy
    }

    /// The record that an alias stands for; any other record is itself.
    func resolved(_ index: UInt32) -> UInt32 {
        let record = records[Int(index)]
        return record.kind == .alias ? record.start : index
    }

    func isEqual(_ a: UInt32, _ b: UInt32) -> Bool {
        let (a, b) = (records[Int(a)], records[Int(b)])
        guard a.count == b.count else { return false }
        let bytes = bytes
        for offset in 0..<Int(a.count) where bytes[Int(a.start) + offset] != bytes[Int(b.start) + offset] {
            return false
        }
        return true
    }

    func isEqual(_ index: UInt32, _ text: StaticString) -> Bool {
        let record = records[Int(index)]
        guard Int(record.count) == text.utf8CodeUnitCount else { return false }
        let bytes = bytes
        // The literal lives as long as the program.
        let literal = unsafe text.utf8Start
        for offset in 0..<Int(record.count) where unsafe bytes[Int(record.start) + offset] != literal[offset] {
            return false
        }
        return true
    }

    func text(_ index: UInt32) -> String {
        let record = records[Int(index)]
        // The reader has validated the bytes.
        return unsafe bytes.withUnsafeBufferPointer {
            unsafe String(decoding: $0[Int(record.start)..<Int(record.start + record.count)], as: UTF8.self)
        }
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

    /// The child that is or holds `index`, and how it is reached.
    private func step(from parent: UInt32, to index: UInt32) -> (String, UInt32)? {
        let record = records[Int(parent)]
        // Not from `start`: merged pairs stand behind those of the text, and a place is a place in the text. Nor up to
        // `end`, which is not known yet while the container is read.
        var child = parent + 1
        var position = 0
        while child <= index {
            let end = records[Int(child)].end
            switch record.kind {
            case .sequence:
                if index < end { return ("[\(position)]", child) }
                child = end
            case .mapping:
                let name = ".\(text(resolved(child)))"
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
