import MeshYAML

extension Target {
    /// Reads as documents, in pieces of one byte, and by streaming: all three must agree.
    static let yaml = Target(
        name: "YAML",
        seeds: [
            "items:\n- {a: &x [1, 'b'], <<: {c: d}}\n- *x\n- |\n  text\nend: \"e\\u00e9\"\n---\n- ~\n",
            "a: &a {b: 1}\nc: {<<: [*a, {d: !!str 2}], e: >-\n  f\n  g\n}\n",
            "{\"items\": [{\"k\": [true, null, -1.5e3]}, \"\\t\"], \"z\": {}}",
            "a: [1, {b: c}, {<<: 1}]\n---\n- [2, {<<: [*x]}]\n",
            "- - - &b x\n- ? *b\n  : [*b, *b]\n# end\n...\n",
        ],
        check: { bytes in
            let limits = YAMLLimits.small
            let whole = outline {
                try YAMLReader(bytes, name: "f", limits: limits)
            } next: {
                try $0.next()
            }
            var offset = 0
            let pieces = outline {
                try YAMLReader(name: "f", limits: limits) { buffer in
                    guard offset < bytes.count else { return 0 }
                    buffer[0] = bytes[offset]
                    offset += 1
                    return 1
                }
            } next: {
                try $0.next()
            }
            if whole != pieces { return "in pieces it is \(pieces), whole \(whole)" }
            // A streamed list is empty in the result; that it is taken by the same rules is what counts here.
            var elements = 0
            _ = outline {
                try YAMLReader(bytes, name: "f", limits: limits)
            } next: { reader in
                try reader.next(streaming: ["items"]) { _, position, element in
                    elements += text(element).isEmpty || position < 0 || element.path.isEmpty ? 0 : 1
                }
            }
            return elements <= bytes.count ? nil : "\(elements) elements from \(bytes.count) bytes"
        })
}

extension YAMLLimits {
    fileprivate static var small: YAMLLimits {
        var limits = YAMLLimits()
        limits.depth = 20
        limits.nodes = 2000
        limits.unfolded = 2000
        return limits
    }
}

/// All documents as one text, or "refused".
private func outline(_ make: () throws -> YAMLReader, next: (YAMLReader) throws -> YAMLNode?) -> String {
    var result = ""
    do {
        let reader = try make()
        while let document = try next(reader) { result += text(document) + ";" }
    } catch {
        // How much was read before depends on how far ahead the parser saw.
        return "refused"
    }
    return result
}

private func text(_ node: YAMLNode) -> String {
    precondition(
        node.line > 0 && node.column > 0 && !node.withBytes { bytes in bytes.indices.contains { bytes[$0] == 0 } })
    return switch node.kind {
    case .scalar: "\(node.scalar.map { "\($0)" } ?? "none")"
    case .sequence: "[" + node.elements.map(text).joined(separator: ",") + "]"
    case .mapping: "{" + node.pairs.map { "\(text($0)):\(text($1))" }.joined(separator: ",") + "}"
    }
}
