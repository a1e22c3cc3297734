package import MeshCore

/// Look-ups over a cluster model: who is behind a service or an address, and what each workload is called.
package struct ClusterIndex: Sendable {
    package let cluster: ClusterModel
    private let byNamespace: [String: [Int]]
    private let byAddress: [IPAddress: Int]
    private let serviceByAddress: [IPAddress: Int]
    private let serviceByName: [String: Int]
    private let serviceByHostname: [String: Int]
    private let gatewayByName: [String: Int]
    private let classByName: [String: Int]

    package init(_ cluster: ClusterModel) {
        self.cluster = cluster
        var byNamespace: [String: [Int]] = [:]
        var byAddress: [IPAddress: Int] = [:]
        for (index, workload) in cluster.workloads.enumerated() {
            byNamespace[workload.namespace, default: []].append(index)
            // Pods of the host network share the node's address, which says nothing of who they are.
            guard !workload.hostNetwork else { continue }
            for ip in workload.addresses { byAddress[ip] = index }
        }
        var (serviceByAddress, serviceByName, serviceByHostname) = (
            [IPAddress: Int](), [String: Int](), [String: Int]()
        )
        for (index, service) in cluster.services.enumerated() {
            for ip in service.addresses { serviceByAddress[ip] = index }
            for name in service.hostnames { serviceByHostname[name.lowercased()] = index }
            if service.kind == .service || serviceByName[service.description] == nil {
                serviceByName[service.description] = index
            }
        }
        self.byNamespace = byNamespace
        self.byAddress = byAddress
        self.serviceByAddress = serviceByAddress
        self.serviceByName = serviceByName
        self.serviceByHostname = serviceByHostname
        gatewayByName = Dictionary(
            cluster.gateways.enumerated().map { ($1.meta.description, $0) }, uniquingKeysWith: { first, _ in first })
        classByName = Dictionary(
            cluster.gatewayClasses.enumerated().map { ($1.meta.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package var settings: MeshSettings { cluster.settings }

    package func workloads(in namespace: String) -> [ClusterWorkload] {
        (byNamespace[namespace] ?? []).map { cluster.workloads[$0] }
    }

    package func workload(at ip: IPAddress) -> ClusterWorkload? { byAddress[ip].map { cluster.workloads[$0] } }
    package func service(at ip: IPAddress) -> ClusterService? { serviceByAddress[ip].map { cluster.services[$0] } }
    package func service(hostname: String) -> ClusterService? {
        serviceByHostname[hostname.lowercased()].map { cluster.services[$0] }
    }
    /// A Service wins over a ServiceEntry of the same name.
    package func service(namespace: String, name: String) -> ClusterService? {
        serviceByName["\(namespace)/\(name)"].map { cluster.services[$0] }
    }
    package func gateway(namespace: String, name: String) -> GatewayObject? {
        gatewayByName["\(namespace)/\(name)"].map { cluster.gateways[$0] }
    }
    package func gatewayClass(_ name: String) -> GatewayClassObject? {
        classByName[name].map { cluster.gatewayClasses[$0] }
    }
    package func labels(ofNamespace namespace: String) -> [String: String] {
        cluster.namespaces[namespace]?.meta.labels ?? [:]
    }

    /// Workloads with that name: of the object itself, or of what deployed it.
    package func workloads(namespace: String, name: String) -> [ClusterWorkload] {
        let all = workloads(in: namespace)
        let exact = all.filter { $0.name == name }
        return exact.isEmpty ? all.filter { $0.appName == name } : exact
    }

    /// The workloads that take a service's traffic.
    package func endpoints(of service: ClusterService) -> [ClusterWorkload] {
        if let selector = service.selector {
            return workloads(in: service.namespace).filter { workload in
                selector.allSatisfy { workload.meta.labels[$0.key] == $0.value }
            }
        }
        return service.endpoints.compactMap { workload(at: $0) }
    }

    /// The port of the pod that a port of the service leads to; `nil` when the pod has no port of that name.
    package static func targetPort(of port: ClusterService.Port, in workload: ClusterWorkload) -> UInt16? {
        switch port.target {
        case .number(let number): number
        case .name(let name): workload.ports.first { $0.name == name }?.port
        }
    }

    /// `nil` when trust domain, namespace and account do not make an identity.
    package func identity(of workload: ClusterWorkload) -> SPIFFEID? {
        identity(namespace: workload.namespace, serviceAccount: workload.serviceAccount)
    }

    package func identity(namespace: String, serviceAccount: String) -> SPIFFEID? {
        (try? TrustDomain(parsing: settings.trustDomain)).flatMap {
            try? SPIFFEID(trustDomain: $0, namespace: namespace, serviceAccount: serviceAccount)
        }
    }
}
