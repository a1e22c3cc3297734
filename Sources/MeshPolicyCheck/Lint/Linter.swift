import MeshCore
import MeshKubernetes
import MeshPolicy

/// Looks for policies that do not do what they seem to say.
struct Linter {
    let judge: PolicyJudge
    var findings: [LintReport.Finding] = []

    init(_ judge: PolicyJudge) { self.judge = judge }

    mutating func run() {
        for (policy, translation) in judge.nodes.translations {
            lintLayer4(policy, translation)
            lintTargets(policy, translation)
            for (number, rule) in policy.rules.enumerated() { lint(rule, number, policy) }
            lintRepeats(policy)
        }
        lintShadows()
        lintWaypointIdentities()
    }

    mutating func add(
        _ severity: LintReport.Finding.Severity, _ check: String, _ policy: SecurityPolicy, _ position: FilePosition,
        _ message: String, _ remedy: String
    ) {
        let place = position == .unknown ? policy.identity.position : position
        findings.append(
            LintReport.Finding(
                severity: severity, check: check, object: "AuthorizationPolicy \(policy.identity)", file: place.file,
                line: place.line, column: place.column, message: message, remedy: remedy))
    }

    // MARK: Where it is enforced

    private mutating func lintLayer4(_ policy: SecurityPolicy, _ translation: L4Translation) {
        switch translation.outcome {
        case .notSent(.hasTargets): return
        case .notSent(.action(let action)):
            add(
                .error, "not-enforced", policy, .unknown, "\(action.rawValue) is not enforced by node proxies",
                "attach it to a waypoint by targetRefs")
        case .notSent(.dryRun):
            add(
                .warning, "not-enforced", policy, .unknown, "policies in dry run are not sent to node proxies",
                "attach it to a waypoint by targetRefs to see what it would do")
        case .sent: break
        }
        for finding in translation.findings {
            let attributes = finding.attributes.joined(separator: ", ")
            let what = "rule \(finding.rule) needs a waypoint for \(attributes)"
            switch finding.effect {
            case .noEffect:
                add(
                    .error, "no-effect-at-l4", policy, finding.position, "\(what): it denies nobody",
                    "move it to a policy with targetRefs, or deny by ports and identities alone")
            case .leftOut:
                add(
                    .error, "left-out-at-l4", policy, finding.position, "\(what): it allows nobody",
                    "move it to a policy with targetRefs, and allow the waypoint's principal here")
            case .wider:
                add(
                    .warning, "wider-at-l4", policy, finding.position, "\(what): without it more is denied",
                    "move it to a policy with targetRefs")
            }
        }
        guard case .sent(let sent) = translation.outcome else { return }
        let matches = sent.rules.flatMap(\.clauses).flatMap(\.matches)
        if matches.contains(where: {
            ($0.namespaces + $0.notNamespaces).contains { $0.written.dropFirst().dropLast().contains("*") }
        }) {
            add(
                .warning, "namespace-wildcard-at-l4", policy, .unknown,
                "a * inside a namespace is a wildcard at waypoints only; node proxies take it as it is written",
                "write the namespaces out, or put the * at one end")
        }
        let aliases = judge.cluster.settings.trustDomainAliases
        if !aliases.isEmpty,
            matches.contains(where: {
                !$0.principals.allSatisfy { $0.written.hasPrefix("*") } || !$0.notPrincipals.isEmpty
            })
        {
            add(
                .warning, "alias-not-at-l4", policy, .unknown,
                "trust domain aliases (\(aliases.joined(separator: ", "))) count at waypoints only",
                "list the principal of each trust domain, or use namespaces or serviceAccounts")
        }
    }

    private mutating func lintTargets(_ policy: SecurityPolicy, _ translation: L4Translation) {
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

    /// Behind a waypoint the node proxy sees the waypoint, not the client.
    private mutating func lintWaypointIdentities() {
        var told: Set<String> = []
        for service in judge.cluster.services {
            guard let gateway = judge.index.waypoint(of: service).gateway, let port = service.ports.first else {
                continue
            }
            let account = judge.index.serviceAccounts(ofWaypoint: gateway)[0]
            let id = judge.index.identity(namespace: gateway.meta.namespace, serviceAccount: account)
            let client = FlowClient(name: "waypoint", identity: id)
            for (workload, number) in judge.route(client, .service(service, port)).workloads
            where told.insert("\(workload.namespace)/\(workload.appName)").inserted {
                let verdict = judge.nodeVerdict(client, via: gateway, to: workload, number)
                guard !verdict.isAllowed else { continue }
                findings.append(
                    LintReport.Finding(
                        severity: .error, check: "waypoint-not-allowed",
                        object: "\(workload.kind.rawValue) \(workload)", file: workload.meta.position.file,
                        line: workload.meta.position.line, column: workload.meta.position.column,
                        message: "Service \(service) is reached through waypoint \(gateway.meta), which is refused: "
                            + verdict.reason,
                        remedy: "allow principals: [\"\(id?.principal ?? account)\"] on the workload"))
            }
        }
    }

    // MARK: Policies next to one another

    private mutating func lintRepeats(_ policy: SecurityPolicy) {
        var (seen, all): (Set<SecurityPolicy.Rule>, Int?) = ([], nil)
        for (number, rule) in policy.rules.enumerated() {
            let plain = rule.withoutPositions
            if let all {
                add(
                    .warning, "unreachable-rule", policy, rule.position,
                    "rule \(number) adds nothing: rule \(all) matches everything", "remove one of them")
            } else if !seen.insert(plain).inserted {
                add(
                    .warning, "unreachable-rule", policy, rule.position, "rule \(number) repeats an earlier one",
                    "remove it")
            }
            if plain == SecurityPolicy.Rule(), all == nil { all = number }
        }
    }

    private struct Scope: Hashable {
        let namespace: String
        let selector: WorkloadSelector
        let targets: Set<String>
    }

    private mutating func lintShadows() {
        let enforced = judge.cluster.policies.filter { !$0.dryRun && ($0.action == .allow || $0.action == .deny) }
        let scopes = Dictionary(grouping: enforced) {
            Scope(
                namespace: $0.identity.namespace, selector: $0.selector, targets: Set($0.targets.map(\.description)))
        }
        for policies in scopes.values {
            func total(_ action: SecurityPolicy.Action) -> SecurityPolicy? {
                policies.first { $0.action == action && $0.rules.contains { $0.withoutPositions == .init() } }
            }
            let (denies, allows) = (total(.deny), total(.allow))
            for policy in policies {
                if let denies, denies.identity != policy.identity {
                    add(
                        .warning, "shadowed-policy", policy, .unknown,
                        "it decides nothing: \(denies.identity) denies everything in the same scope",
                        "remove one of them")
                } else if let allows, policy.action == .allow, allows.identity != policy.identity {
                    add(
                        .warning, "shadowed-policy", policy, .unknown,
                        "it adds nothing: \(allows.identity) allows everything in the same scope",
                        "remove the policy that allows everything, or this one")
                }
            }
        }
    }
}

extension SecurityPolicy.Rule {
    /// For comparing what rules say.
    fileprivate var withoutPositions: SecurityPolicy.Rule {
        var copy = self
        copy.position = .unknown
        for index in copy.from.indices { copy.from[index].position = .unknown }
        for index in copy.to.indices { copy.to[index].position = .unknown }
        for index in copy.when.indices { copy.when[index].position = .unknown }
        return copy
    }
}
