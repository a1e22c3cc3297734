/// Why a text was refused, and where.
package struct YAMLError: Error, Hashable, CustomStringConvertible {
    /// The name that stands for the text in messages.
    package let file: String
    /// From 1; 0 when the place is not known.
    package let line: Int
    /// In characters, from 1; 0 when the place is not known.
    package let column: Int
    /// What is wrong and, where it helps, what was expected. One line.
    package let reason: String

    package init(file: String, line: Int, column: Int, reason: String) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
    }

    /// `file:line:column: reason`.
    package var description: String {
        let place = line == 0 ? "" : column == 0 ? ":\(line)" : ":\(line):\(column)"
        return "\(file)\(place): \(reason)"
    }
}
