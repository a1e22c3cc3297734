package import MeshCore
package import MeshYAML

/// Takes one object apart and notes what is wrong with it, all of it and not only the first.
struct ObjectReader {
    var problems: ManifestProblems
    /// `AuthorizationPolicy shop/viewer`, for messages.
    var object = ""

    init(_ problems: ManifestProblems) { self.problems = problems }

    // MARK: Complaints

    mutating func error(_ node: YAMLNode, _ message: String, remedy: String) {
        add(.error, node, message, remedy)
    }

    mutating func warn(_ node: YAMLNode, _ message: String, remedy: String) {
        add(.warning, node, message, remedy)
    }

    private mutating func add(
        _ severity: ManifestProblem.Severity, _ node: YAMLNode, _ message: String, _ remedy: String
    ) {
        problems.add(
            ManifestProblem(
                severity, FilePosition(node), object: object, path: node.path, message, remedy: remedy))
    }

    mutating func unknown(_ key: YAMLNode, _ known: [String]) {
        let path = key.path.isEmpty ? key.text : key.path
        problems.add(
            ManifestProblem(
                .error, FilePosition(key), object: object, path: path, "unknown field",
                remedy: Suggestion.remedy(for: key.text, among: known)))
    }

    // MARK: Shapes

    /// The pairs of a mapping; a complaint and none for another kind. Nothing, or a null, is an empty mapping.
    mutating func pairs(_ node: YAMLNode?) -> [(key: YAMLNode, value: YAMLNode)] {
        guard let node, !node.isNull else { return [] }
        guard node.kind == .mapping else {
            error(node, "is \(node.kind); a mapping is expected", remedy: "write its fields below it")
            return []
        }
        return Array(node.pairs)
    }

    /// The elements of a list; a complaint and none for another kind. A null is an empty list.
    mutating func elements(_ node: YAMLNode) -> [YAMLNode] {
        if node.isNull { return [] }
        guard node.kind == .sequence else {
            error(node, "is \(node.kind); a list is expected", remedy: "write each element behind \"- \"")
            return []
        }
        return Array(node.elements)
    }

    /// A text; a complaint and `nil` for anything else.
    mutating func text(_ node: YAMLNode) -> String? {
        switch node.scalar {
        case .text(let text)?: return text
        case nil:
            error(node, "is \(node.kind); a text is expected", remedy: "write one value")
        case .null?:
            error(node, "is null; a text is expected", remedy: "give a value or remove the field")
        default:
            error(
                node, "\(node.text) is not a text to Kubernetes, which refuses it",
                remedy: "write it in quotes: \"\(node.text)\"")
        }
        return nil
    }

    /// A text with at least one character.
    mutating func filledText(_ node: YAMLNode) -> String? {
        guard let text = text(node) else { return nil }
        if text.isEmpty {
            error(node, "is empty", remedy: "give a value or remove it")
            return nil
        }
        return text
    }

    /// Texts with at least one character each.
    mutating func texts(_ node: YAMLNode, limit: Int = 1 << 20) -> [String] {
        let elements = elements(node)
        if elements.count > limit {
            error(node, "has \(elements.count) values; \(limit) are allowed", remedy: "spread them over several rules")
        }
        var result: [String] = []
        result.reserveCapacity(elements.count)
        for element in elements { if let text = filledText(element) { result.append(text) } }
        return result
    }

    mutating func bool(_ node: YAMLNode) -> Bool {
        if let value = node.bool { return value }
        error(node, "is no boolean", remedy: "write true or false without quotes")
        return false
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(_ node: YAMLNode, _ standard: Value) -> Value
    where Value.RawValue == String {
        guard let text = text(node) else { return standard }
        if let value = Value(rawValue: text) { return value }
        error(
            node, "\"\(text)\" is not known here",
            remedy: Suggestion.remedy(for: text, among: Value.allCases.map(\.rawValue)))
        return standard
    }

    /// Labels and annotations: texts by text. What is no text is passed over; the API server would have refused it.
    func map(_ node: YAMLNode?) -> [String: String] {
        guard let node, node.kind == .mapping, node.count > 0 else { return [:] }
        var result: [String: String] = [:]
        result.reserveCapacity(node.count)
        for (key, value) in node.pairs where value.kind == .scalar { result[key.text] = value.text }
        return result
    }
}

extension Optional<YAMLNode> {
    /// The pairs of a mapping, none for anything else.
    var fields: [(key: YAMLNode, value: YAMLNode)] { self.map { node in Array(node.pairs) } ?? [] }
    /// The elements of a list, none for anything else.
    var listed: [YAMLNode] { self.map { node in Array(node.elements) } ?? [] }
}

extension FilePosition {
    package init(_ node: YAMLNode) { self.init(file: node.file, line: node.line, column: node.column) }
}
