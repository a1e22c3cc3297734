/// Rows of text in columns as wide as their widest cell, two spaces apart.
package struct TextTable: Sendable {
    private let header: [String]
    private var rows: [[String]] = []

    package init(_ header: String...) { self.header = header }

    package mutating func add(_ cells: String...) { rows.append(cells) }

    package func render(_ style: TextStyle) -> String {
        var width = header.map(\.count)
        for row in rows { for (column, cell) in row.enumerated() { width[column] = max(width[column], cell.count) } }
        func line(_ cells: [String]) -> String {
            let last = cells.count - 1
            return cells.enumerated().map { index, cell in
                index == last ? cell : cell + String(repeating: " ", count: width[index] - cell.count + 2)
            }.joined()
        }
        return ([style.bold(line(header))] + rows.map(line)).joined(separator: "\n")
    }
}
