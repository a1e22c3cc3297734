import MeshCore
import MeshKubernetes
import MeshPolicy

extension PolicyJudge {
    /// What policies say of a flow, with all that is to be said about it.
    /// - Parameter request: `nil` for a connection of which nothing is known; an HTTP port is then asked `GET /`.
    package func report(_ client: FlowClient, _ target: FlowTarget, _ request: FlowRequest?) -> FlowReport {
        let route = route(client, target)
        var notes = client.notes + route.notes
        var hops: [FlowReport.Hop] = []
        if let gateway = route.gateway {
            hops.append(waypointHop(gateway, client, target, request))
        } else if request != nil {
            notes.append("no waypoint is on the way, so nobody looks at the request: only connections are judged")
        }
        for (workload, port) in route.workloads {
            hops.append(workloadHop(workload, port, client, via: route.gateway))
        }
        return FlowReport(
            from: client.name, to: target.name, allowed: hops.allSatisfy(\.allowed), hops: hops, notes: notes)
    }

    // MARK: Workload

    private func workloadHop(
        _ workload: ClusterWorkload, _ port: UInt16, _ client: FlowClient, via gateway: GatewayObject?
    ) -> FlowReport.Hop {
        let facts = facts(client, via: gateway, to: workload, port)
        let isInMesh = workload.isInAmbient(namespaceLabels: index.labels(ofNamespace: workload.namespace))
        func hop(
            _ allowed: Bool, _ reason: String, _ rule: FlowReport.Rule?, _ policies: [FlowReport.PolicyOutcome],
            _ notes: [String]
        ) -> FlowReport.Hop {
            FlowReport.Hop(
                kind: .workload, at: "\(workload.namespace)/\(workload.appName)", peer: facts.peer?.id.description,
                source: gateway == nil ? client.address?.description : nil, port: port, allowed: allowed,
                reason: reason, decidedBy: rule, answer: nil, policies: policies, notes: notes)
        }
        guard isInMesh else {
            return hop(true, "allowed: no node proxy stands before it, so nothing is enforced", nil, [], [])
        }
        let engine = engine(for: workload)
        let decision = engine.decide(facts)
        var notes: [String] = []
        if let gateway, !decision.verdict.isAllowed, let peer = facts.peer {
            notes.append(
                "the node proxy sees the waypoint \(gateway.meta), not the client: allow the principal \(peer.principal)"
            )
        }
        if let rule = decision.dryRunDeny { notes.append("dry run: \(written(rule)) would have denied") }
        let explanations = engine.explain(facts)
        let rule: FlowReport.Rule? =
            switch decision.verdict {
            case .allow(.matched(let found)), .deny(.matched(let found)): self.rule(found.policy.policy, found.rule)
            case .allow(.noAllowPolicies), .deny(.noneAllowed): nil
            }
        let outcomes = explanations.map { explanation in
            FlowReport.PolicyOutcome(
                policy: explanation.policy.key, action: explanation.policy.policy.action == .allow ? "ALLOW" : "DENY",
                dryRun: explanation.policy.policy.dryRun,
                result: explanation.matchedRule == nil ? .notMatched : .matched,
                why: explanation.matchedRule.map {
                    ["rule \(writtenRule(explanation.policy.policy, $0).number) matches"]
                } ?? misses(explanation, facts))
        }
        return hop(
            decision.verdict.isAllowed, describe(decision.verdict), rule,
            outcomes + notSelected(workload, Set(explanations.map(\.policy.key))), notes)
    }

    private func misses(_ explanation: PolicyExplanation, _ facts: PolicyFacts) -> [String] {
        if explanation.misses.isEmpty { return ["it has no rule that could match"] }
        let policy = explanation.policy.policy
        return explanation.misses.map { miss in
            let match = policy.rules[miss.rule].clauses[miss.clause].matches[miss.match]
            return "rule \(writtenRule(policy, miss.rule).number): \(match.complaint(miss.field, facts))"
        }
    }

    private func rule(_ policy: AuthorizationPolicy, _ number: Int) -> FlowReport.Rule {
        let (original, position) = writtenRule(policy, number)
        return FlowReport.Rule(
            policy: policy.key, rule: original, file: position.knownFile, line: position.knownLine)
    }

    private func notSelected(_ workload: ClusterWorkload, _ known: Set<String>) -> [FlowReport.PolicyOutcome] {
        nodes.translations.compactMap { policy, translation in
            let namespace = policy.identity.namespace
            guard namespace == workload.namespace || namespace == cluster.settings.rootNamespace,
                !known.contains(policy.identity.description)
            else { return nil }
            let why: String
            switch translation.outcome {
            case .sent: why = "its selector does not select this workload"
            case .notSent(.hasTargets): why = "it is attached to a waypoint"
            case .notSent(.action(let action)): why = "\(action.rawValue) is for waypoints only"
            case .notSent(.dryRun): why = "policies in dry run are not sent to node proxies"
            }
            return FlowReport.PolicyOutcome(
                policy: policy.identity.description, action: policy.action.rawValue, dryRun: policy.dryRun,
                result: .notHere, why: [why])
        }
    }
}
