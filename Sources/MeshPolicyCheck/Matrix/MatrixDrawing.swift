extension FlowMatrix {
    /// A graph for Graphviz: an arrow for what is allowed, a dashed one for what depends on the request.
    package var dot: String {
        func quoted(_ text: String) -> String {
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        var lines = ["digraph policies {", "  rankdir=LR;", "  node [shape=box, fontname=\"sans-serif\"];"]
        for cell in cells where cell.answer != .denied {
            let style = cell.answer == .depends ? ", style=dashed" : ""
            let target = cell.to.prefix { $0 != ":" }
            lines.append(
                "  \(quoted(cell.from)) -> \(quoted(String(target))) [label=\(quoted(String(cell.port)))\(style)];")
        }
        return (lines + ["}"]).joined(separator: "\n")
    }

    /// A grid: clients down, targets across.
    package var svg: String {
        let (size, left, top) = (22, 9 * (sources.map(\.count).max() ?? 0) + 20, 240)
        let (width, height) = (left + size * destinations.count + 160, top + size * sources.count + 50)
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
                + "viewBox=\"0 0 \(width) \(height)\" font-family=\"monospace\" font-size=\"13\">",
            "<title>Which workload reaches which</title>",
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
        ]
        for (column, name) in destinations.enumerated() {
            let x = left + column * size + size / 2 + 4
            lines.append(
                "<text transform=\"translate(\(x) \(top - 6)) rotate(-60)\">\(Self.escaped(name))</text>")
        }
        for (row, name) in sources.enumerated() {
            let y = top + row * size
            lines.append("<text x=\"\(left - 8)\" y=\"\(y + 15)\" text-anchor=\"end\">\(Self.escaped(name))</text>")
            for column in destinations.indices {
                let index = row * destinations.count + column
                guard cells.indices.contains(index) else { continue }
                let cell = cells[index]
                let (x, mark) = (left + column * size, Self.mark(cell.answer))
                lines.append(
                    "<g><title>\(Self.escaped("\(cell.from) to \(cell.to): \(cell.reason)"))</title>"
                        + "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(size - 2)\" height=\"\(size - 2)\" rx=\"3\" "
                        + "fill=\"\(mark.colour)\"/><text x=\"\(x + 10)\" y=\"\(y + 15)\" text-anchor=\"middle\" "
                        + "fill=\"#ffffff\">\(mark.sign)</text></g>")
            }
        }
        for (number, answer) in [Answer.allowed, .denied, .depends].enumerated() {
            let (x, mark) = (20 + number * 190, Self.mark(answer))
            lines.append(
                "<rect x=\"\(x)\" y=\"\(height - 32)\" width=\"14\" height=\"14\" rx=\"3\" fill=\"\(mark.colour)\"/>"
                    + "<text x=\"\(x + 20)\" y=\"\(height - 20)\">\(mark.sign) \(mark.legend)</text>")
        }
        return (lines + ["</svg>"]).joined(separator: "\n")
    }

    /// Shape and colour both, for those who do not tell colours apart.
    private static func mark(_ answer: Answer) -> (sign: String, colour: String, legend: String) {
        switch answer {
        case .allowed: ("+", "#1a7f4b", "allowed")
        case .denied: ("x", "#b3261e", "denied")
        case .depends: ("~", "#8a6100", "by request")
        }
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
