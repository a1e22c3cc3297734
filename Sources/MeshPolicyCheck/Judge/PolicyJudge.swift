import MeshCore
package import MeshKubernetes
package import MeshPolicy

/// Judges flows by the policies of one cluster. Confined to one task: it keeps what it compiled.
///
/// A flow passes up to two hops: the waypoint, which knows the client and judges requests, then the node proxy of each
/// workload behind it, which then knows only the waypoint.
package final class PolicyJudge {
    package let index: ClusterIndex
    package let nodes: NodePolicies
    /// What providers of CUSTOM policies answer; others are taken to allow.
    package var providers: [String: ProviderAnswer] = [:]
    package var tokens = TokenSettings()
    private var engines: [String: PolicyEngine] = [:]
    private var sets: [SetKey: RequestPolicySet] = [:]
    private var peers: [SPIFFEID: PeerIdentity] = [:]
    private let targeted: [SecurityPolicy]
    /// What was written and sent, by key.
    private let sent: [String: (policy: SecurityPolicy, translation: L4Translation)]

    private struct SetKey: Hashable {
        let gateway: String
        let service: String
        let chain: PolicyChain
    }

    package init(_ cluster: ClusterModel) {
        index = ClusterIndex(cluster)
        nodes = NodePolicies(cluster)
        targeted = cluster.policies.filter { !$0.targets.isEmpty }
        sent = Dictionary(
            nodes.translations.map { ($0.policy.identity.description, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package var cluster: ClusterModel { index.cluster }

    func peer(_ id: SPIFFEID?) -> PeerIdentity? {
        guard let id else { return nil }
        if let known = peers[id] { return known }
        let peer = PeerIdentity(id)
        peers[id] = peer
        return peer
    }

    func engine(for workload: ClusterWorkload) -> PolicyEngine {
        let key = "\(workload.kind.rawValue) \(workload)"
        if let known = engines[key] { return known }
        let engine = nodes.engine(for: workload)
        engines[key] = engine
        return engine
    }

    /// The number and the place of a rule of layer 4 as it was written; what istiod makes itself is its own.
    func writtenRule(_ policy: AuthorizationPolicy, _ number: Int) -> (number: Int, position: FilePosition) {
        guard let entry = sent[policy.key], entry.translation.ruleNumbers.indices.contains(number) else {
            return (number, .unknown)
        }
        let original = entry.translation.ruleNumbers[number]
        return (original, entry.policy.rules[original].position)
    }

    func written(_ rule: PolicyRuleReference) -> String {
        "policy \(rule.policy.key), rule \(writtenRule(rule.policy.policy, rule.rule).number)"
    }

    /// A verdict of layer 4 that names rules as they were written.
    func describe(_ verdict: PolicyVerdict) -> String { verdict.described { written($0) } }

    func attachment(_ gateway: GatewayObject, _ target: FlowTarget) -> PolicyAttachment {
        var service: PolicyAttachment.Service?
        if case .service(let found, _) = target {
            service = PolicyAttachment.Service(
                namespace: found.namespace, name: found.name,
                kind: found.kind == .service ? .service : .serviceEntry)
        }
        return PolicyAttachment(
            rootNamespace: cluster.settings.rootNamespace, gatewayNamespace: gateway.meta.namespace,
            gatewayName: gateway.meta.name, service: service)
    }

    func requestPolicies(_ gateway: GatewayObject, _ target: FlowTarget, _ chain: PolicyChain) -> RequestPolicySet {
        let service: String
        switch target {
        case .service(let found, _): service = "\(found.kind.rawValue) \(found)"
        case .workload: service = ""
        }
        let key = SetKey(gateway: gateway.meta.description, service: service, chain: chain)
        if let known = sets[key] { return known }
        let set = RequestPolicySet(
            attachment(gateway, target).attached(targeted), settings: cluster.settings, chain: chain)
        sets[key] = set
        return set
    }

    /// Where a flow goes.
    package struct Route {
        package let gateway: GatewayObject?
        package let workloads: [(workload: ClusterWorkload, port: UInt16)]
        package var notes: [String] = []
    }

    package func route(_ client: FlowClient, _ target: FlowTarget) -> Route {
        let binding: WaypointBinding
        var workloads: [(workload: ClusterWorkload, port: UInt16)] = []
        var notes: [String] = []
        switch target {
        case .service(let service, let port):
            binding = index.waypoint(of: service)
            var seen: Set<String> = []
            for workload in index.endpoints(of: service) {
                guard let number = ClusterIndex.targetPort(of: port, in: workload) else {
                    notes.append("\(workload) has no port named as the service's target, so it gets no traffic")
                    continue
                }
                // Pods of one deployment are alike for policies.
                if seen.insert("\(workload.appName) \(workload.meta.labels.sorted { $0.key < $1.key }) \(number)")
                    .inserted
                {
                    workloads.append((workload, number))
                }
            }
            if workloads.isEmpty { notes.append("nothing in the files is behind \(target.name)") }
        case .workload(let workload, let port):
            binding = index.waypoint(of: workload)
            workloads = [(workload, port)]
        }
        var gateway = binding.gateway
        if case .broken(let wanted, let reason) = binding {
            notes.append(
                "waypoint \(wanted) is asked for, but \(reason): traffic goes past it, and its policies with it")
        }
        if gateway != nil, client.identity == nil {
            notes.append("plaintext does not go through the waypoint, which takes HBONE only")
            gateway = nil
        }
        return Route(gateway: gateway, workloads: workloads, notes: notes)
    }

    static func chain(_ target: FlowTarget) -> PolicyChain {
        guard case .service(_, let port) = target else { return .http }
        switch port.appProtocol {
        case "tcp", "tls", "https", "mongo", "mysql", "redis", "postgres", "udp": return .tcp
        default: return .http
        }
    }

    /// The facts of a connection as a node proxy sees them.
    func facts(
        _ client: FlowClient, via gateway: GatewayObject?, to workload: ClusterWorkload, _ port: UInt16
    ) -> PolicyFacts {
        var (identity, source) = (client.identity, client.address)
        if let gateway {
            let account = index.serviceAccounts(ofWaypoint: gateway)[0]
            identity = index.identity(namespace: gateway.meta.namespace, serviceAccount: account)
            source =
                index.workloads(in: gateway.meta.namespace).first { $0.gatewayName == gateway.meta.name }?
                .addresses.first
        }
        return PolicyFacts(
            source: source ?? .anyV4, destination: SocketAddress(workload.addresses.first ?? .anyV4, port),
            peer: peer(identity))
    }

    /// The facts of a request as a waypoint sees them; the refusal when it would not get as far as policies.
    func facts(
        _ client: FlowClient, _ target: FlowTarget, _ request: FlowRequest, _ chain: PolicyChain
    ) -> Result<RequestFacts, RequestRefusal> {
        let destination: SocketAddress
        var host = ""
        switch target {
        case .service(let service, let port):
            destination = SocketAddress(service.addresses.first ?? .anyV4, port.port)
            host = (service.hostnames.first ?? service.name) + (port.port == 80 ? "" : ":\(port.port)")
        case .workload(let workload, let port):
            destination = SocketAddress(workload.addresses.first ?? .anyV4, port)
            host = destination.description
        }
        let source = client.address ?? .anyV4
        var facts = RequestFacts(peer: peer(client.identity), source: source, destination: destination)
        guard chain == .http else { return .success(facts) }
        var headers = request.headers.map { HeaderField(name: RequestText($0.name), value: RequestText($0.value)) }
        let isNamed = headers.contains { $0.name.lazy.map(\.asciiLowercased).elementsEqual("host".utf8) }
        if let host = request.host ?? (isNamed ? nil : host) {
            headers.append(HeaderField(name: RequestText("host"), value: RequestText(host)))
        }
        let head = RequestHead(
            version: .http1, method: RequestText(request.method), target: RequestText(request.path), headers: headers)
        do throws(RequestHead.Refusal) {
            let checked = try head.checked(cluster.settings.pathNormalization)
            (facts.method, facts.host, facts.target) = (checked.method, checked.host, checked.target)
            facts.headers = checked.headers
            facts.remote = RequestFacts.remoteAddress(facts.headers, source: source)
            return .success(facts)
        } catch {
            return .failure(RequestRefusal(error.answer(isGRPC: request.isGRPC), error.description))
        }
    }
}

/// A request that is answered before policies look at it.
struct RequestRefusal: Error {
    let answer: LocalAnswer
    /// More than the peer is told.
    let reason: String

    init(_ answer: LocalAnswer, _ reason: String) {
        self.answer = answer
        self.reason = reason
    }
}
