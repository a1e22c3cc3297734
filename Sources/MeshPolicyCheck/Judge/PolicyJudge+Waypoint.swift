import MeshCore
import MeshKubernetes
import MeshPolicy

extension PolicyJudge {
    /// What a waypoint says of a request, in its order: head, CUSTOM, token, AUDIT, DENY, ALLOW.
    func waypointHop(
        _ gateway: GatewayObject, _ client: FlowClient, _ target: FlowTarget, _ given: FlowRequest?
    ) -> FlowReport.Hop {
        let chain = Self.chain(target)
        let set = requestPolicies(gateway, target, chain)
        var notes: [String] = []
        if chain == .http, given == nil { notes.append("no request was given; judged as GET /") }
        var request = given ?? FlowRequest()
        let rules = chain == .http ? attachment(gateway, target).attached(cluster.requestAuthentications) : []
        if let place = Self.placeToken(in: &request, rules) { notes.append(place) }
        func hop(
            _ allowed: Bool, _ reason: String, _ rule: FlowReport.Rule? = nil, answer: LocalAnswer? = nil,
            _ policies: [FlowReport.PolicyOutcome] = []
        ) -> FlowReport.Hop {
            FlowReport.Hop(
                kind: .waypoint, at: gateway.meta.description, peer: client.identity?.description,
                source: client.address?.description, port: target.port, allowed: allowed, reason: reason,
                decidedBy: rule,
                answer: answer.map { FlowReport.Answer($0) }, policies: policies, notes: notes)
        }
        let others = notAttached(gateway, target)
        func refused(_ refusal: RequestRefusal, asked: [FlowReport.PolicyOutcome] = []) -> FlowReport.Hop {
            hop(
                false, "answered \(refusal.answer.status): \(refusal.reason)", answer: refusal.answer,
                asked + Self.notAsked(set.policies, besides: asked) + others)
        }
        var facts: RequestFacts
        switch self.facts(client, target, request, chain) {
        case .failure(let refusal): return refused(refusal)
        case .success(let made): facts = made
        }
        notes += Self.unknownAddress(client.address, in: set.policies)
        func judged(_ judgement: RequestJudgement) -> FlowReport.Hop {
            hop(
                judgement.isAllowed, judgement.reason, judgement.rule.map(Self.rule),
                answer: chain == .http ? judgement.answer(isGRPC: request.isGRPC) : nil, explain(set, facts) + others)
        }
        if let refused = custom(set, facts, isGRPC: request.isGRPC, note: { notes.append($0) }) {
            return judged(refused)
        }
        if chain == .http {
            let outcome = authenticate(request, rules, &facts)
            notes += outcome.notes
            if let refusal = outcome.refusal {
                notes += rules.map {
                    "tokens are judged by RequestAuthentication \($0.identity) at \($0.identity.position)"
                }
                // CUSTOM comes before tokens, and its providers have been asked.
                let custom = SecurityPolicy.Action.custom.rawValue
                return refused(refusal, asked: explain(set, facts).filter { $0.action == custom })
            }
        }
        let decision = set.decide(facts)
        notes += set.problems.map { "\($0)" }
        notes += Self.dryRunNotes(decision)
        if let audit = decision.audit { notes.append("marked for the access log by \(audit)") }
        return judged(.decided(decision.verdict))
    }

    private func explain(_ set: RequestPolicySet, _ facts: RequestFacts) -> [FlowReport.PolicyOutcome] {
        set.explain(facts).map { explanation in
            let policy = explanation.policy
            func outcome(_ result: FlowReport.PolicyOutcome.Result, _ why: [String]) -> FlowReport.PolicyOutcome {
                FlowReport.PolicyOutcome(
                    policy: policy.identity.description, action: policy.action.rawValue, dryRun: policy.dryRun,
                    result: result, why: why)
            }
            switch explanation.outcome {
            case .matched(let rule): return outcome(.matched, ["rule \(rule) matches"])
            case .notMatched(let misses):
                return outcome(
                    .notMatched, misses.isEmpty ? ["it has no rule that could match"] : misses.map(\.description))
            }
        }
    }

    private static func notAsked(
        _ policies: [SecurityPolicy], besides asked: [FlowReport.PolicyOutcome]
    ) -> [FlowReport.PolicyOutcome] {
        let known = Set(asked.map(\.policy))
        return policies.filter { !known.contains($0.identity.description) }.map { policy in
            FlowReport.PolicyOutcome(
                policy: policy.identity.description, action: policy.action.rawValue, dryRun: policy.dryRun,
                result: .notAsked, why: ["the request is answered before it is asked"])
        }
    }

    /// Policies nearby that say nothing here, and why.
    private func notAttached(_ gateway: GatewayObject, _ target: FlowTarget) -> [FlowReport.PolicyOutcome] {
        let attachment = attachment(gateway, target)
        let near = Set(
            [attachment.rootNamespace, attachment.gatewayNamespace] + [attachment.service?.namespace].compactMap { $0 })
        return cluster.policies.filter { near.contains($0.identity.namespace) }.compactMap { policy in
            let reason = attachment.reason(namespace: policy.identity.namespace, targets: policy.targets)
            guard !reason.isAttached else { return nil }
            return FlowReport.PolicyOutcome(
                policy: policy.identity.description, action: policy.action.rawValue, dryRun: policy.dryRun,
                result: .notHere, why: [reason.description])
        }
    }

    private static func dryRunNotes(_ decision: RequestDecision) -> [String] {
        func note(_ action: String, _ result: RequestDecision.DryRun, _ notMatched: String) -> [String] {
            switch result {
            case .noPolicies: []
            case .matched(let rule): ["dry run: \(rule) would have \(action)"]
            case .notMatched: notMatched.isEmpty ? [] : [notMatched]
            }
        }
        return note("denied", decision.dryRunDeny, "")
            + note("allowed", decision.dryRunAllow, "dry run: no ALLOW policy in dry run matches, so they would deny")
    }

    static func rule(_ rule: RequestRule) -> FlowReport.Rule {
        let position =
            rule.policy.rules.indices.contains(rule.number) ? rule.policy.rules[rule.number].position : .unknown
        return FlowReport.Rule(
            policy: rule.policy.identity.description, rule: rule.number, file: position.knownFile,
            line: position.knownLine)
    }

    private static func unknownAddress(_ address: IPAddress?, in policies: [SecurityPolicy]) -> [String] {
        guard address == nil else { return [] }
        let asks = policies.contains { policy in
            policy.rules.contains { rule in
                rule.from.contains { !$0.ipBlocks.isEmpty || !$0.remoteIPBlocks.isEmpty }
                    || rule.when.contains { $0.attribute == .sourceIP || $0.attribute == .remoteIP }
            }
        }
        return asks ? ["policies look at the client's address, which is not known; give it by --from-ip"] : []
    }
}
