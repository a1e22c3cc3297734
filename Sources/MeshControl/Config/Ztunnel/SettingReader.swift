/// Where a setting came from.
package enum SettingOrigin: String, Sendable { case flag, environment, meshConfig, standard = "default" }

/// Reads settings by their variable names, flags first, and collects what is wrong with them.
struct SettingReader {
    let environment: [String: String]
    /// Values of flags by variable name, with the flag's own name.
    let flags: [String: (flag: String, value: String)]
    private(set) var problems: [String] = []
    private(set) var origins: [String: SettingOrigin] = [:]

    init(environment: [String: String], flags: [String: (flag: String, value: String)]) {
        self.environment = environment
        self.flags = flags
    }

    mutating func problem(_ name: String, _ text: String) {
        problems.append("\(flags[name]?.flag ?? name) \(text)")
    }

    mutating func text(_ name: String) -> String? {
        if let given = flags[name] {
            origins[name] = .flag
            return given.value
        }
        guard let value = environment[name] else {
            origins[name] = .standard
            return nil
        }
        origins[name] = .environment
        return value
    }

    /// Says where a setting came from that neither a flag nor the environment gives.
    mutating func note(unset name: String, _ origin: SettingOrigin) {
        if origins[name] == .standard { origins[name] = origin }
    }

    /// Like `text`, where an empty value is none.
    mutating func filled(_ name: String) -> String? { text(name).flatMap { $0.isEmpty ? nil : $0 } }

    private mutating func value<Value>(
        _ name: String, _ fallback: Value, _ expected: String, _ make: (String) -> Value?
    ) -> Value {
        guard let text = text(name) else { return fallback }
        if let value = make(text) { return value }
        problem(name, "is \"\(text)\"; expected \(expected)")
        return fallback
    }

    mutating func bool(_ name: String, _ fallback: Bool) -> Bool {
        value(name, fallback, "true or false", Self.bool)
    }

    mutating func optionalBool(_ name: String) -> Bool? {
        value(name, nil, "true or false") { text in Self.bool(text).map { .some($0) } }
    }

    private static func bool(_ text: String) -> Bool? { text == "true" ? true : text == "false" ? false : nil }

    mutating func duration(_ name: String, _ fallback: Duration) -> Duration {
        value(name, fallback, "a duration such as 5s, 10m, 1h30m or 500ms", { DurationText.parse($0) })
    }

    mutating func number<Value: FixedWidthInteger>(
        _ name: String, _ fallback: Value, in range: ClosedRange<Value>
    ) -> Value {
        value(name, fallback, "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Value(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

/// Durations as configuration writes them.
enum DurationText {
    /// `5s`, `10m`, `1h30m`, `500ms`; a bare number is seconds. Units: d, h, m, s, ms, us, ns. `nil` for anything else, or more
    /// than about 290 years.
    static func parse(_ text: String) -> Duration? {
        if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) {
            return Int64(text).flatMap { $0 <= 9_000_000_000 ? .seconds($0) : nil }
        }
        var rest = text[...]
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest[digits.endIndex...]
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest[unit.endIndex...]
            guard let count = Int64(digits), let scale = nanoseconds[String(unit)] else { return nil }
            let (product, tooMuch) = count.multipliedReportingOverflow(by: scale)
            let (sum, overflow) = total.addingReportingOverflow(product)
            if tooMuch || overflow { return nil }
            total = sum
        }
        return text.isEmpty ? nil : .nanoseconds(total)
    }

    /// Such as `5s` or `500ms`: in the largest unit up to seconds that loses nothing.
    static func write(_ duration: Duration) -> String {
        let (seconds, rest) = duration.components
        if rest == 0 { return "\(seconds)s" }
        let milliseconds = seconds * 1000 + rest / 1_000_000_000_000_000
        return rest % 1_000_000_000_000_000 == 0
            ? "\(milliseconds)ms" : "\(seconds * 1_000_000_000 + rest / 1_000_000_000)ns"
    }

    private static let nanoseconds: [String: Int64] = [
        "ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
        "d": 86_400_000_000_000,
    ]
}
