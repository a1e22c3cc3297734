import MeshCore
import MeshLinux
import MeshReport

/// What `verify` found.
struct RedirectVerificationReport: Report {
    /// `ok`, `differs` or `unknown`.
    let result: String
    let namespace: String
    let checks: [RedirectVerification.Check]
    let differences: [RedirectDifference]
    let notes: [String]
    let exitStatus: Int32

    private enum CodingKeys: String, CodingKey { case result, namespace, checks, differences, notes }

    init(_ found: RedirectVerification, target: NetworkNamespace.Target) {
        self.init(
            target, found.exitStatus, checks: found.checks, differences: found.differences, notes: found.notes)
    }

    /// A namespace that could not be looked at.
    init(unknown failure: MeshFailure, target: NetworkNamespace.Target) {
        let check = RedirectVerification.Check("namespace", .unknown, failure.reason)
        self.init(target, 2, checks: [check], differences: [], notes: [])
    }

    private init(
        _ target: NetworkNamespace.Target, _ status: Int32, checks: [RedirectVerification.Check],
        differences: [RedirectDifference], notes: [String]
    ) {
        result = status == 0 ? "ok" : status == 1 ? "differs" : "unknown"
        namespace = target.description
        self.checks = checks
        self.differences = differences
        self.notes = notes
        exitStatus = status
    }

    func text(_ style: TextStyle) -> String {
        let title =
            switch exitStatus {
            case 0: style.good("redirection is in place in network namespace \(namespace)")
            case 1: style.bad("redirection is not as planned in network namespace \(namespace)")
            default: style.bad("cannot tell whether redirection is in place in network namespace \(namespace)")
            }
        let lines = checks.map { check in
            let word = check.outcome.rawValue + String(repeating: " ", count: 8 - check.outcome.rawValue.count)
            let dressed =
                switch check.outcome {
                case .ok: style.good(word)
                case .skipped: style.dim(word)
                case .differs, .unknown: style.bad(word)
                }
            return "  \(dressed)\(check.name)\(check.detail.isEmpty ? "" : ": \(check.detail)")"
        }
        return ([style.bold(title)] + lines + notes.map { "  note    \($0)" }).joined(separator: "\n")
    }
}
