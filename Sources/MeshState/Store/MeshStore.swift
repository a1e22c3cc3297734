import HashTreeCollections
import MeshCore

/// The records of the mesh, as the control plane keeps them: takes changes, gives snapshots.
///
/// Cost: a change copies the paths to what it touches, so one workload among a million is microseconds; a snapshot is
/// constant.
package struct MeshStore: Sendable {
    /// The node that counts as local; `nil`: every workload does.
    package let localNode: String?
    private var workloads = WorkloadIndex()
    private var services = ServiceIndex()
    private var policies = PolicyIndex()
    private var staged: StagedEndpoints = [:]

    package init(localNode: String? = nil) { self.localNode = localNode }

    package var snapshot: MeshSnapshot {
        MeshSnapshot(workloads: workloads, services: services, policies: policies, staged: staged)
    }

    /// Applies the changes in order; endpoints follow at the end, once per service.
    package mutating func apply(_ changes: some Sequence<MeshChange>) -> MeshUpdateResult {
        var result = MeshUpdateResult()
        var endpoints = EndpointChanges()
        for change in changes {
            switch change {
            case .workload(let workload): insert(workload, &endpoints, &result)
            case .service(let service): insert(service)
            case .policy(let policy):
                policies.put(policy)
                result.policiesChanged = true
            case .removeAddress(let name): removeAddress(name, &endpoints, &result)
            case .removePolicy(let key):
                if policies.remove(key) { result.policiesChanged = true } else { result.unknownRemovals.append(key) }
            }
        }
        endpoints.forEach { apply($1, to: $0) }
        result.identitiesToForget.removeAll { workloads.localIdentities[$0] != nil }
        return result
    }

    // MARK: Workloads

    private mutating func insert(
        _ workload: Workload, _ endpoints: inout EndpointChanges, _ result: inout MeshUpdateResult
    ) {
        let local = isLocal(workload)
        if let old = workloads.put(workload, isLocal: local) {
            for key in old.fields.services.keys where workload.fields.services[key] == nil {
                endpoints.append(old.uid, of: key, .remove)
            }
            if let identity = old.identity, isLocal(old) { result.identitiesToForget.append(identity) }
        }
        for (key, ports) in workload.fields.services {
            let endpoint = Endpoint(workloadUID: workload.uid, ports: ports, status: workload.fields.status)
            endpoints.append(workload.uid, of: key, .put(endpoint))
        }
        // A service may name the workload by itself: join it with the new record.
        for key in services.services(naming: workload.uid) where workload.fields.services[key] == nil {
            endpoints.append(workload.uid, of: key, .rejoin)
        }
        result.workloadsInserted = true
        if local, let identity = workload.identity,
            workload.tunnelProtocol == .hbone || workload.fields.nativeTunnel
        {
            result.identitiesToWarm.append(identity)
        }
    }

    private func isLocal(_ workload: Workload) -> Bool { localNode.map { $0 == workload.fields.node } ?? true }

    // MARK: Services

    private mutating func insert(_ service: Service) {
        let key = service.key
        let old = services.find(key)
        var bare = service
        if !service.fields.endpoints.isEmpty {
            var fields = service.fields
            fields.endpoints = [:]
            bare = Service(fields)
        }
        var merged: [String: Endpoint] = [:]
        if let old { for (uid, held) in old.endpoints { merged[uid] = held.endpoint } }
        merged.merge(service.fields.endpoints) { _, new in new }
        if let waiting = staged.removeValue(forKey: key) { for (uid, endpoint) in waiting { merged[uid] = endpoint } }

        let probe = ServiceEntry(service: bare, endpoints: [:])
        var endpoints: TreeDictionary<String, ServiceEndpoint> = [:]
        var sibling: ServiceEndpoint?
        for (uid, endpoint) in merged where probe.admits(endpoint.status) {
            let joined = join(endpoint, uid, bare, sibling: sibling)
            endpoints[uid] = joined
            sibling = joined
        }
        if let old {
            for uid in old.endpoints.keys where endpoints[uid] == nil { services.removeBackend(uid, of: key) }
        }
        services.put(ServiceEntry(service: bare, endpoints: endpoints))
    }

    /// An endpoint of the service with the record of its workload.
    private mutating func join(
        _ endpoint: Endpoint, _ uid: String, _ service: Service, sibling: ServiceEndpoint?
    ) -> ServiceEndpoint {
        let workload = workloads.find(uid: uid)
        if workload?.fields.services[service.key] == nil { services.addBackend(uid, of: service.key) }
        return ServiceEndpoint(endpoint, workload: workload, service: service, sibling: sibling)
    }

    private mutating func apply(_ changes: [EndpointChanges.Entry], to key: NamespacedHostname) {
        guard let entry = services.find(key) else {
            stage(changes, for: key)
            return
        }
        var endpoints = entry.endpoints
        let sibling = endpoints.first?.value
        for (uid, change) in changes.lazy.map({ ($0.uid, $0.change) }) {
            switch change {
            case .put(let endpoint) where entry.admits(endpoint.status):
                endpoints[uid] = join(endpoint, uid, entry.service, sibling: sibling)
            case .put, .remove:
                if endpoints.removeValue(forKey: uid) != nil { services.removeBackend(uid, of: key) }
            case .rejoin:
                guard let held = endpoints[uid] else { continue }
                endpoints[uid] = join(held.endpoint, uid, entry.service, sibling: sibling)
            }
        }
        services.putEndpoints(ServiceEntry(service: entry.service, endpoints: endpoints))
    }

    private mutating func stage(_ changes: [EndpointChanges.Entry], for key: NamespacedHostname) {
        var waiting = staged[key] ?? [:]
        for entry in changes {
            switch entry.change {
            case .put(let endpoint): waiting[entry.uid] = endpoint
            case .remove: waiting[entry.uid] = nil
            case .rejoin: break
            }
        }
        staged[key] = waiting.isEmpty ? nil : waiting
    }

    // MARK: Removal

    private mutating func removeAddress(
        _ name: String, _ endpoints: inout EndpointChanges, _ result: inout MeshUpdateResult
    ) {
        if let workload = workloads.remove(uid: name) {
            for key in workload.fields.services.keys { endpoints.append(name, of: key, .remove) }
            for key in services.services(naming: name) { endpoints.append(name, of: key, .remove) }
            if isLocal(workload), let identity = workload.identity { result.identitiesToForget.append(identity) }
            return
        }
        // A uid has the shape <cluster>/<group>/<kind>/<namespace>/<name>: what follows its first slash has more.
        guard let slash = name.firstIndex(of: "/"), !name[name.index(after: slash)...].contains("/") else {
            if !name.contains("/") { result.unknownRemovals.append(name) }
            return
        }
        guard let key = NamespacedHostname(name), let entry = services.remove(key) else {
            result.unknownRemovals.append(name)
            return
        }
        restage(entry)
    }

    /// Keeps what living workloads said of a removed service, so that it finds its endpoints should it come back.
    private mutating func restage(_ entry: ServiceEntry) {
        var waiting = staged[entry.key] ?? [:]
        for held in entry.endpoints.values where held.workload?.fields.services[entry.key] != nil {
            waiting[held.endpoint.workloadUID] = held.endpoint
        }
        staged[entry.key] = waiting.isEmpty ? nil : waiting
    }
}
