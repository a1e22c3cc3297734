import HashTreeCollections
package import MeshCore

/// What an address or a name of the mesh stands for.
package enum MeshAddress: Sendable {
    case workload(Workload)
    case service(ServiceEntry)
}

/// Everything that the data path knows of the mesh at one moment.
///
/// Immutable, so a connection reads one snapshot from its first to its last decision. Made by `MeshStore`; two
/// snapshots share what did not change.
package final class MeshSnapshot: Sendable {
    let workloads: WorkloadIndex
    let services: ServiceIndex
    let policies: PolicyIndex
    let staged: StagedEndpoints

    init(workloads: WorkloadIndex, services: ServiceIndex, policies: PolicyIndex, staged: StagedEndpoints) {
        self.workloads = workloads
        self.services = services
        self.policies = policies
        self.staged = staged
    }

    /// A mesh without records.
    package static let empty = MeshSnapshot(
        workloads: WorkloadIndex(), services: ServiceIndex(), policies: PolicyIndex(), staged: [:])

    package var workloadCount: Int { workloads.slots.count }
    package var serviceCount: Int { services.slots.count }
    package var policyCount: Int { policies.byKey.count }
    package var allWorkloads: some Sequence<Workload> { workloads.slots.all }
    package var allServices: some Sequence<ServiceEntry> { services.slots.all }
    package var allPolicies: some Sequence<AuthorizationPolicy> { policies.byKey.values }
    /// Endpoints of services that are not known yet, by service, then by workload uid.
    package var stagedEndpoints: [NamespacedHostname: [String: Endpoint]] {
        var result: [NamespacedHostname: [String: Endpoint]] = [:]
        for (key, endpoints) in staged { result[key] = Dictionary(uniqueKeysWithValues: endpoints.map { ($0, $1) }) }
        return result
    }
    /// Changes whenever a policy does.
    package var policyRevision: UInt64 { policies.revision }

    // MARK: Workloads

    package func workload(uid: String) -> Workload? { workloads.find(uid: uid) }

    /// The workload at an address; of several, a pod before another kind, then one that speaks HBONE, then the last.
    /// Workloads on the host's network are not found by address.
    package func findWorkload(network: String, ip: IPAddress) -> Workload? {
        workloads.find(NetworkAddress(network: network, ip: ip))
    }

    /// A workload of this node: how the proxy of a pod finds the record of that pod.
    package func findLocalWorkload(name: String, namespace: String, serviceAccount: String) -> Workload? {
        workloads.find(
            WorkloadIndex.LocalName(name: name, namespace: namespace, serviceAccount: serviceAccount))
    }

    // MARK: Services

    package func service(_ key: NamespacedHostname) -> ServiceEntry? { services.find(key) }

    /// The service that a client of `clientNamespace` reaches at a virtual address: an exact one that it may see, else
    /// the best block. `nil` as namespace means unknown, which may see all.
    package func findService(vip ip: IPAddress, network: String, clientNamespace: String?) -> ServiceEntry? {
        let address = NetworkAddress(network: network, ip: ip)
        switch services.byVIP[address] {
        case .one(let slot):
            if let entry = services.slots[slot], entry.isVisible(from: clientNamespace) { return entry }
        case .many(let list):
            let entries = list.lazy.compactMap { self.services.slots[$0] }
            if let entry = ServiceEntry.choose(among: entries, clientNamespace: clientNamespace) { return entry }
        case nil: break
        }
        return services.find(block: address, clientNamespace: clientNamespace)
    }

    /// Every service at a virtual address, exact or by block, whoever may see it.
    package func services(atVIP ip: IPAddress, network: String) -> [ServiceEntry] {
        let address = NetworkAddress(network: network, ip: ip)
        var found = services.entries(services.byVIP[address])
        services.byCIDR.forEach(covering: address) { slot, _ in found += services.entries(.one(slot)) }
        return found
    }

    /// The service that a client of `clientNamespace` means by a hostname.
    /// - Parameter preferredNamespace: breaks ties that neither the client's namespace nor a canonical one decides.
    package func findService(
        hostname: String, clientNamespace: String?, preferredNamespace: String? = nil
    ) -> ServiceEntry? {
        switch services.byHostname[hostname] {
        case .one(let slot): services.slots[slot].flatMap { $0.isVisible(from: clientNamespace) ? $0 : nil }
        case .many(let list):
            ServiceEntry.choose(
                among: list.lazy.compactMap { self.services.slots[$0] }, clientNamespace: clientNamespace,
                preferredNamespace: preferredNamespace)
        case nil: nil
        }
    }

    /// The services that have an endpoint for a workload, sorted by key.
    package func services(backedBy uid: String) -> [ServiceEntry] {
        var keys = services.services(naming: uid)
        if let named = workloads.find(uid: uid)?.fields.services.keys {
            keys += keys.isEmpty ? Array(named) : named.filter { !keys.contains($0) }
        }
        if keys.count > 1 { keys.sort { ($0.namespace, $0.hostname) < ($1.namespace, $1.hostname) } }
        return keys.compactMap { services.find($0) }.filter { $0.endpoints[uid] != nil }
    }

    // MARK: Both

    /// What an address stands for; a workload comes before a service.
    package func findAddress(network: String, ip: IPAddress, clientNamespace: String?) -> MeshAddress? {
        if let workload = findWorkload(network: network, ip: ip) { return .workload(workload) }
        return findService(vip: ip, network: network, clientNamespace: clientNamespace).map { .service($0) }
    }

    /// Where a connection to an address is carried; a service comes before a workload.
    package func findUpstream(network: String, ip: IPAddress, clientNamespace: String?) -> MeshAddress? {
        if let entry = findService(vip: ip, network: network, clientNamespace: clientNamespace) {
            return .service(entry)
        }
        return findWorkload(network: network, ip: ip).map { .workload($0) }
    }

    /// The service of that key, else a workload of that hostname and namespace.
    package func findHostname(_ name: NamespacedHostname) -> MeshAddress? {
        if let entry = services.find(name) { return .service(entry) }
        return workloads.find(name).map { .workload($0) }
    }

    // MARK: Policies

    package func policy(_ key: String) -> AuthorizationPolicy? { policies.byKey[key] }

    /// The policies that hold in a namespace, or in the whole mesh for "".
    package func policies(inNamespace namespace: String) -> PolicyGroup {
        policies.byNamespace[namespace] ?? PolicyGroup()
    }

    /// The selector policies that a workload names, and the names among them that nobody sent.
    ///
    /// With those of its namespace and of the mesh, these are all that hold for it.
    package func policies(selecting workload: Workload) -> (found: [AuthorizationPolicy], missing: [String]) {
        var found: [AuthorizationPolicy] = []
        var missing: [String] = []
        for key in workload.fields.authorizationPolicies {
            if let policy = policies.byKey[key] { found.append(policy) } else { missing.append(key) }
        }
        return (found, missing)
    }
}
