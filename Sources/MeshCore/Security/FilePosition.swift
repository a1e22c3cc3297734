/// Where a value was written, for messages.
public struct FilePosition: Hashable, Sendable, CustomStringConvertible {
    /// `-` for standard input, empty when the value does not come from a file.
    public let file: String
    /// From 1; 0 when unknown.
    public let line: Int
    /// From 1, in characters; 0 when unknown.
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public static let unknown = FilePosition(file: "", line: 0, column: 0)

    public var knownFile: String? { file.isEmpty ? nil : file }
    public var knownLine: Int? { line == 0 ? nil : line }

    /// `policy.yaml:12:5`.
    public var description: String {
        if file.isEmpty { return "unknown position" }
        if line == 0 { return file }
        return column == 0 ? "\(file):\(line)" : "\(file):\(line):\(column)"
    }
}
