import MeshYAML
import Testing

@Suite("YAML streaming")
struct StreamingTests {
    private func stream(_ text: String) throws -> (elements: [String], rest: String?) {
        var elements: [String] = []
        let reader = try YAMLReader(text, name: "f")
        let rest = try reader.next(streaming: ["items", "authorizationPolicies"]) { key, position, element in
            elements.append("\(key.text)[\(position)] \(ReaderTests.outline(element))")
        }
        return (elements, rest.map(ReaderTests.outline))
    }

    @Test("elements of named lists are handed over, the rest is the result")
    func elements() throws {
        let (elements, rest) = try stream(
            "kind: List\nitems:\n- {a: 1}\n- b\nother: [c]\nauthorizationPolicies: [d]\nend: e\n")
        #expect(elements == ["items[0] {a:1}", "items[1] b", "authorizationPolicies[0] d"])
        #expect(rest == "{kind:List,items:[],other:[c],authorizationPolicies:[],end:e}")
    }

    static let others = [
        ("items: {a: 1}", "{items:{a:1}}"), ("items:", "{items:}"), ("a: &x [1]\nitems: *x", "{a:[1],items:[1]}"),
        ("- items", "[items]"), ("x", "x"), ("{}", "{}"), ("items: []", "{items:[]}"),
    ]

    @Test("what is no list under that key is left in the result", arguments: others)
    func noList(text: String, expected: String) throws {
        let (elements, rest) = try stream(text)
        #expect(elements.isEmpty && rest == expected)
    }

    @Test("an alias may name what an earlier element anchored")
    func anchors() throws {
        let (elements, rest) = try stream("items:\n- {a: &x [1]}\n- {b: 2}\n- *x\n- {c: *x}\nend: *x\nlast: {d: e}\n")
        #expect(elements == ["items[0] {a:[1]}", "items[1] {b:2}", "items[2] [1]", "items[3] {c:[1]}"])
        #expect(rest == "{items:[],end:[1],last:{d:e}}")
    }

    @Test("an element knows its path, as does what follows it")
    func paths() throws {
        var paths: [String] = []
        let reader = try YAMLReader("items:\n- {a: &x [1]}\n- {b: [2, {c: *x}]}\nend: {f: 1}\n", name: "f")
        let rest = try reader.next(streaming: ["items"]) { key, _, element in
            paths.append(element.path)
            if let list = element["b"], let last = Array(list.elements).last, let alias = last["c"] {
                paths += [last.path, alias.path, key.path]
            }
        }
        #expect(paths == ["items[0]", "items[1]", "items[1].b[1]", "items[0].a", "items"])
        #expect(rest?["end"]?["f"]?.path == "end.f")
    }

    @Test("an element that is kept stays whole")
    func kept() throws {
        var kept: [YAMLNode] = []
        let reader = try YAMLReader("items:\n- {a: 1}\n- {b: &x 2}\n- [c]\n- *x\nend: 1", name: "f")
        let rest = try #require(
            try reader.next(streaming: ["items"]) { _, position, element in
                if position != 2 { kept.append(element) }
            })
        #expect(kept.map(ReaderTests.outline) == ["{a:1}", "{b:2}", "2"])
        #expect(ReaderTests.outline(rest) == "{items:[],end:1}")
    }

    @Test("a list with an anchor of its own is refused, a key twice too")
    func refused() {
        #expect(throws: YAMLError.self) { try stream("items: &x [1]") }
        #expect(throws: YAMLError.self) { try stream("items: [1]\nitems: [2]") }
    }

    @Test("the limit of values holds for an element, not for the list")
    func limits() throws {
        var limits = YAMLLimits()
        limits.nodes = 10
        let text = "items:\n" + String(repeating: "- [1, 2]\n", count: 1000)
        var count = 0
        _ = try YAMLReader(text, name: "f", limits: limits).next(streaming: ["items"]) { _, _, _ in count += 1 }
        #expect(count == 1000)
        #expect(throws: YAMLError.self) { try YAMLReader(text, name: "f", limits: limits).next() }
    }

    @Test("documents behind a streamed one are read")
    func documents() throws {
        let reader = try YAMLReader("items: [1]\n---\nitems: [2]\n", name: "f")
        var found: [String] = []
        while try reader.next(streaming: ["items"], { found.append($2.text) }) != nil {}
        #expect(found == ["1", "2"])
    }
}
