internal import CYaml

/// libyaml's parser: pieces of text in, one event at a time out. Nothing else touches the library.
///
/// The event is valid until the next one; its pointers never leave this file but as spans of a closure.
@safe
final class EventSource {
    enum Kind { case documentStart, documentEnd, scalar, sequence, sequenceEnd, mapping, mappingEnd, alias, end }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let event: UnsafeMutablePointer<yaml_event_t>
    private let pull: YAMLReader.Source
    private let file: String
    private let byteLimit: Int
    private var byteCount = 0
    private var newlineCount = 0
    /// -errno of a source that failed.
    private var refusal: Int?
    private var isTooLong = false

    private(set) var kind = Kind.documentEnd

    init(file: String, byteLimit: Int, pull: @escaping YAMLReader.Source) throws(YAMLError) {
        self.file = file
        self.byteLimit = byteLimit
        unsafe self.pull = pull
        unsafe parser = .allocate(capacity: 1)
        unsafe event = .allocate(capacity: 1)
        unsafe event.initialize(to: yaml_event_t())
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            throw YAMLError(file: file, line: 0, column: 0, reason: "out of memory")
        }
        // Given, not guessed: a byte order mark must not turn the text into UTF-16.
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        // The parser calls back only while a method of this object runs.
        unsafe yaml_parser_set_input(
            parser,
            { source, buffer, size, count in
                guard let source = unsafe source, let buffer = unsafe buffer, let count = unsafe count else { return 0 }
                let object = unsafe Unmanaged<EventSource>.fromOpaque(source).takeUnretainedValue()
                unsafe count.pointee = object.fill(UnsafeMutableRawBufferPointer(start: buffer, count: size))
                return object.refusal == nil && !object.isTooLong ? 1 : 0
            }, unsafe Unmanaged.passUnretained(self).toOpaque())
        try advance()  // the start of the stream
    }

    deinit {
        unsafe yaml_event_delete(event)
        unsafe yaml_parser_delete(parser)
        unsafe event.deallocate()
        unsafe parser.deallocate()
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = unsafe pull(buffer)
        guard count >= 0 else {
            refusal = count
            return 0
        }
        byteCount += count
        if byteCount > byteLimit {
            isTooLong = true
            return 0
        }
        for index in 0..<count where unsafe buffer[index] == UInt8(ascii: "\n") { newlineCount += 1 }
        return count
    }

    func advance() throws(YAMLError) {
        unsafe yaml_event_delete(event)
        guard unsafe yaml_parser_parse(parser, event) == 1 else { throw failure() }
        switch unsafe event.pointee.type {
        case YAML_SCALAR_EVENT: kind = .scalar
        case YAML_MAPPING_START_EVENT: kind = .mapping
        case YAML_MAPPING_END_EVENT: kind = .mappingEnd
        case YAML_SEQUENCE_START_EVENT: kind = .sequence
        case YAML_SEQUENCE_END_EVENT: kind = .sequenceEnd
        case YAML_ALIAS_EVENT: kind = .alias
        case YAML_DOCUMENT_START_EVENT: kind = .documentStart
        case YAML_STREAM_END_EVENT: kind = .end
        default: kind = .documentEnd
        }
    }

    // MARK: The event

    var line: Int { unsafe Int(event.pointee.start_mark.line) + 1 }
    var column: Int { unsafe Int(event.pointee.start_mark.column) + 1 }

    func error(_ reason: String) -> YAMLError { YAMLError(file: file, line: line, column: column, reason: reason) }

    /// The name behind `&` or `*`; `nil` for a value without.
    var anchor: String? {
        switch kind {
        case .scalar: unsafe Self.text(event.pointee.data.scalar.anchor)
        case .sequence: unsafe Self.text(event.pointee.data.sequence_start.anchor)
        case .mapping: unsafe Self.text(event.pointee.data.mapping_start.anchor)
        case .alias: unsafe Self.text(event.pointee.data.alias.anchor)
        default: nil
        }
    }

    /// The tag in full, `tag:yaml.org,2002:str` for `!!str`; `nil` for a value without.
    var tag: String? {
        switch kind {
        case .scalar: unsafe Self.text(event.pointee.data.scalar.tag)
        case .sequence: unsafe Self.text(event.pointee.data.sequence_start.tag)
        case .mapping: unsafe Self.text(event.pointee.data.mapping_start.tag)
        default: nil
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    var style: YAMLStyle {
        switch unsafe event.pointee.data.scalar.style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }

    /// Appends the bytes of a scalar; returns how many.
    func appendText(to bytes: inout [UInt8]) -> Int {
        let count = unsafe event.pointee.data.scalar.length
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(start: event.pointee.data.scalar.value, count: count))
        return count
    }

    // MARK: Failure

    private func failure() -> YAMLError {
        if let refusal {
            return YAMLError(file: file, line: 0, column: 0, reason: "it cannot be read (errno \(-refusal))")
        }
        if isTooLong {
            return YAMLError(
                file: file, line: 0, column: 0,
                reason: "it has more than \(byteLimit) bytes, which are all that is read")
        }
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "not valid YAML"
        switch unsafe parser.pointee.error {
        case YAML_READER_ERROR: return badByte(problem)
        case YAML_SCANNER_ERROR, YAML_PARSER_ERROR:
            let mark = unsafe parser.pointee.problem_mark
            return YAMLError(
                file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1, reason: explained(problem))
        default: return YAMLError(file: file, line: 0, column: 0, reason: problem)
        }
    }

    /// The library knows only the offset of a byte that is no text; the line is told by what it has not decoded yet.
    private func badByte(_ problem: String) -> YAMLError {
        var line = newlineCount + 1
        let raw = unsafe parser.pointee.raw_buffer
        let unread = unsafe UnsafeBufferPointer(start: raw.pointer, count: raw.last - raw.pointer)
        for index in unread.indices where unsafe unread[index] == UInt8(ascii: "\n") { line -= 1 }
        let value = unsafe parser.pointee.problem_value
        let reason =
            if problem.contains("control characters") {
                "the character U+\(Self.hex(value, digits: 4)) is not allowed"
            } else {
                "not UTF-8 text: \(problem)" + (value >= 0 ? " 0x\(Self.hex(value, digits: 2))" : "")
            }
        return YAMLError(file: file, line: line, column: 0, reason: reason)
    }

    private static func hex(_ value: Int32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private func explained(_ problem: String) -> String {
        let isTab = unsafe parser.pointee.buffer.pointer.map { unsafe $0.pointee == UInt8(ascii: "\t") } ?? false
        if problem == "found a tab character that violates indentation"
            || (isTab && problem == "found character that cannot start any token")
        {
            return "a tab cannot indent; use spaces"
        }
        if problem == "mapping values are not allowed in this context" {
            return "\(problem); a text that holds \": \" needs quotes"
        }
        guard let context = unsafe parser.pointee.context else { return problem }
        let line = unsafe parser.pointee.context_mark.line + 1
        return unsafe "\(problem), \(String(cString: context)) that begins at line \(line)"
    }
}
