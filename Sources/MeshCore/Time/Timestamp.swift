/// RFC 3339 text of a time since 1970, in UTC and without a library: the log writes one per line.
package enum Timestamp {
    /// `2026-11-23T08:00:00.000000Z`.
    package static func text(microseconds: Int64) -> String {
        let seconds = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return "\(date(seconds.quotient)).\(pad(seconds.remainder, 6))Z"
    }

    /// `2026-11-23T08:00:00Z`.
    package static func text(seconds: Int64) -> String { date(seconds) + "Z" }

    /// Seconds since 1970 of `2026-08-01T12:00:00Z`; a fraction of a second is dropped, other zones are not taken.
    package static func seconds(_ text: String) -> Int64? {
        let parts = text.split { !$0.isASCII || !$0.isNumber }
        guard text.hasSuffix("Z"), text.contains("T"), parts.count >= 6 else { return nil }
        let numbers = parts.prefix(6).compactMap { Int64($0) }
        guard numbers.count == 6, (1...9999).contains(numbers[0]), (1...12).contains(numbers[1]),
            (1...31).contains(numbers[2]), numbers[3] < 24, numbers[4] < 60, numbers[5] <= 60
        else { return nil }
        let days = CivilDate(Int(numbers[0]), Int(numbers[1]), Int(numbers[2])).daysSince1970
        return (days * 24 + numbers[3]) * 3600 + numbers[4] * 60 + numbers[5]
    }

    private static func date(_ seconds: Int64) -> String {
        var day = seconds / 86400, second = seconds % 86400
        if second < 0 {
            second += 86400
            day -= 1
        }
        let date = CivilDate(daysSince1970: day)
        return "\(pad(Int64(date.year), 4))-\(pad(Int64(date.month), 2))-\(pad(Int64(date.day), 2))"
            + "T\(pad(second / 3600, 2)):\(pad(second / 60 % 60, 2)):\(pad(second % 60, 2))"
    }

    private static func pad(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
