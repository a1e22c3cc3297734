/// A failure that a person reads: what we were doing, what went wrong and what to try, in one line.
///
/// Lower case, no full stop, values included, secrets never.
public struct MeshFailure: Error, CustomStringConvertible {
    public enum Kind: Sendable, CaseIterable { case usage, notFound, denied, unavailable, timeout, corrupt, bug }

    public let kind: Kind
    public let doing: String
    public let reason: String
    public let cause: (any Error)?

    public init(_ kind: Kind, doing: String, reason: String, cause: (any Error)? = nil) {
        self.kind = kind
        self.doing = doing
        self.reason = reason
        self.cause = cause
    }

    public var description: String { "\(doing): \(reason)" + (cause.map { " (\($0))" } ?? "") }

    /// Process status, as in `sysexits.h`.
    public var exitStatus: Int32 {
        switch kind {
        case .usage: 64  // EX_USAGE
        case .corrupt: 65  // EX_DATAERR
        case .notFound: 66  // EX_NOINPUT
        case .unavailable: 69  // EX_UNAVAILABLE
        case .bug: 70  // EX_SOFTWARE
        case .timeout: 75  // EX_TEMPFAIL
        case .denied: 77  // EX_NOPERM
        }
    }
}
