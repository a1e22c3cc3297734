import MeshYAML
import Testing

@Suite("YAML refusals")
struct RefusalTests {
    private func failure(_ text: String, _ limits: YAMLLimits = YAMLLimits()) -> String? {
        do {
            _ = try YAMLNode.documents(in: text, name: "f", limits: limits)
            return nil
        } catch {
            return error.description
        }
    }

    static let refused = [
        ("a: 1\nb: 2\na: 3", "f:3:1: the key a is given twice, first at line 1"),
        ("{80: a, \"80\": b}", "f:1:9: the key 80 is given twice, first at line 1"),
        ("a: {x: 1, y: 2,\n  x: 3}", "f:2:3: the key x is given twice, first at line 1"),
        ("a:\n\tb: 2", "f:2:1: a tab cannot indent; use spaces"),
        ("a: 1\n\tb: 2", "f:2:1: a tab cannot indent; use spaces"),
        ("a: b: c", "f:1:5: mapping values are not allowed in this context; a text that holds \": \" needs quotes"),
        ("[a", "f:2:1: did not find expected ',' or ']', while parsing a flow sequence that begins at line 1"),
        ("a: [", "f:2:1: did not find expected node content, while parsing a flow node that begins at line 2"),
        ("a: *x", "f:1:4: found undefined alias *x"),
        ("a: &x [*x]", "f:1:8: the alias *x stands inside of what it stands for"),
        ("&x a: 1\nb: &x {c: *x}", "f:2:11: the alias *x stands inside of what it stands for"),
        ("[a]: b", "f:1:1: a key that is a list; expected a text"),
        ("? {a: b}\n: c", "f:1:3: a key that is a mapping; expected a text"),
        ("? \n: c", "f:1:2: a key that is null; expected a text"),
        ("~: c", "f:1:1: a key that is null; expected a text"),
        ("a: &x [1]\n*x : 2", "f:2:1: a key that is a list; expected a text"),
        ("a: !custom b", "f:1:4: the tag !custom is not understood here"),
        ("a: !!binary b", "f:1:4: the tag !!binary is not understood here"),
        ("a: !!map [b]", "f:1:4: the tag !!map is not understood here"),
        ("a: !!int b", "f:1:4: \"b\" is not what its tag !!int says"),
        ("<<: 1", "f:1:5: <<: is a single value; a merge key takes a mapping or a list of mappings"),
        ("a:\n  b:\n    <<: 1", "f:3:9: a.b.<<: is a single value; a merge key takes a mapping or a list of mappings"),
        ("[1, [{<<: 1}]]", "f:1:11: [1][0].<<: is a single value; a merge key takes a mapping or a list of mappings"),
        ("a: [1, 2, {<<: 1}]", "f:1:16: a[2].<<: is a single value; a merge key takes a mapping or a list of mappings"),
        ("a: &x 1\n<<: [*x]", "f:1:4: a: is a single value; a merge key takes a mapping or a list of mappings"),
        ("a: \"x\\0y\"", "f:1:4: a text with the character U+0000, which is not allowed"),
        ("a: 1\nb: \u{0}", "f:2: the character U+0000 is not allowed"),
        ("a: 1\n\nb: \u{1}\n\n", "f:3: the character U+0001 is not allowed"),
        (
            "a: \"\\ud83d\"",
            "f:1:7: found invalid Unicode character escape code, while parsing a quoted scalar that begins at line 1"
        ),
    ]

    @Test("say file, line, column, what is wrong", arguments: refused)
    func refuses(text: String, expected: String) { #expect(failure(text) == expected) }

    @Test(
        "bytes that are no UTF-8 are refused with their line",
        arguments: [
            ([0xff, 0xfe, 0x61, 0x00], "f:1: not UTF-8 text: invalid leading UTF-8 octet 0xFF"),
            ([0x61, 0x0a, 0xc3, 0x28], "f:2: not UTF-8 text: invalid trailing UTF-8 octet 0x28"),
            ([0x61, 0x0a, 0xe2, 0x82], "f:2: not UTF-8 text: incomplete UTF-8 octet sequence"),
            ([0x22, 0xed, 0xa0, 0x80, 0x22], "f:1: not UTF-8 text: invalid Unicode character 0xD800"),
            ([0x22, 0xc0, 0x80, 0x22], "f:1: not UTF-8 text: invalid length of a UTF-8 sequence"),
        ])
    func notUTF8(bytes: [UInt8], expected: String) {
        let failure = #expect(throws: YAMLError.self) { try YAMLReader(bytes, name: "f").next() }
        #expect(failure?.description == expected)
    }

    @Test("a key twice is found among many")
    func manyKeys() {
        let text = (0..<200).map { "key\($0): \($0)\n" }.joined()
        #expect(failure(text) == nil)
        #expect(failure(text + "key7: 1\n") == "f:201:1: the key key7 is given twice, first at line 8")
    }

    @Test("nesting has an end, written out or by aliases")
    func depth() {
        #expect(failure(String(repeating: "[", count: 100) + String(repeating: "]", count: 100)) == nil)
        let deep = String(repeating: "[", count: 101) + String(repeating: "]", count: 101)
        #expect(failure(deep) == "f:1:101: nested more than 100 levels deep")
        #expect(failure(String(repeating: "- ", count: 100_000))?.contains("nested more than 100") == true)
        var chain = "- &a0 [x]\n"
        for level in 1..<120 { chain += "- &a\(level) [*a\(level - 1)]\n" }
        #expect(failure(chain) == "f:99:9: nested more than 100 levels deep")
    }

    @Test("a billion laughs are not laughed")
    func laughs() {
        var text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1..<10 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        #expect(failure(text)?.contains("aliases unfold into too many values, over 1000000") == true)
        #expect(failure(text)?.hasPrefix("f:6:") == true)
    }

    @Test("merge keys count as what they unfold into")
    func mergedLaughs() {
        var limits = YAMLLimits()
        limits.unfolded = 100
        let text = "a: &a {" + (0..<20).map { "k\($0): 1" }.joined(separator: ", ") + "}\nb: {<<: *a}\nc: {<<: *a}\n"
        #expect(failure(text, limits)?.contains("aliases unfold into too many values") == true)
        #expect(failure(text) == nil)
    }

    @Test("values and bytes have an end")
    func limits() {
        var limits = YAMLLimits()
        limits.nodes = 5
        #expect(failure("[1, 2, 3, 4]", limits) == nil)
        #expect(failure("[1, 2, 3, 4, 5]", limits) == "f:1:14: more than 5 values")
        limits = YAMLLimits()
        limits.bytes = 8
        #expect(failure("12345678", limits) == nil)
        #expect(failure("123456789", limits) == "f: it has more than 8 bytes, which are all that is read")
    }

    @Test("a source that fails is told by its errno")
    func source() {
        let failure = #expect(throws: YAMLError.self) { try YAMLReader(name: "f") { _ in -5 }.next() }
        #expect(failure?.description == "f: it cannot be read (errno 5)")
    }

    @Test("one document means one")
    func second() {
        let failure = #expect(throws: YAMLError.self) { try YAMLNode.document(in: "a\n---\nb\n", name: "f") }
        #expect(failure?.description == "f:3:1: a second document begins here; expected one")
    }
}
