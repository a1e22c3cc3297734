import SwiftASN1

/// Seconds since 1970 as the two time types of X.509. Source: RFC 5280, section 4.1.2.5.
enum DERTime {
    /// UTCTime through 2049, GeneralizedTime from then on.
    static func append(_ seconds: Int64, to serializer: inout DER.Serializer) throws {
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86400)
        let (year, month, day) = civil(days)
        let (hour, minute) = (Int(second / 3600), Int(second / 60 % 60))
        if year < 2050 {
            try serializer.serialize(
                UTCTime(
                    year: year, month: month, day: day, hours: hour, minutes: minute, seconds: Int(second % 60)))
        } else {
            try serializer.serialize(
                GeneralizedTime(
                    year: year, month: month, day: day, hours: hour, minutes: minute, seconds: Int(second % 60),
                    fractionalSeconds: 0))
        }
    }

    static func seconds(_ node: ASN1Node) throws -> Int64 {
        if node.identifier == .utcTime {
            let time = try UTCTime(derEncoded: node)
            return days(time.year, time.month, time.day) * 86400
                + Int64(time.hours * 3600 + time.minutes * 60 + time.seconds)
        }
        let time = try GeneralizedTime(derEncoded: node)
        return days(time.year, time.month, time.day) * 86400
            + Int64(time.hours * 3600 + time.minutes * 60 + time.seconds)
    }

    /// Days since 1970 of a date of the Gregorian calendar, counted in years that begin in March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return Int64(era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
    }

    private static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(days) + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
