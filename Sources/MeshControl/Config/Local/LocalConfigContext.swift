import MeshCore
import Yams

/// Where in a file a value stands, as a dotted path; rendered only for a problem.
final class ConfigPath {
    private enum Step {
        case key(String)
        case index(Int)
    }
    private let parent: ConfigPath?
    private let step: Step

    private init(_ parent: ConfigPath?, _ step: Step) {
        self.parent = parent
        self.step = step
    }

    static func root(_ key: String) -> ConfigPath { ConfigPath(nil, .key(key)) }
    func key(_ key: String) -> ConfigPath { ConfigPath(self, .key(key)) }
    func index(_ index: Int) -> ConfigPath { ConfigPath(self, .index(index)) }

    var text: String {
        let start = parent?.text ?? ""
        switch step {
        case .key(let key): return start.isEmpty ? key : "\(start).\(key)"
        case .index(let index): return "\(start)[\(index)]"
        }
    }
}

/// Reads values of a YAML tree and collects what is wrong with them.
///
/// Every reader returns a value of its type even after a problem: the tree is read to its end, and the result is thrown
/// away when there was any.
struct ConfigReader {
    static let problemLimit = 20

    let file: String
    private(set) var problems: [String] = []
    private(set) var problemCount = 0
    /// Nodes that may still be visited. A tree whose aliases unfold into far more nodes than its text has bytes is not a
    /// configuration.
    private var budget: Int
    private(set) var isExhausted = false

    init(file: String, textBytes: Int) {
        self.file = file
        budget = textBytes + 1_000_000
    }

    mutating func problem(_ path: ConfigPath, _ node: Node?, _ text: String) {
        problem(at: node?.mark, "\(path.text): \(text)")
    }

    /// Like `problem`, unless the value has had one since `before`: what is missing may be what was wrong.
    mutating func missing(_ path: ConfigPath, _ node: Node, _ text: String, since before: Int) {
        if problemCount == before { problem(path, node, text) }
    }

    mutating func problem(at mark: Mark?, _ text: String) {
        problemCount += 1
        guard problems.count < Self.problemLimit, !isExhausted else { return }
        problems.append(mark.map { "\(file):\($0.line): \(text)" } ?? "\(file): \(text)")
    }

    /// False once the tree has been found to be an alias bomb: nothing more is read then.
    private mutating func visit(_ path: ConfigPath, _ node: Node) -> Bool {
        if isExhausted { return false }
        budget -= 1
        if budget > 0 { return true }
        problem(path, node, "aliases unfold into too many values; write the file out instead")
        isExhausted = true
        return false
    }

    // MARK: Containers

    /// The pairs of a mapping, with text keys; empty after a problem or for null.
    mutating func pairs(_ node: Node, _ path: ConfigPath) -> [(key: String, keyNode: Node, value: Node)] {
        guard visit(path, node), !Self.isNull(node) else { return [] }
        guard case .mapping(let mapping) = node else {
            problem(path, node, "is \(Self.kind(node)); expected a mapping")
            return []
        }
        var result: [(String, Node, Node)] = []
        result.reserveCapacity(mapping.count)
        for (key, value) in mapping {
            if case .scalar(let scalar) = key {
                result.append((scalar.string, key, value))
            } else {
                problem(path, key, "has a key that is \(Self.kind(key)); expected a text")
            }
        }
        return result
    }

    /// The elements of a list; empty after a problem or for null.
    mutating func elements(_ node: Node, _ path: ConfigPath) -> [Node] {
        guard visit(path, node), !Self.isNull(node) else { return [] }
        guard case .sequence(let sequence) = node else {
            problem(path, node, "is \(Self.kind(node)); expected a list")
            return []
        }
        return Array(sequence)
    }

    mutating func list<Value>(
        _ node: Node, _ path: ConfigPath, _ read: (inout ConfigReader, Node, ConfigPath) -> Value?
    ) -> [Value] {
        var values: [Value] = []
        for (index, element) in elements(node, path).enumerated() {
            if let value = read(&self, element, path.index(index)) { values.append(value) }
        }
        return values
    }

    mutating func unknownKey(_ key: String, _ node: Node, _ path: ConfigPath, expected: String) {
        problem(path.key(key), node, "unknown key; expected one of \(expected)")
    }

    // MARK: Scalars

