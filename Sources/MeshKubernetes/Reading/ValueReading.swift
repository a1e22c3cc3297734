import MeshCore
import MeshPolicy
import MeshYAML

/// Lists whose values have a form of their own.
extension ObjectReader {
    private mutating func parsed<Value>(
        _ node: YAMLNode, limit: Int = 1 << 20, _ parse: (String) -> Value?, _ what: String, remedy: String
    ) -> [Value] {
        let elements = elements(node)
        if elements.count > limit {
            error(node, "has \(elements.count) values; \(limit) are allowed", remedy: "spread them over several rules")
        }
        var result: [Value] = []
        result.reserveCapacity(elements.count)
        for element in elements {
            guard let text = filledText(element) else { continue }
            if let value = parse(text) {
                result.append(value)
            } else {
                error(element, "\"\(text)\" is no \(what)", remedy: remedy)
            }
        }
        return result
    }

    mutating func blocks(_ node: YAMLNode) -> [CIDR] {
        parsed(node, { CIDR($0) }, "address or address block", remedy: "write 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32")
    }

    mutating func ports(_ node: YAMLNode) -> [UInt16] {
        parsed(node, { SocketAddress.port($0) }, "port", remedy: "write a number from 0 to 65535 in quotes")
    }

    mutating func serviceAccounts(_ node: YAMLNode) -> [ServiceAccountReference] {
        parsed(
            node, limit: 16, { ServiceAccountReference($0) }, "service account",
            remedy: "write account or namespace/account, at most 320 characters and without wildcards")
    }

    mutating func trustDomains(_ node: YAMLNode) -> [String] {
        func checked(_ text: String) -> String? {
            let stars = text.utf8.count { $0 == UInt8(ascii: "*") }
            guard !text.contains("/"), stars == 0 || (stars == 1 && (text.hasPrefix("*") || text.hasSuffix("*")))
            else { return nil }
            return text
        }
        return parsed(
            node, checked, "trust domain", remedy: "write a name, with at most one * at its beginning or its end")
    }

    mutating func paths(_ node: YAMLNode) -> [String] {
        var result: [String] = []
        for element in elements(node) {
            guard let path = filledText(element) else { continue }
            result.append(path)
            if let problem = PathTemplate.problem(in: path) {
                error(element, "\"\(path)\": \(problem)", remedy: Self.templateRemedy)
            }
        }
        return result
    }

    private static let templateRemedy =
        "{*} stands for one whole segment, {**} for the rest; write /a/{*}/b or /a/{**}"

    /// A duration as Go writes it (`5s`, `1m30s`, `250ms`) in milliseconds; `nil` for anything else or a finer one.
    static func milliseconds(_ text: String) -> Int64? {
        var (rest, total) = (text.utf8[...], 0.0)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
            guard let number = Double(String(decoding: digits, as: UTF8.self)) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { (97...122).contains($0) }
            rest = rest.dropFirst(unit.count)
            switch String(decoding: unit, as: UTF8.self) {
            case "h": total += number * 3_600_000
            case "m": total += number * 60_000
            case "s": total += number * 1000
            case "ms": total += number
            default: return nil
            }
        }
        return total == total.rounded() && total <= 1e15 ? Int64(total) : nil
    }
}
