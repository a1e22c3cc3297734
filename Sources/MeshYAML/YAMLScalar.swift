/// How a scalar is written in the text.
package enum YAMLStyle: UInt8, Sendable { case plain, singleQuoted, doubleQuoted, literal, folded }

/// A tag that forces the type of a value. Others are refused.
package enum YAMLTag: UInt8, Sendable {
    case none
    /// `!!str`, or a lone `!`.
    case text
    case integer, float, bool, null
}

/// What a scalar means.
///
/// Source: the parser of Kubernetes (sigs.k8s.io/yaml over go-yaml 2), which reads YAML 1.1 with additions. A quoted or
/// block scalar is a text. A plain one is, in this order:
/// - null: nothing, `~`, `null`, `Null`, `NULL`
/// - a bool: `true`, `yes`, `on`, `y` and `false`, `no`, `off`, `n`, in lower case, upper case or capitalized
/// - an integer: decimal, `0x1f`, `0b11`, `0o17`, and octal by a leading zero, `0777` is 511; `_` may stand between
///   digits, `1_000`
/// - a float: `1.5`, `1e3`, `.inf`, `-.inf`, `.nan`; also an integer that fits neither `Int64` nor `UInt64`
/// - else a text. Dates are texts, as in Kubernetes; base 60 is not read.
package enum YAMLScalar: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Above `Int64.max`.
    case unsigned(UInt64)
    case float(Double)
    case text(String)
}

extension YAMLNode {
    /// What the scalar means; `nil` for a container.
    package var scalar: YAMLScalar? {
        guard kind == .scalar else { return nil }
        return YAMLScalar(text, isPlain: style == .plain, tag: tag)
    }

    /// A plain null: nothing at all, `~` or `null`.
    package var isNull: Bool { arena.content.isNull(index) }

    /// `nil` when it is no bool. `"true"` in quotes is a text.
    package var bool: Bool? { if case .bool(let value)? = scalar { value } else { nil } }

    /// `nil` when it is no integer of that range.
    package func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
        switch scalar {
        case .integer(let value)?: Value(exactly: value)
        case .unsigned(let value)?: Value(exactly: value)
        default: nil
        }
    }
}

extension YAMLScalar {
    init(_ text: String, isPlain: Bool, tag: YAMLTag) {
        switch tag {
        case .text: self = .text(text)
        case .none: self = isPlain ? Self.plain(text) : .text(text)
        case .float:
            switch Self.plain(text) {
            case .integer(let value): self = .float(Double(value))
            case .unsigned(let value): self = .float(Double(value))
            case let value: self = value
            }
        case .integer, .bool, .null: self = Self.plain(text)
        }
    }

    /// Whether this may stand behind the tag.
    func agrees(with tag: YAMLTag) -> Bool {
        switch (tag, self) {
        case (.none, _), (.text, .text), (.integer, .integer), (.integer, .unsigned), (.float, .float), (.bool, .bool),
            (.null, .null):
            true
        default: false
        }
    }

    private static func plain(_ text: String) -> YAMLScalar {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return number(text) ?? .text(text)
        default: break
        }
        switch text {
        case "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y": return .bool(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N": return .bool(false)
        default: return .text(text)
        }
    }

    private static func number(_ text: String) -> YAMLScalar? {
        switch text {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
        case ".nan", ".NaN", ".NAN": return .float(.nan)
        default: break
        }
        let digits = text.utf8.first == UInt8(ascii: ".") ? text : text.filter { $0 != "_" }
        if let integer = integer(digits) { return integer }
        return isFloat(digits) ? Double(digits).map { .float($0) } : nil
    }

    private static func integer(_ text: String) -> YAMLScalar? {
        var digits = Substring(text)
        var isNegative = false
        if let sign = digits.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            digits = digits.dropFirst()
        }
        var radix = 10
        for (prefix, base) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)]
        where digits.hasPrefix(prefix) {
            digits = digits.dropFirst(2)
            radix = base
        }
        if radix == 10, digits.count > 1, digits.hasPrefix("0") { radix = 8 }
        // The standard library would take a second sign.
        guard let first = digits.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+"),
            let value = UInt64(digits, radix: radix)
        else { return nil }
        if !isNegative { return Int64(exactly: value).map { .integer($0) } ?? .unsigned(value) }
        if value == Int64.min.magnitude { return .integer(.min) }
        return Int64(exactly: value).map { .integer(-$0) }
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isFloat(_ text: String) -> Bool {
        var rest = Substring(text).utf8
        func digits() -> Int {
            let count = rest.prefix { (48...57).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        func take(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = take("+-")
        let whole = digits()
        let fraction = take(".") ? digits() : 0
        guard whole > 0 || fraction > 0 else { return false }
        if take("eE") {
            _ = take("+-")
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