    mutating func text(_ node: Node, _ path: ConfigPath) -> String {
        guard visit(path, node) else { return "" }
        guard case .scalar(let scalar) = node else {
            problem(path, node, "is \(Self.kind(node)); expected a text")
            return ""
        }
        return Self.isNull(node) ? "" : scalar.string
    }

    mutating func bool(_ node: Node, _ path: ConfigPath) -> Bool {
        let text = text(node, path)
        if text != "true", text != "false" { problem(path, node, "is \"\(text)\"; expected true or false") }
        return text == "true"
    }

    mutating func number<Value: FixedWidthInteger>(
        _ node: Node, _ path: ConfigPath, _ what: String, _ type: Value.Type = Value.self
    ) -> Value {
        number(text(node, path), node, path, what)
    }

    private mutating func number<Value: FixedWidthInteger>(
        _ text: String, _ node: Node, _ path: ConfigPath, _ what: String
    ) -> Value {
        if text.utf8.allSatisfy({ (48...57).contains($0) }), let value = Value(text) { return value }
        problem(path, node, "is \"\(text)\"; expected \(what)")
        return 0
    }

    mutating func port(_ node: Node, _ path: ConfigPath) -> UInt16 { number(node, path, "a port from 0 to 65535") }

    /// A value of an enum by its spelling.
    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ node: Node, _ path: ConfigPath, _ fallback: Value
    ) -> Value where Value.RawValue == String {
        let text = text(node, path)
        if let value = Value(rawValue: text) { return value }
        let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
        problem(path, node, "is \"\(text)\"; expected \(names)")
        return fallback
    }

    /// A value made from a text, or a problem that says what was expected.
    mutating func parsed<Value>(
        _ node: Node, _ path: ConfigPath, _ expected: String, _ make: (String) -> Value?
    ) -> Value? {
        let text = text(node, path)
        if let value = make(text) { return value }
        if !isExhausted { problem(path, node, "is \"\(text.prefix(80))\"; expected \(expected)") }
        return nil
    }

    // MARK: Values of the mesh

    mutating func ip(_ node: Node, _ path: ConfigPath) -> IPAddress? {
        parsed(node, path, "an IPv4 or IPv6 address") { IPAddress($0) }
    }

    mutating func networkAddress(_ node: Node, _ path: ConfigPath) -> NetworkAddress? {
        parsed(node, path, "<network>/<ip>, or /<ip> for the default network") { NetworkAddress($0) }
    }

    mutating func cidr(_ node: Node, _ path: ConfigPath) -> CIDR? {
        parsed(node, path, "an address block such as 10.0.0.0/8") { CIDR($0) }
    }

    mutating func key(_ text: String, _ node: Node, _ path: ConfigPath) -> NamespacedHostname? {
        if let key = NamespacedHostname(text) { return key }
        problem(path, node, "is not a service key; expected <namespace>/<hostname>")
        return nil
    }

    /// `{service port: target port}`.
    mutating func ports(_ node: Node, _ path: ConfigPath) -> [UInt16: UInt16] {
        var ports: [UInt16: UInt16] = [:]
        for (key, keyNode, value) in pairs(node, path) {
            let servicePort: UInt16 = number(key, keyNode, path.key(key), "a port from 0 to 65535 as key")
            ports[servicePort] = port(value, path.key(key))
        }
        return ports
    }

    mutating func gateway(_ node: Node, _ path: ConfigPath) -> GatewayAddress? {
        if Self.isNull(node) { return nil }
        let before = problemCount
        var destination: GatewayAddress.Destination?
        var port: UInt16?
        for (key, keyNode, value) in pairs(node, path) {
            switch key {
            case "destination":
                destination = parsed(value, path.key(key), "<network>/<ip> or <namespace>/<hostname>") { text in
                    NetworkAddress(text).map { .address($0) } ?? NamespacedHostname(text).map { .hostname($0) }
                }
            case "hboneMtlsPort": port = self.port(value, path.key(key))
            default: unknownKey(key, keyNode, path, expected: "destination, hboneMtlsPort")
            }
        }
        guard let destination, let port else {
            missing(path, node, "needs destination and hboneMtlsPort", since: before)
            return nil
        }
        return GatewayAddress(destination: destination, hboneMTLSPort: port)
    }

    /// A plain `null`, `~` or nothing.
    static func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else { return false }
        return scalar.string.isEmpty || scalar.string == "~" || scalar.string == "null"
    }

    private static func kind(_ node: Node) -> String {
        switch node {
        case .scalar: "a single value"
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}
