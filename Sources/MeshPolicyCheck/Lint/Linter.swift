import MeshCore
import MeshKubernetes
import MeshPolicy

/// Looks for policies that do not do what they seem to say.
struct Linter {
    let judge: PolicyJudge
    let aliases: TrustDomainAliases
    let servicesByNamespace: [String: [ClusterService]]
    /// Whoever may call, as the matrix of `explain` has them.
    let clients: [FlowClient]
    var findings: [LintReport.Finding] = []

    init(_ judge: PolicyJudge) {
        self.judge = judge
        aliases = TrustDomainAliases(judge.cluster.settings)
        servicesByNamespace = Dictionary(grouping: judge.cluster.services, by: \.namespace)
        clients = judge.clients()
    }

    mutating func run() {
        for (policy, translation) in judge.nodes.translations {
            lintLayer4(policy, translation)
            lintTargets(policy)
            for (number, rule) in policy.rules.enumerated() { lint(rule, number, policy) }
            lintPlaces(policy)
        }
        lintShadows()
        lintDryRuns()
        lintWaypoints()
        lintProviders()
        for policy in judge.cluster.requestAuthentications { lint(policy) }
        for policy in judge.cluster.peerAuthentications { lint(policy) }
    }

    mutating func add(
        _ severity: LintReport.Finding.Severity, _ check: String, _ policy: SecurityPolicy, _ position: FilePosition,
        _ message: String, _ remedy: String
    ) {
        add(
            severity, check, object: "AuthorizationPolicy \(policy.identity)",
            position == .unknown ? policy.identity.position : position, message, remedy)
    }

    mutating func add(
        _ severity: LintReport.Finding.Severity, _ check: String, object: String, _ place: FilePosition,
        _ message: String, _ remedy: String
    ) {
        findings.append(
            LintReport.Finding(
                severity: severity, check: check, object: object, file: place.file, line: place.line,
                column: place.column, message: message, remedy: remedy))
    }

    // MARK: Where it is enforced

    private mutating func lintLayer4(_ policy: SecurityPolicy, _ translation: L4Translation) {
        let aliases = judge.cluster.settings.trustDomainAliases
        for finding in NodeFinding.findings(of: policy, translation, aliases: aliases) {
            let problem = finding.problem
            add(
                problem.severity == .error ? .error : .warning, finding.check, policy, problem.position,
                problem.message, problem.remedy)
        }
    }

    private mutating func lintTargets(_ policy: SecurityPolicy) {
        for target in policy.targets {
            guard let failure = judge.index.failure(of: target, namespace: policy.identity.namespace) else { continue }
            add(
                .error, "unbound-target", policy, target.position,
                "it is enforced nowhere for \(target): \(failure.message)",
                "correct the reference, or give the target a waypoint (label istio.io/use-waypoint)")
        }
        guard policy.targets.isEmpty, case .labels = policy.selector else { return }
        let waypoint = judge.cluster.workloads.first { workload in
            workload.gatewayName != nil && policy.selector.selects(workload.meta.labels)
                && [workload.namespace, judge.cluster.settings.rootNamespace].contains(policy.identity.namespace)
        }
        if let waypoint {
            add(
                .error, "selector-ignored-by-waypoint", policy, .unknown,
                "its selector selects the waypoint \(waypoint), which does not look at selectors",
                "use targetRefs with kind Gateway and name \(waypoint.gatewayName ?? "")")
        }
    }
}
