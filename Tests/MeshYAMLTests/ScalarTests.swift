import MeshYAML
import Testing

/// Expected values: what sigs.k8s.io/yaml makes of the same text (go-yaml 2, `resolve.go`).
@Suite("YAML scalars")
struct ScalarTests {
    static let plain: [(String, YAMLScalar)] = [
        ("", .null), ("~", .null), ("null", .null), ("NULL", .null), ("nULL", .text("nULL")), ("none", .text("none")),
        ("true", .bool(true)), ("True", .bool(true)), ("yes", .bool(true)), ("ON", .bool(true)), ("y", .bool(true)),
        ("false", .bool(false)), ("no", .bool(false)), ("Off", .bool(false)), ("N", .bool(false)),
        ("tRUE", .text("tRUE")), ("yess", .text("yess")),
        ("0", .integer(0)), ("80", .integer(80)), ("-7", .integer(-7)), ("+7", .integer(7)), ("0777", .integer(511)),
        ("0o17", .integer(15)), ("0x1F", .integer(31)), ("0b101", .integer(5)), ("-0b11", .integer(-3)),
        ("1_000", .integer(1000)), ("08", .float(8)), ("1.10", .float(1.1)), ("1e3", .float(1000)), (".5", .float(0.5)),
        ("5.", .float(5)), ("-.inf", .float(-.infinity)), (".Inf", .float(.infinity)), ("1.2.3", .text("1.2.3")),
        ("10.0.0.1", .text("10.0.0.1")), ("1e", .text("1e")), ("--1", .text("--1")), ("+-1", .text("+-1")),
        ("+", .text("+")), (".", .text(".")), ("0x", .text("0x")), ("1:30", .text("1:30")),
        ("2001-12-14", .text("2001-12-14")), ("9223372036854775807", .integer(.max)),
        ("9223372036854775808", .unsigned(1 << 63)), ("-9223372036854775808", .integer(.min)),
        ("18446744073709551616", .float(18446744073709551616)), ("nan", .text("nan")), ("inf", .text("inf")),
        ("infinity", .text("infinity")), ("0x1p3", .text("0x1p3")), ("1f", .text("1f")),
    ]

    @Test("a plain scalar means what it means to Kubernetes", arguments: plain)
    func plainScalar(text: String, expected: YAMLScalar) throws {
        let value = try #require(try YAMLNode.document(in: "a: \(text)\n", name: "f")?["a"])
        #expect(value.scalar == expected)
    }

    @Test(
        "a quoted or block scalar is a text", arguments: [("'true'", "true"), ("\"80\"", "80"), ("|\n  null", "null")])
    func quoted(text: String, expected: String) throws {
        let value = try #require(try YAMLNode.document(in: "a: \(text)", name: "f")?["a"])
        #expect(value.scalar == .text(expected) && !value.isNull && value.bool == nil)
        #expect(value.integer(Int.self) == nil)
    }

    static let tagged: [(String, YAMLScalar)] = [
        ("!!str 80", .text("80")), ("!!str", .text("")), ("! true", .text("true")), ("!!int \"80\"", .integer(80)),
        ("!!float 1", .float(1)), ("!!bool 'yes'", .bool(true)), ("!!null ''", .null),
    ]

    @Test("a tag decides", arguments: tagged)
    func tags(text: String, expected: YAMLScalar) throws {
        let value = try #require(try YAMLNode.document(in: "a: \(text)", name: "f")?["a"])
        #expect(value.scalar == expected && value.isNull == (expected == .null))
    }

    @Test("an integer is read into any type that holds it")
    func integers() throws {
        let list = try #require(try YAMLNode.document(in: "[0, 255, 256, -1, 18446744073709551615, x]", name: "f"))
        #expect(list.elements.map { $0.integer(UInt8.self) } == [0, 255, nil, nil, nil, nil])
        #expect(list.elements.map { $0.integer(UInt64.self) } == [0, 255, 256, nil, .max, nil])
    }

    @Test("keys are matched by literals, whatever their length")
    func literals() throws {
        let top = try #require(try YAMLNode.document(in: "{authorizationPolicies: 1, a: 2, '': 3}", name: "f"))
        let found = top.pairs.map { key, _ in
            switch key {
            case "authorizationPolicies": "long"
            case "": "empty"
            case "a": "short"
            default: "none"
            }
        }
        #expect(found == ["long", "short", "empty"])
        #expect(top.withBytes { $0.count } == 0)
        #expect(top["a"]?.withBytes { $0[0] } == UInt8(ascii: "2"))
    }
}
