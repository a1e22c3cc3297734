package import MeshCore
import MeshKubernetes
import MeshPolicy

/// Which workload reaches which, on which port. The encoded keys are a promise.
package struct FlowMatrix: Encodable, Sendable {
    package enum Answer: String, Encodable, Sendable {
        case allowed, denied
        /// It depends on the request: some are allowed and some are not.
        case depends
    }

    package struct Cell: Encodable, Sendable {
        package let from: String
        package let to: String
        package let port: UInt16
        package let answer: Answer
        package let waypoint: String?
        /// Of the hop that refuses, else of the last one.
        package let reason: String
    }

    /// Most cells that are judged; more is no table for people.
    package static let limit = 250_000

    package let sources: [String]
    /// `shop/cart:80`, services first.
    package let destinations: [String]
    /// By source, then by destination.
    package let cells: [Cell]
    package let truncated: Bool
}

extension PolicyJudge {
    /// The workloads of a cluster, alike ones once, as people call them.
    package func clients() -> [FlowClient] {
        let parser = FlowParser(index, doing: "explain policies")
        var seen: Set<String> = []
        let found = cluster.workloads.filter { $0.gatewayName == nil }.compactMap { workload -> FlowClient? in
            let key = "\(workload.namespace)/\(workload.appName)/\(workload.serviceAccount)"
            return seen.insert(key).inserted ? parser.client(workload, address: workload.addresses.first) : nil
        }
        return found.sorted { $0.name < $1.name }
            + [FlowClient(name: "plaintext", identity: nil)]
    }

    /// Every port of every service, then every port of workloads that no service leads to.
    package func targets() -> [(name: String, target: FlowTarget)] {
        var result: [(name: String, target: FlowTarget)] = []
        var served: Set<String> = []
        for service in cluster.services.sorted(by: { $0.description < $1.description }) {
            for port in service.ports {
                let behind = index.endpoints(of: service).filter { $0.gatewayName == nil }
                guard !behind.isEmpty else { continue }
                result.append(("\(service):\(port.port)", .service(service, port)))
                for workload in behind {
                    if let target = ClusterIndex.targetPort(of: port, in: workload) {
                        served.insert("\(workload.namespace)/\(workload.appName):\(target)")
                    }
                }
            }
        }
        for workload in cluster.workloads.sorted(by: { $0.description < $1.description })
        where workload.gatewayName == nil {
            for port in workload.ports {
                let name = "\(workload.namespace)/\(workload.appName):\(port.port)"
                if served.insert(name).inserted { result.append((name, .workload(workload, port: port.port))) }
            }
        }
        return result
    }

    /// For those who would show or compare flows where there are none.
    package func nothingToCall(doing: String) -> MeshFailure {
        MeshFailure(
            .notFound, doing: doing,
            reason: "nothing that could be called is in the manifests, or in the namespaces that are asked for; "
                + "add Services and the Pods or Deployments behind them with -f")
    }

    /// - Parameter namespaces: of which clients and targets are shown; empty for all.
    package func matrix(namespaces: Set<String> = []) -> FlowMatrix {
        func isShown(_ name: String) -> Bool {
            namespaces.isEmpty || namespaces.contains(String(name.prefix { $0 != "/" }))
        }
        let clients = clients().filter { $0.identity == nil || isShown($0.name) }
        let targets = targets().filter { isShown($0.name) }
        var cells: [FlowMatrix.Cell] = []
        var isTruncated = false
        judging: for client in clients {
            for (name, target) in targets {
                guard cells.count < FlowMatrix.limit else {
                    isTruncated = true
                    break judging
                }
                cells.append(cell(client, name, target))
            }
        }
        return FlowMatrix(
            sources: clients.map(\.name), destinations: targets.map(\.name), cells: cells, truncated: isTruncated)
    }

    private func cell(_ client: FlowClient, _ name: String, _ target: FlowTarget) -> FlowMatrix.Cell {
        let brief = brief(client, target)
        return FlowMatrix.Cell(
            from: client.name, to: name, port: target.port, answer: brief.answer, waypoint: brief.waypoint,
            reason: brief.reason)
    }

    /// The answer alone, without what every policy says.
    private func brief(
        _ client: FlowClient, _ target: FlowTarget
    ) -> (answer: FlowMatrix.Answer, waypoint: String?, reason: String) {
        let route = route(client, target)
        var (answer, reason) = (FlowMatrix.Answer.allowed, route.notes.last ?? "no policy")
        for (workload, port) in route.workloads {
            let verdict = nodeVerdict(client, via: route.gateway, to: workload, port)
            reason = verdict.reason
            if !verdict.isAllowed { return (.denied, route.gateway?.meta.description, "\(workload): \(reason)") }
        }
        if let gateway = route.gateway {
            let (requestAnswer, requestReason) = requestAnswer(gateway, client, target)
            answer = requestAnswer
            reason = "waypoint \(gateway.meta): \(requestReason)"
        }
        return (answer, route.gateway?.meta.description, reason)
    }

