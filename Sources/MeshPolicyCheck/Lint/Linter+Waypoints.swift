import MeshCore
import MeshKubernetes
import MeshPolicy

/// What lies between a waypoint and the pods behind it.
extension Linter {
    mutating func lintWaypoints() {
        var (refused, open): (Set<String>, Set<String>) = ([], [])
        for service in judge.cluster.services {
            let binding = judge.index.waypoint(of: service)
            if case .broken(let wanted, let reason) = binding {
                add(
                    .error, "waypoint-missing", object: "\(service.kind.rawValue) \(service)", service.meta.position,
                    "it asks for waypoint \(wanted), but \(reason): its traffic goes past every waypoint",
                    "correct the label istio.io/use-waypoint, or the Gateway")
            }
            guard let gateway = binding.gateway, let port = service.ports.first else {
                continue
            }
            let target = FlowTarget.service(service, port)
            let account = judge.index.serviceAccounts(ofWaypoint: gateway)[0]
            let id = judge.index.identity(namespace: gateway.meta.namespace, serviceAccount: account)
            let client = FlowClient(name: "waypoint", identity: id)
            let behind = judge.route(client, target).workloads
            for (workload, number) in behind where refused.insert("\(workload.namespace)/\(workload.appName)").inserted
            {
                lintIdentity(service, gateway, id?.principal ?? account, client, workload, number)
            }
            guard !judge.requestPolicies(gateway, target, PolicyJudge.chain(target)).policies.isEmpty else { continue }
            for (workload, number) in behind where open.insert("\(workload.namespace)/\(workload.appName)").inserted {
                lintBypass(service, gateway, id?.principal ?? account, workload, number)
            }
        }
    }

    /// Behind a waypoint the node proxy sees the waypoint, not the client.
    private mutating func lintIdentity(
        _ service: ClusterService, _ gateway: GatewayObject, _ principal: String, _ client: FlowClient,
        _ workload: ClusterWorkload, _ port: UInt16
    ) {
        let verdict = judge.nodeVerdict(client, via: gateway, to: workload, port)
        guard !verdict.isAllowed else { return }
        add(
            .error, "waypoint-not-allowed", object: "\(workload.kind.rawValue) \(workload)", workload.meta.position,
            "\(service.kind.rawValue) \(service) is reached through waypoint \(gateway.meta), which is refused: "
                + verdict.reason, "allow principals: [\"\(principal)\"] on the workload")
    }

    /// Whoever calls a pod by its address goes past the waypoint, and past what it enforces.
    private mutating func lintBypass(
        _ service: ClusterService, _ gateway: GatewayObject, _ principal: String, _ workload: ClusterWorkload,
        _ port: UInt16
    ) {
        guard judge.index.waypoint(of: workload).gateway == nil else { return }
        let client = clients.first { judge.nodeVerdict($0, via: nil, to: workload, port).isAllowed }
        guard let client else { return }
        add(
            .warning, "waypoint-bypass", object: "\(workload.kind.rawValue) \(workload)", workload.meta.position,
            "the policies of \(service.kind.rawValue) \(service) are enforced by waypoint \(gateway.meta), but "
                + "\(client.name) may call the pod at its own address, past them",
            "allow only principals: [\"\(principal)\"] on the workload")
    }

    /// With all ALLOW policies of a place in dry run it is as if there were none: everything passes.
    mutating func lintDryRuns() {
        let allows = judge.cluster.policies.filter { $0.action == .allow }
        for policy in allows where policy.dryRun && !policy.targets.isEmpty {
            let isAlone = !allows.contains { other in
                !other.dryRun && other.identity.namespace == policy.identity.namespace
                    && other.targets.contains { target in
                        policy.targets.contains { $0.description == target.description }
                    }
            }
            guard isAlone else { continue }
            add(
                .warning, "dry-run-allows-all", policy, .unknown,
                "it is in dry run, and no other ALLOW policy has its targets: meanwhile everything passes there",
                "enforce another ALLOW policy there while this one is tried")
        }
    }
}
