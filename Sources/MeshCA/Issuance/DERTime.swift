import MeshCore
import SwiftASN1

/// Seconds since 1970 as the two time types of X.509. Source: RFC 5280, section 4.1.2.5.
enum DERTime {
    /// UTCTime through 2049, GeneralizedTime from then on.
    static func append(_ seconds: Int64, to serializer: inout DER.Serializer) throws {
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86400)
        let date = CivilDate(daysSince1970: days)
        let (hour, minute) = (Int(second / 3600), Int(second / 60 % 60))
        if date.year < 2050 {
            try serializer.serialize(
                UTCTime(
                    year: date.year, month: date.month, day: date.day, hours: hour, minutes: minute,
                    seconds: Int(second % 60)))
        } else {
            try serializer.serialize(
                GeneralizedTime(
                    year: date.year, month: date.month, day: date.day, hours: hour, minutes: minute,
                    seconds: Int(second % 60),
                    fractionalSeconds: 0))
        }
    }

    static func seconds(_ node: ASN1Node) throws -> Int64 {
        if node.identifier == .utcTime {
            let time = try UTCTime(derEncoded: node)
            return CivilDate(time.year, time.month, time.day).daysSince1970 * 86400
                + Int64(time.hours * 3600 + time.minutes * 60 + time.seconds)
        }
        let time = try GeneralizedTime(derEncoded: node)
        return CivilDate(time.year, time.month, time.day).daysSince1970 * 86400
            + Int64(time.hours * 3600 + time.minutes * 60 + time.seconds)
    }
}
