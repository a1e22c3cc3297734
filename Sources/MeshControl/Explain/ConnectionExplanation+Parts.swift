import MeshCore
import MeshPolicy
import MeshProxy
import MeshState

// Records and decisions in the words of an explanation.

extension ConnectionExplanation {
    /// Sums up, once every part is there.
    mutating func conclude() {
        notes += (inbound?.policies ?? []).flatMap { $0.origin?.findings ?? [] }
        guard let inbound else {
            verdict = .allowed
            reason = route.reason
            return
        }
        verdict = !inbound.admitted ? .unreachable : inbound.allowed || !inbound.enforced ? .allowed : .denied
        reason = inbound.enforced ? inbound.reason : "no proxy at the destination enforces policies"
    }
}

extension ConnectionExplanation.Record {
    init(_ record: AddressRecord) {
        switch record.subject {
        case .service(let entry): (kind, name) = (.service, "\(entry.key)")
        case .workload(let workload): (kind, name) = (.workload, workload.uid)
        }
        matched = record.standing == .matched
        reason = record.standing.description
    }
}

extension ConnectionExplanation.Waypoint {
    init(_ waypoint: RouteExplanation.Waypoint) {
        destination = waypoint.gateway.text
        of = waypoint.subject.description
        used = waypoint.isUsed
        let target =
            switch waypoint.target {
            case .service(let entry): "service \(entry.key)"
            case .workload(let workload): "workload \(workload.uid)"
            case nil: "nothing that is known"
            }
        reason =
            waypoint.isUsed ? "it leads to \(target)" : "the source is this waypoint, so its traffic goes on directly"
    }
}

extension ConnectionExplanation.Choice {
    init(_ choice: RouteExplanation.Choice) {
        service = "\(choice.service.key)"
        port = choice.port
        result =
            switch choice.result {
            case .success(let chosen): "\(chosen.workload.uid), port \(chosen.port)"
            case .failure(let gap): gap.description
            }
        candidates = choice.candidates.map {
            .init(
                workload: $0.endpoint.endpoint.workloadUID, chosen: $0.outcome == .chosen,
                reason: $0.outcome.description)
        }
    }
}

extension ConnectionExplanation.Route {
    init(_ route: OutboundRoute) {
        switch route {
        case .hbone(let route):
            self.init(
                decision: .hbone, nextHop: route.nextHop.description, authority: route.authority,
                expectedIdentities: route.expectedIdentities.map(\.description),
                workload: route.destinationWorkload?.uid, service: route.service.map { "\($0.key)" },
                reason: route.reason.rawValue)
        case .tcp(let route):
            self.init(
                decision: .tcp, nextHop: route.address.description, workload: route.destinationWorkload?.uid,
                service: route.service.map { "\($0.key)" }, reason: route.reason.rawValue)
        case .doubleHBONE(let route):
            self.init(
                decision: .doubleHBONE, nextHop: route.nextHop.description, authority: route.authority,
                expectedIdentities: route.gatewayIdentities.map(\.description),
                innerIdentities: route.innerIdentities.map(\.description), workload: route.gateway.uid,
                service: "\(route.service.key)", reason: route.reason.rawValue)
        case .resolve(let route):
            self.init(
                decision: .resolve, nextHop: route.hostname, workload: route.workload.uid,
                reason: "only the hostname of the next hop is known; each connection looks it up")
        case .refuse(let refusal): self.init(decision: .refuse, reason: refusal.description)
        }
    }
}

extension ConnectionExplanation.NetworkGateway {
    init(_ found: RouteExplanation.NetworkGateway) {
        destination = found.gateway.text
        of = found.workload.uid
        switch found.target {
        case .service(let entry): reason = "it leads to service \(entry.key)"
        case .workload(let workload): reason = "it leads to workload \(workload.uid)"
        case nil: reason = "nothing is known by it"
        }
    }
}

extension OutboundRoute {
    var nextHop: SocketAddress? {
        switch self {
        case .hbone(let route): route.nextHop
        case .doubleHBONE(let route): route.nextHop
        case .tcp(let route): route.address
        case .resolve, .refuse: nil
        }
    }
}

extension ConnectionExplanation.Inbound {
    /// Nothing is decided yet.
    init(_ workload: Workload) {
        self.init(
            workload: workload.uid, enforced: true, admitted: false, policies: [], missingPolicies: nil, allowed: false,
            reason: "")
    }

    /// Asks the policies that hold for `workload`.
    mutating func judge(
        _ workload: Workload, _ facts: PolicyFacts, _ snapshot: MeshSnapshot, _ origins: PolicyOrigins
    ) {
        var book = PolicyBook()
        let engine = book.engine(for: workload, in: snapshot)
        let verdict = engine.decide(facts).verdict
        allowed = verdict.isAllowed
        reason = verdict.described { rule in
            "\(rule)" + (origins.places[rule.policy.key].map { " (\($0.rule(rule.rule)))" } ?? "")
        }
        missingPolicies = engine.missing.sorted().unlessEmpty
        policies = engine.explain(facts).map { ConnectionExplanation.Policy($0, origins.places[$0.policy.key]) }
            .sorted { $0.policy < $1.policy }
    }
}

extension ConnectionExplanation.Policy {
    init(_ explanation: PolicyExplanation, _ origin: PolicyOrigin?) {
        let policy = explanation.policy.policy
        self.init(
            policy: explanation.policy.key, action: policy.action.rawValue, scope: policy.scope.rawValue,
            dryRun: policy.dryRun, matched: explanation.matchedRule != nil, reason: Self.reason(explanation, origin),
            origin: origin)
    }

    private static func reason(_ explanation: PolicyExplanation, _ origin: PolicyOrigin?) -> String {
        func place(_ rule: Int) -> String { origin.map { " (\($0.rule(rule)))" } ?? "" }
        if let rule = explanation.matchedRule { return "rule \(rule) matches\(place(rule))" }
        if explanation.policy.policy.rules.isEmpty { return "it has no rules, so it never matches" }
        return explanation.misses.map { "\($0)\(place($0.rule))" }.joined(separator: "; ")
    }
}
