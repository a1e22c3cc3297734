package import FoundationEssentials
import MeshCore

/// Seconds since 1970 as text and as the date type of the X.509 library.
package enum UnixTime {
    /// `2026-08-01T12:00:00Z`.
    package static func text(_ seconds: Int64) -> String { Timestamp.text(seconds: seconds) }

    package static func date(_ seconds: Int64) -> Date { Date(timeIntervalSince1970: Double(seconds)) }

    package static func seconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970.rounded(.down)) }
}
