import MeshYAML
import Testing

@Suite("YAML reader")
struct ReaderTests {
    /// A value as a text that shows its structure.
    static func outline(_ node: YAMLNode) -> String {
        switch node.kind {
        case .scalar: node.style == .plain ? node.text : "\"\(node.text)\""
        case .sequence: "[" + node.elements.map(outline).joined(separator: ",") + "]"
        case .mapping: "{" + node.pairs.map { "\($0.text):\(outline($1))" }.joined(separator: ",") + "}"
        }
    }

    private func outline(_ text: String) throws -> String? {
        try YAMLNode.document(in: text, name: "f").map(Self.outline)
    }

    static let read = [
        ("a", "a"),
        ("- 1\n- [2, 3]\n- {a: b}\n", "[1,[2,3],{a:b}]"),
        ("a:\nb: ''\nc: ~\n", "{a:,b:\"\",c:~}"),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{a:\"x\ny\n\",b:\"x y\"}"),
        (#"{"a":"b\/\u00e9","c":[true,null,1e3]}"#, #"{a:"b/é",c:[true,null,1e3]}"#),
        ("{\n\t\"a\": 1\n}", "{a:1}"),
        ("\u{feff}a: 1", "{a:1}"),
        ("a: &x [1, 2]\nb: *x\nc: [*x, *x]", "{a:[1,2],b:[1,2],c:[[1,2],[1,2]]}"),
        ("a: &x 1\nb: &x 2\nc: *x", "{a:1,b:2,c:2}"),
        ("&k a: 1\nb: *k", "{a:1,b:a}"),
        ("a: &k x\n*k : y", "{a:x,x:y}"),
        ("? a\n: b", "{a:b}"),
        ("\"<<\": 1", "{<<:1}"),
        ("%YAML 1.1\n---\na", "a"),
    ]

    @Test("reads block and flow styles, JSON and aliases", arguments: read)
    func reads(text: String, expected: String) throws { #expect(try outline(text) == expected) }

    static let merged = [
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3, z: 4}", "{a:{x:1,y:2},b:{y:3,z:4,x:1}}"),
        ("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]", "{a:{x:1},b:{x:2,y:2},c:{x:1,y:2}}"),
        ("<<: {x: {y: [1]}}\nb: 1", "{b:1,x:{y:[1]}}"),
        (
            "a: &a {x: [1]}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\nd: 4",
            "{a:{x:[1]},b:{y:2,x:[1]},c:{z:3,y:2,x:[1]},d:4}"
        ),
        ("a: {<<: {}, x: 1}", "{a:{x:1}}"),
    ]

    @Test("resolves merge keys, the nearest pair first", arguments: merged)
    func merges(text: String, expected: String) throws { #expect(try outline(text) == expected) }

    @Test("a merged value has the place where it was written")
    func mergedPlace() throws {
        let top = try #require(try YAMLNode.document(in: "a: &a\n  x: [1]\nb:\n  <<: *a\n", name: "f"))
        let value = try #require(top["b"]?["x"]?.elements.first { _ in true })
        #expect(value.line == 2 && value.path == "a.x[0]")
    }

    @Test("every value and key knows its line, column and path")
    func places() throws {
        let text = "# comment\nspec:\n  rules:\n  - from: x\n    to: &anchor !!str y\n  - {é: [1,  2]}\n"
        let top = try #require(try YAMLNode.document(in: text, name: "f"))
        let rules = try #require(top["spec"]?["rules"])
        let to = try #require(rules.elements.first { _ in true }?["to"])
        #expect(to.line == 5 && to.column == 9 && to.path == "spec.rules[0].to")
        let flow = try #require(Array(rules.elements).last)
        #expect(flow.line == 6 && flow.column == 5 && flow.path == "spec.rules[1]")
        let (key, list) = try #require(flow.pairs.first { _ in true })
        #expect(key.line == 6 && key.column == 6 && key.text == "é" && key.path == "spec.rules[1].é")
        let last = try #require(Array(list.elements).last)
        #expect(last.column == 14 && last.path == "spec.rules[1].é[1]")
        #expect(last.error("is wrong").description == "f:6:14: spec.rules[1].é[1]: is wrong")
        #expect(top.path.isEmpty && top.line == 2)
    }

    @Test("documents of a stream come one by one, empty ones as null")
    func documents() throws {
        let reader = try YAMLReader("a: 1\n---\n---\n- b\n...\n---\nc\n", name: "f")
        var found: [String] = []
        while let document = try reader.next() { found.append(Self.outline(document)) }
        #expect(found == ["{a:1}", "", "[b]", "c"])
        #expect(try YAMLNode.documents(in: "---\n---\na\n--- \n", name: "f").map(Self.outline) == ["a"])
        #expect(try reader.next() == nil)
    }

    @Test("a document stays whole when the reader goes on")
    func earlierDocument() throws {
        let reader = try YAMLReader("a: &x [1]\n---\nb: 2\n", name: "f")
        let first = try #require(try reader.next())
        _ = try reader.next()
        #expect(Self.outline(first) == "{a:[1]}")
    }

    @Test("an anchor ends with its document")
    func anchorScope() {
        #expect(throws: YAMLError.self) { try YAMLNode.documents(in: "a: &x 1\n---\nb: *x\n", name: "f") }
    }

    @Test("a text without content has no document", arguments: ["", "\n", "# comment\n"])
    func empty(text: String) throws { #expect(try YAMLNode.document(in: text, name: "f") == nil) }

    @Test("fed byte by byte, a text reads the same", arguments: read.map(\.0) + merged.map(\.0))
    func byteByByte(text: String) throws {
        var bytes = Array(text.utf8)[...]
        let reader = try YAMLReader(name: "f") { buffer in
            guard let byte = bytes.popFirst() else { return 0 }
            buffer[0] = byte
            return 1
        }
        #expect(try reader.next().map(Self.outline) == outline(text))
    }

    @Test("every truncation is read or refused, never a trap")
    func truncations() {
        let text =
            Self.read.map(\.0).joined(separator: "\n---\n") + "\n---\n"
            + Self.merged.map(\.0).joined(separator: "\n---\n")
        for count in 0...text.utf8.count {
            guard let reader = try? YAMLReader(Array(text.utf8.prefix(count)), name: "f") else { continue }
            while let document = try? reader.next() { _ = Self.outline(document) }
        }
    }

    @Test("a key with control characters stays on one line of a message")
    func controlKey() throws {
        let top = try #require(try YAMLNode.document(in: "{\"a\\nb\": 1}", name: "f"))
        let (key, value) = try #require(top.pairs.first { _ in true })
        #expect(key.text == "a\nb" && value.path == #""a\nb""#)
    }
}
