import MeshCore
import MeshKubernetes
import MeshPolicy

/// Ports and addresses: node proxies see those of the pod, waypoints those of the service.
extension Linter {
    mutating func lintPlaces(_ policy: SecurityPolicy) {
        for rule in policy.rules {
            for operation in rule.to {
                lintPorts(operation.ports.values + operation.ports.notValues, operation.position, policy)
            }
            for condition in rule.when {
                let texts = condition.values.values + condition.values.notValues
                switch condition.attribute {
                case .destinationPort:
                    lintPorts(texts.compactMap { SocketAddress.port($0) }, condition.position, policy)
                case .destinationIP: lintAddresses(texts.compactMap { CIDR($0) }, condition.position, policy)
                default: break
                }
            }
        }
    }

    private mutating func lintPorts(_ ports: [UInt16], _ position: FilePosition, _ policy: SecurityPolicy) {
        if ports.isEmpty { return }
        if policy.targets.isEmpty {
            let workloads = selected(policy.identity.namespace, policy.selector)
            for port in ports {
                guard let (service, target) = serviceOnly(port, workloads) else { continue }
                add(
                    .error, "service-port-at-l4", policy, position,
                    "port \(port) is that of Service \(service); node proxies compare the port of the pod, \(target)",
                    "write \"\(target)\"")
            }
            return
        }
        for service in services(policy) {
            for port in ports where !service.ports.contains(where: { $0.port == port }) {
                let known = service.ports.map { String($0.port) }.joined(separator: ", ")
                let isPods = service.ports.contains { $0.target == .number(port) }
                add(
                    .error, "pod-port-at-waypoint", policy, position,
                    "\(service.kind.rawValue) \(service) has no port \(port)"
                        + (isPods ? ": that is the port of its pods, and a waypoint compares that of the service" : ""),
                    "write a port of the service: \(known)")
            }
        }
    }

    private mutating func lintAddresses(_ blocks: [CIDR], _ position: FilePosition, _ policy: SecurityPolicy) {
        for block in blocks where block.prefixLength == (block.address.isV4 ? 32 : 128) {
            if policy.targets.isEmpty {
                guard let service = judge.index.service(at: block.address) else { continue }
                add(
                    .error, "service-address-at-l4", policy, position,
                    "\(block.address) is the address of Service \(service); node proxies compare that of the pod",
                    "select the pods by labels instead, or attach the policy to the service by targetRefs")
            } else if let workload = judge.index.workload(at: block.address), !services(policy).isEmpty {
                add(
                    .error, "pod-address-at-waypoint", policy, position,
                    "\(block.address) is the address of pod \(workload); a waypoint compares that of the service",
                    "remove the condition, or move it to a policy with a selector")
            }
        }
    }

    // MARK: PeerAuthentication

    mutating func lint(_ policy: PeerAuthentication) {
        let (object, place) = ("PeerAuthentication \(policy.identity)", policy.identity.position)
        let isRoot = policy.identity.namespace == judge.cluster.settings.rootNamespace
        guard case .labels = policy.selector else { return }
        if isRoot {
            add(
                .error, "not-enforced", object: object, place,
                "selectors in the root namespace count for nothing in a PeerAuthentication",
                "remove the selector to mean the mesh, or move it to the namespace of the pods")
            return
        }
        let workloads = selected(policy.identity.namespace, policy.selector)
        for port in policy.portModes.keys.sorted() {
            guard let (service, target) = serviceOnly(port, workloads) else { continue }
            add(
                .error, "service-port-at-l4", object: object, place,
                "portLevelMtls \(port) is the port of Service \(service); node proxies compare the port of the pod, "
                    + "\(target)", "write \(target)")
        }
        let inherited = judge.nodes.conversion.inheritedMode(namespace: policy.identity.namespace)
        let exempt = policy.portModes.filter { $0.value == .disable || $0.value == .permissive }
        if policy.mode == .unset, inherited == .strict, !exempt.isEmpty, !exempt.values.contains(.permissive) {
            add(
                .warning, "disabled-port-stays-strict", object: object, place,
                "ports that are only DISABLE do not count under an inherited STRICT: they stay strict",
                "write PERMISSIVE for the ports, or give the policy a mode of its own")
        }
    }

    // MARK: Look-ups

    /// The workloads that node proxies enforce a policy for.
    private func selected(_ namespace: String, _ selector: WorkloadSelector) -> [ClusterWorkload] {
        let isRoot = namespace == judge.cluster.settings.rootNamespace
        let all = isRoot ? judge.cluster.workloads : judge.index.workloads(in: namespace)
        return all.filter { selector.selects($0.meta.labels) }
    }

    /// A service that has a port which none of its pods has, and the port of the pods behind it.
    private func serviceOnly(_ port: UInt16, _ workloads: [ClusterWorkload]) -> (service: String, target: UInt16)? {
        if workloads.contains(where: { $0.ports.contains { $0.port == port } }) { return nil }
        for namespace in Set(workloads.map(\.namespace)).sorted() {
            for service in servicesByNamespace[namespace] ?? [] {
                guard let selector = service.selector, !selector.isEmpty,
                    let found = service.ports.first(where: { $0.port == port })
                else { continue }
                for workload in workloads where workload.namespace == namespace {
                    guard selector.allSatisfy({ workload.meta.labels[$0.key] == $0.value }),
                        let target = ClusterIndex.targetPort(of: found, in: workload), target != port
                    else { continue }
                    return (service.description, target)
                }
            }
        }
        return nil
    }

    /// The services that a policy is attached to by name.
    private func services(_ policy: SecurityPolicy) -> [ClusterService] {
        policy.targets.compactMap { target in
            let kind: ClusterService.Kind
            switch target.kind {
            case .service: kind = .service
            case .serviceEntry: kind = .serviceEntry
            case .gateway, .gatewayClass: return nil
            }
            let found = judge.index.service(namespace: policy.identity.namespace, name: target.name)
            return found?.kind == kind ? found : nil
        }
    }
}
