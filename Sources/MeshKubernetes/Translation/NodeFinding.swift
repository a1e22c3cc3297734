package import MeshCore
package import MeshPolicy

/// What node proxies do not enforce of a policy as it was written.
package struct NodeFinding: Sendable {
    /// Stable name of the check, such as `left-out-at-l4`.
    package let check: String
    package let problem: ManifestProblem

    /// - Parameter aliases: of the mesh's trust domain, which count at waypoints only.
    package static func findings(
        of policy: SecurityPolicy, _ translation: L4Translation, aliases: [String]
    ) -> [NodeFinding] {
        var found: [NodeFinding] = []
        func add(
            _ severity: ManifestProblem.Severity, _ check: String, _ position: FilePosition?, _ message: String,
            _ remedy: String
        ) {
            let problem = ManifestProblem(
                severity, position ?? policy.identity.position, object: "AuthorizationPolicy \(policy.identity)",
                path: "", message, remedy: remedy)
            found.append(NodeFinding(check: check, problem: problem))
        }
        switch translation.outcome {
        case .notSent(.hasTargets): return []
        case .notSent(.action(let action)):
            add(
                .error, "not-enforced", nil, "\(action.rawValue) is not enforced by node proxies",
                "attach it to a waypoint by targetRefs")
        case .notSent(.dryRun):
            add(
                .warning, "not-enforced", nil, "policies in dry run are not sent to node proxies",
                "attach it to a waypoint by targetRefs to see what it would do")
        case .sent: break
        }
        for finding in translation.findings {
            let position = finding.position == .unknown ? nil : finding.position
            let what = "rule \(finding.rule) needs a waypoint for \(finding.attributes.joined(separator: ", "))"
            switch finding.effect {
            case .noEffect:
                add(
                    .error, "no-effect-at-l4", position, "\(what): it denies nobody",
                    "move it to a policy with targetRefs, or deny by ports and identities alone")
            case .leftOut:
                add(
                    .error, "left-out-at-l4", position, "\(what): it allows nobody",
                    "move it to a policy with targetRefs, and allow the waypoint's principal here")
            case .wider:
                add(
                    .warning, "wider-at-l4", position, "\(what): without it more is denied",
                    "move it to a policy with targetRefs")
            }
        }
        guard case .sent(let sent) = translation.outcome else { return found }
        let matches = sent.rules.flatMap(\.clauses).flatMap(\.matches)
        if matches.contains(where: {
            ($0.namespaces + $0.notNamespaces).contains { $0.written.dropFirst().dropLast().contains("*") }
        }) {
            add(
                .warning, "namespace-wildcard-at-l4", nil,
                "a * inside a namespace is a wildcard at waypoints only; node proxies take it as it is written",
                "write the namespaces out, or put the * at one end")
        }
        if !aliases.isEmpty,
            matches.contains(where: {
                !$0.principals.allSatisfy { $0.written.hasPrefix("*") } || !$0.notPrincipals.isEmpty
            })
        {
            add(
                .warning, "alias-not-at-l4", nil,
                "trust domain aliases (\(aliases.joined(separator: ", "))) count at waypoints only",
                "list the principal of each trust domain, or use namespaces or serviceAccounts")
        }
        return found
    }
}
