package import MeshCore

/// Something in a manifest that is wrong, or that will not do what it seems to say.
package struct ManifestProblem: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable, CaseIterable { case error, warning }

    package let severity: Severity
    package let position: FilePosition
    /// `AuthorizationPolicy shop/viewer`; empty when no object could be told.
    package let object: String
    /// `spec.rules[0].from[1].source`; empty for the object as a whole.
    package let path: String
    package let message: String
    /// What to do about it; may be empty.
    package let remedy: String

    package init(
        _ severity: Severity, _ position: FilePosition, object: String, path: String, _ message: String, remedy: String
    ) {
        self.severity = severity
        self.position = position
        self.object = object
        self.path = path
        self.message = message
        self.remedy = remedy
    }

    package var description: String {
        let subject = [object, path].filter { !$0.isEmpty }.joined(separator: " ")
        return "\(position): \(severity.rawValue): " + (subject.isEmpty ? "" : subject + ": ") + message
            + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}

/// Problems in the order in which they were met, errors and warnings apart, at most `limit` of each kept.
package struct ManifestProblems: Sendable {
    /// Enough to mend a file by; the rest is counted.
    package static let limit = 200

    package private(set) var errors: [ManifestProblem] = []
    package private(set) var warnings: [ManifestProblem] = []
    package private(set) var uncounted = 0

    package init() {}

    package mutating func add(_ problem: ManifestProblem) {
        switch problem.severity {
        case .error where errors.count < Self.limit: errors.append(problem)
        case .warning where warnings.count < Self.limit: warnings.append(problem)
        default: uncounted += 1
        }
    }

    /// - Throws: corrupt with every error, a line each: half of a set of policies must not judge.
    package func refuseErrors(doing: String) throws(MeshFailure) {
        if errors.isEmpty { return }
        let count = errors.count == 1 ? "an error" : "\(errors.count) errors"
        let lines = errors.map { "\n  \($0)" }.joined()
        throw MeshFailure(.corrupt, doing: doing, reason: "the manifests have \(count):\(lines)")
    }
}
