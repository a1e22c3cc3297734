/// Why a request got no certificate: what the peer learns, and what the log keeps.
package enum Refusal: Error, Hashable {
    /// Nobody we know, or nobody who may ask without naming an identity.
    case unauthenticated(reason: String)
    /// Somebody we know, asking for an identity that is not theirs.
    case impersonation(reason: String, caller: String)
    case issue(IssueError)
    /// More than we take on, in all or of this caller.
    case overloaded(reason: String)
    /// A certificate that cannot be recorded must not leave.
    case notRecorded(reason: String)
    /// Nobody can say now who asks or what is theirs; ask again.
    case unavailable(reason: String)

    /// The gRPC status. Refusals of identity all look alike, so that they tell nothing about who may have what.
    package var status: (code: Code, message: String) {
        switch self {
        case .unauthenticated: (.unauthenticated, "request authenticate failure")
        case .impersonation: (.unauthenticated, "request impersonation authentication failure")
        case .overloaded: (.resourceExhausted, "too many requests; try again later")
        case .notRecorded: (.unavailable, "certificate cannot be recorded; try again later")
        case .issue(let error):
            switch error {
            case .signingRequest, .lifetime: (.invalidArgument, "CSR signing error (\(error))")
            case .expired, .notYetValid, .signing:
                (.internalError, "CSR signing error (certificate cannot be signed)")
            }
        case .unavailable: (.unavailable, "the authority cannot decide at the moment")
        }
    }

    package enum Code: String, Sendable {
        case unauthenticated = "UNAUTHENTICATED"
        case invalidArgument = "INVALID_ARGUMENT"
        case internalError = "INTERNAL"
        case resourceExhausted = "RESOURCE_EXHAUSTED"
        case unavailable = "UNAVAILABLE"
    }

    /// For the log.
    package var reason: String {
        switch self {
        case .unauthenticated(let reason), .impersonation(let reason, _), .overloaded(let reason),
            .notRecorded(let reason), .unavailable(let reason):
            reason
        case .issue(let error): "\(error)"
        }
    }

    /// Who asked, where that is known and was refused for what it asked.
    package var caller: String { if case .impersonation(_, let caller) = self { caller } else { "" } }
}
