import MeshYAML

/// A value of a YAML file, read strictly: every complaint names file, line and key.
struct YAMLValue {
    /// `nil` for an empty text, which is an empty mapping.
    private let node: YAMLNode?
    private let file: String

    /// - Throws: `YAMLProblem` for a text that is not one YAML document.
    init(parsing text: String, file: String) throws(YAMLProblem) {
        do {
            node = try YAMLNode.document(in: text, name: file)
        } catch {
            throw YAMLProblem(file: file, line: error.line == 0 ? nil : error.line, reason: error.reason)
        }
        self.file = file
    }

    private init(_ node: YAMLNode) {
        self.node = node
        file = node.file
    }

    func problem(_ reason: String) -> YAMLProblem { problem(reason, at: node) }

    /// A problem of this value whose line is that of a part of it.
    private func problem(_ reason: String, at part: YAMLNode?) -> YAMLProblem {
        let path = node?.path ?? ""
        return YAMLProblem(file: file, line: part?.line, reason: path.isEmpty ? reason : "\(path): \(reason)")
    }

    /// The values of a mapping by key.
    /// - Throws: when this is no mapping, or has a key that is not in `known`.
    func mapping(known: [String]) throws(YAMLProblem) -> [String: YAMLValue] {
        guard let node else { return [:] }
        guard node.kind == .mapping else { throw problem("is \(node.kind); expected keys and values") }
        var values: [String: YAMLValue] = [:]
        for (key, value) in node.pairs {
            let name = key.text
            guard known.contains(name) else {
                throw problem("unknown key \"\(name)\"; known are \(known.joined(separator: ", "))", at: key)
            }
            values[name] = YAMLValue(value)
        }
        return values
    }

    func list() throws(YAMLProblem) -> [YAMLValue] {
        guard let node, node.kind == .sequence else { throw problem("expected a list") }
        return node.elements.map { YAMLValue($0) }
    }

    /// A text that is not empty.
    func text() throws(YAMLProblem) -> String {
        guard let node, node.kind == .scalar, !node.text.isEmpty else { throw problem("expected a text") }
        return node.text
    }

    func flag() throws(YAMLProblem) -> Bool {
        guard let flag = node?.bool else { throw problem("expected true or false") }
        return flag
    }
}

/// What is wrong in a YAML file, and where. Lines count from 1.
package struct YAMLProblem: Error, Hashable, CustomStringConvertible {
    package let file: String
    package let line: Int?
    package let reason: String

    package var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}
