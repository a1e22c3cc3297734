/// Why no certificate was made.
package enum IssueError: Error, Hashable, CustomStringConvertible {
    /// The signing certificate expired, at this many seconds since 1970.
    case expired(notAfter: Int64)
    /// The signing certificate begins later, at this many seconds since 1970.
    case notYetValid(notBefore: Int64)
    /// The signing request is not one, proves nothing or carries a key that is not accepted.
    case signingRequest(String)
    /// Seconds.
    case lifetime(requested: Int64, limit: Int64)
    case signing(String)

    package var description: String {
        switch self {
        case .expired(let notAfter):
            "the signing certificate expired at \(UnixTime.text(notAfter)); put a new one in place"
        case .notYetValid(let notBefore):
            "the signing certificate begins at \(UnixTime.text(notBefore)); compare the clocks"
        case .signingRequest(let reason): reason
        case .lifetime(let requested, let limit):
            "requested lifetime \(requested) s is longer than the allowed \(limit) s"
        case .signing(let reason): "sign certificate: \(reason)"
        }
    }
}