    /// What the node proxy of a workload says.
    func nodeVerdict(
        _ client: FlowClient, via gateway: GatewayObject?, to workload: ClusterWorkload, _ port: UInt16
    ) -> (isAllowed: Bool, reason: String) {
        guard workload.isInAmbient(namespaceLabels: index.labels(ofNamespace: workload.namespace)) else {
            return (true, "not in the mesh")
        }
        let verdict = engine(for: workload).decide(facts(client, via: gateway, to: workload, port)).verdict
        return (verdict.isAllowed, describe(verdict))
    }

    /// Asks the requests that the policies themselves speak of.
    private func requestAnswer(
        _ gateway: GatewayObject, _ client: FlowClient, _ target: FlowTarget
    ) -> (FlowMatrix.Answer, String) {
        let chain = Self.chain(target)
        let set = requestPolicies(gateway, target, chain)
        if set.policies.isEmpty { return (.allowed, "allowed: no policy is attached") }
        var (allowed, denied): (String?, String?)
        for sample in RequestSamples.requests(set.policies, chain) {
            let verdict = requestVerdict(set, client, target, sample, chain)
            if verdict.isAllowed { allowed = allowed ?? verdict.reason } else { denied = denied ?? verdict.reason }
            if allowed != nil, denied != nil { break }
        }
        switch (allowed, denied) {
        case (let reason?, nil): return (.allowed, reason)
        case (nil, let reason?): return (.denied, reason)
        default: return (.depends, "some requests are allowed, others not: \(denied ?? "")")
        }
    }

    /// What a waypoint says of a request; claims count as they are.
    func requestVerdict(
        _ set: RequestPolicySet, _ client: FlowClient, _ target: FlowTarget, _ request: FlowRequest,
        _ chain: PolicyChain
    ) -> (isAllowed: Bool, reason: String) {
        switch facts(client, target, request, chain) {
        case .failure(let refusal): return (false, refusal.reason)
        case .success(var facts):
            if let claims = request.claims { facts.claims = TokenClaims(claims) }
            let judgement = judgement(set, facts, isGRPC: request.isGRPC)
            return (judgement.isAllowed, judgement.reason)
        }
    }

    func judgement(_ set: RequestPolicySet, _ facts: RequestFacts, isGRPC: Bool) -> RequestJudgement {
        custom(set, facts, isGRPC: isGRPC) ?? .decided(set.decide(facts).verdict)
    }

    /// What CUSTOM policies and their providers say of a request, when they refuse it.
    /// - Parameter note: called with what else is to be said of each question; `nil` when nobody reads it.
    func custom(
        _ set: RequestPolicySet, _ facts: RequestFacts, isGRPC: Bool, note: ((String) -> Void)? = nil
    ) -> RequestJudgement? {
        switch set.customStep(facts) {
        case .none: return nil
        case .deny(let rule, let bad): return .badProvider(rule, bad)
        case .ask(let questions):
            for question in questions {
                let name = question.provider.name
                guard let given = providers[name] else {
                    note?("provider \(name) is asked by \(question.rule); taken to allow, see --provider")
                    continue
                }
                switch question.provider.verdict(given, isGRPC: isGRPC) {
                case .allow(_, _, let reason): note?("\(reason), asked by \(question.rule)")
                case .deny(let answer, let reason): return .refused(answer, reason: reason, question.rule)
                }
            }
            return nil
        }
    }
}

/// What a waypoint says of a request that got as far as policies; in words only when somebody asks.
enum RequestJudgement {
    case decided(RequestVerdict)
    case badProvider(RequestRule, CustomStep.BadProvider)
    case refused(LocalAnswer, reason: String, RequestRule)

    var isAllowed: Bool { if case .decided(let verdict) = self { verdict.isAllowed } else { false } }

    var reason: String {
        switch self {
        case .decided(let verdict): verdict.description
        case .badProvider(let rule, let bad): "denied by \(rule): \(bad)"
        case .refused(_, let reason, let rule): "\(reason), asked by \(rule)"
        }
    }

    var rule: RequestRule? {
        switch self {
        case .decided(let verdict): verdict.rule
        case .badProvider(let rule, _), .refused(_, _, let rule): rule
        }
    }

    /// What a refused client is told over HTTP.
    func answer(isGRPC: Bool) -> LocalAnswer? {
        switch self {
        case .decided(.allow): nil
        case .decided(.deny(let reason)): .denied(reason, isGRPC: isGRPC)
        case .badProvider(let rule, _): .denied(badProviderFor: rule, isGRPC: isGRPC)
        case .refused(let answer, _, _): answer
        }
    }
}
