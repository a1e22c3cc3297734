import Yams

/// A value of a YAML file that knows where it stands, so that every complaint names file, line and key.
struct YAMLValue {
    let node: Node
    let file: String
    /// Dotted path from the top, such as `callers[0].identities`.
    let path: String

    /// - Throws: `YAMLProblem` for a text that is not one YAML document; an empty one is an empty mapping.
    init(parsing text: String, file: String) throws(YAMLProblem) {
        do {
            node = try Yams.compose(yaml: text) ?? .mapping(Node.Mapping([]))
        } catch {
            throw YAMLProblem(file: file, line: nil, reason: "\(error)")
        }
        self.file = file
        path = ""
    }

    private init(node: Node, file: String, path: String) {
        self.node = node
        self.file = file
        self.path = path
    }

    func problem(_ reason: String) -> YAMLProblem {
        YAMLProblem(file: file, line: node.mark?.line, reason: path.isEmpty ? reason : "\(path): \(reason)")
    }

    /// The values of a mapping by key.
    /// - Throws: when this is no mapping, or has a key that is not in `known`.
    func mapping(known: [String]) throws(YAMLProblem) -> [String: YAMLValue] {
        guard let mapping = node.mapping else { throw problem("expected keys and values") }
        var values: [String: YAMLValue] = [:]
        for (key, value) in mapping {
            guard let name = key.string else { throw problem("a key is not a text") }
            guard known.contains(name) else {
                let reason = "unknown key \"\(name)\"; known are \(known.joined(separator: ", "))"
                throw YAMLValue(node: key, file: file, path: path).problem(reason)
            }
            values[name] = YAMLValue(node: value, file: file, path: path.isEmpty ? name : "\(path).\(name)")
        }
        return values
    }

    func list() throws(YAMLProblem) -> [YAMLValue] {
        guard let sequence = node.sequence else { throw problem("expected a list") }
        return sequence.enumerated().map { YAMLValue(node: $1, file: file, path: "\(path)[\($0)]") }
    }

    /// A text that is not empty.
    func text() throws(YAMLProblem) -> String {
        guard let text = node.string, !text.isEmpty else { throw problem("expected a text") }
        return text
    }

    func flag() throws(YAMLProblem) -> Bool {
        guard let flag = node.bool else { throw problem("expected true or false") }
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
