/// RFC 3339 text of a time since 1970, in UTC and without a library: the log writes one per line.
package enum Timestamp {
    /// `2026-11-23T08:00:00.000000Z`. Source: days-to-civil arithmetic of the proleptic Gregorian calendar.
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
        // Days of the civil calendar, counted from a March so that the leap day ends the year.
        let year = numbers[1] <= 2 ? numbers[0] - 1 : numbers[0]
        let month = (numbers[1] + 9) % 12
        let era = year / 400
        let ofEra = year - era * 400
        let day = era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + (153 * month + 2) / 5 + numbers[2] - 1
        return ((day - 719_468) * 24 + numbers[3]) * 3600 + numbers[4] * 60 + numbers[5]
    }

    private static func date(_ seconds: Int64) -> String {
        var day = seconds / 86400, second = seconds % 86400
        if second < 0 {
            second += 86400
            day -= 1
        }
        // Years of 365.2425 days that begin in March, so that the leap day is the last.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        let civilDay = dayOfYear - (153 * month + 2) / 5 + 1
        return "\(pad(year, 4))-\(pad(civilMonth, 2))-\(pad(civilDay, 2))"
            + "T\(pad(second / 3600, 2)):\(pad(second / 60 % 60, 2)):\(pad(second % 60, 2))"
    }

    private static func pad(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
