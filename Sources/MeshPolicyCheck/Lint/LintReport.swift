import MeshCore
package import MeshKubernetes

/// What is wrong, or surprising, in a set of policies. The encoded keys are a promise.
package struct LintReport: Encodable, Sendable {
    package struct Finding: Encodable, Sendable, Hashable {
        package enum Severity: String, Encodable, Sendable { case error, warning }
        package let severity: Severity
        /// Stable name of the check, such as `deny-with-paths`.
        package let check: String
        package let object: String
        package let file: String
        package let line: Int
        package let column: Int
        package let message: String
        package let remedy: String
    }

    /// How many policies were looked at, of all three kinds; 0 as long as the manifests have errors.
    package let policies: Int
    package let errors: Int
    package let warnings: Int
    package let findings: [Finding]

    /// - Parameter judge: `nil` when the manifests have errors, so that nothing more can be said.
    package init(_ problems: ManifestProblems, _ judge: PolicyJudge?) {
        var findings = (problems.errors + problems.warnings).map { problem in
            Finding(
                severity: problem.severity == .error ? .error : .warning,
                check: problem.severity == .error ? "invalid" : "manifest", object: problem.object,
                file: problem.position.file, line: problem.position.line, column: problem.position.column,
                message: (problem.path.isEmpty ? "" : problem.path + " ") + problem.message, remedy: problem.remedy)
        }
        policies = judge?.cluster.policyCount ?? 0
        if let judge {
            var linter = Linter(judge)
            linter.run()
            findings += linter.findings
        }
        findings.sort { ($0.file, $0.line, $0.column, $0.check) < ($1.file, $1.line, $1.column, $1.check) }
        errors = findings.count { $0.severity == .error }
        warnings = findings.count - errors
        self.findings = findings
    }
}
