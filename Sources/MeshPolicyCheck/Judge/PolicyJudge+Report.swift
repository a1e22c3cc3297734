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

    // MARK: Waypoint

    private func waypointHop(
        _ gateway: GatewayObject, _ client: FlowClient, _ target: FlowTarget, _ given: FlowRequest?
    ) -> FlowReport.Hop {
        let chain = Self.chain(target)
        let set = requestPolicies(gateway, target, chain)
        let request = given ?? FlowRequest()
        var notes: [String] = []
        if chain == .http, given == nil { notes.append("no request was given; judged as GET /") }
        let port: UInt16
        switch target {
        case .service(_, let found): port = found.port
        case .workload(_, let number): port = number
        }
        func hop(
            _ allowed: Bool, _ reason: String, _ rule: FlowReport.Rule? = nil,
            _ policies: [FlowReport.PolicyOutcome] = []
        ) -> FlowReport.Hop {
            FlowReport.Hop(
                kind: .waypoint, at: gateway.meta.description, peer: client.identity?.description,
                source: client.address?.description, port: port, allowed: allowed, reason: reason, decidedBy: rule,
                policies: policies, notes: notes)
        }
        var facts: RequestFacts
        switch self.facts(client, target, request, chain) {
        case .failure(let refusal): return hop(false, "answered \(refusal.status): \(refusal.reason)")
        case .success(let made): facts = made
        }
        notes += Self.unknownAddress(client.address, in: set.policies)
        let others = notAttached(gateway, target)
        switch set.customStep(facts) {
        case .none: break
        case .deny(let rule, let bad):
            return hop(false, "denied by \(rule): \(bad)", Self.rule(rule), explain(set, facts) + others)
        case .ask(let questions):
            for question in questions {
                let name = question.provider.name
                if providers[name] == false {
                    return hop(
                        false, "provider \(name) denies, asked by \(question.rule)", Self.rule(question.rule),
                        explain(set, facts) + others)
                }
                notes.append(
                    providers[name] == true
                        ? "provider \(name) allows, asked by \(question.rule)"
                        : "provider \(name) is asked by \(question.rule); taken to allow, see --provider")
            }
        }
        if chain == .http, let claims = request.claims {
            switch tokens(gateway, target, claims) {
            case .success(let (valid, note)):
                facts.claims = valid
                notes.append(note)
            case .failure(let refusal): return hop(false, "answered \(refusal.status): \(refusal.reason)")
            }
        }
        let decision = set.decide(facts)
        notes += set.problems.map { "\($0)" }
        notes += Self.dryRunNotes(decision)
        if let audit = decision.audit { notes.append("marked for the access log by \(audit)") }
        return hop(
            decision.verdict.isAllowed, decision.verdict.description, decision.verdict.rule.map(Self.rule),
            explain(set, facts) + others)
    }

    /// Claims that count, by the RequestAuthentications that hold here.
    private func tokens(
        _ gateway: GatewayObject, _ target: FlowTarget, _ claims: [String: ClaimValue]
    ) -> Result<(TokenClaims?, String), RequestRefusal> {
        let rules = attachment(gateway, target).attached(cluster.requestAuthentications).flatMap(\.rules)
        if rules.isEmpty {
            return .success((nil, "no RequestAuthentication holds here, so the token counts for nothing"))
        }
        let issuer: String
        if case .string(let text)? = claims["iss"] { issuer = text } else { issuer = "" }
        guard let rule = rules.first(where: { $0.issuer.isEmpty || $0.issuer == issuer }) else {
            return .failure(RequestRefusal(status: 401, reason: "Jwt issuer is not configured (\(issuer))"))
        }
        let audiences: [String]
        switch claims["aud"] {
        case .string(let one)?: audiences = [one]
        case .list(let list)?: audiences = list.compactMap { if case .string(let text) = $0 { text } else { nil } }
        default: audiences = []
        }
        guard rule.audiences.isEmpty || !Set(rule.audiences).isDisjoint(with: audiences) else {
            return .failure(RequestRefusal(status: 403, reason: "Audiences in Jwt are not allowed"))
        }
        return .success(
            (
                TokenClaims(claims, spaceDelimited: rule.spaceDelimitedClaims),
                "the token's signature and times are taken to be good"
            ))
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
                reason: reason, decidedBy: rule, policies: policies, notes: notes)
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
        if let rule = decision.dryRunDeny { notes.append("dry run: \(rule) would have denied") }
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
                why: explanation.matchedRule.map { ["rule \($0) matches"] }
                    ?? Self.misses(explanation, facts))
        }
        return hop(
            decision.verdict.isAllowed, decision.verdict.description, rule,
            outcomes + notSelected(workload, Set(explanations.map(\.policy.key))), notes)
    }

    private static func misses(_ explanation: PolicyExplanation, _ facts: PolicyFacts) -> [String] {
        if explanation.misses.isEmpty { return ["it has no rule that could match"] }
        return explanation.misses.map { miss in
            let match = explanation.policy.policy.rules[miss.rule].clauses[miss.clause].matches[miss.match]
            return "rule \(miss.rule): \(match.complaint(miss.field, facts))"
        }
    }

    private func rule(_ policy: AuthorizationPolicy, _ number: Int) -> FlowReport.Rule {
        let written = cluster.policies.first {
            $0.identity.namespace == policy.namespace && $0.identity.name == policy.name
        }
        // Rules that layer 4 leaves out have moved the numbers of those behind them.
        let kept = nodes.translations.first { $0.policy.identity == written?.identity }.map { entry in
            let out = Set(entry.translation.findings.filter { $0.effect == .leftOut }.map(\.rule))
            return entry.policy.rules.indices.filter { !out.contains($0) }
        }
        let original = kept.flatMap { $0.indices.contains(number) ? $0[number] : nil } ?? number
        let position = written.map { $0.rules.indices.contains(original) ? $0.rules[original].position : .unknown }
        return FlowReport.Rule(
            policy: policy.key, rule: original, file: position.flatMap { $0.file.isEmpty ? nil : $0.file },
            line: position.flatMap { $0.line == 0 ? nil : $0.line })
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

    // MARK: Parts of both

    private static func rule(_ rule: RequestRule) -> FlowReport.Rule {
        let position =
            rule.policy.rules.indices.contains(rule.number) ? rule.policy.rules[rule.number].position : .unknown
        return FlowReport.Rule(
            policy: rule.policy.identity.description, rule: rule.number,
            file: position.file.isEmpty ? nil : position.file, line: position.line == 0 ? nil : position.line)
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
