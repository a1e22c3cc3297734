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

    /// Endpoint changes of one batch: by service and workload uid, `nil` to remove. The last word of a batch counts.
    private typealias EndpointChanges = [NamespacedHostname: [String: Endpoint?]]

    /// Applies the changes in order; endpoints follow at the end, once per service.
    package mutating func apply(_ changes: some Sequence<MeshChange>) -> MeshUpdateResult {
        var result = MeshUpdateResult()
        var endpoints: EndpointChanges = [:]
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
        for (key, changes) in endpoints { apply(changes, to: key) }
        result.identitiesToForget.removeAll { workloads.localIdentities[$0] != nil }
        return result
    }

    // MARK: Workloads

    private mutating func insert(
        _ workload: Workload, _ endpoints: inout EndpointChanges, _ result: inout MeshUpdateResult
    ) {
        if let old = workloads.remove(uid: workload.uid) {
            for key in old.fields.services.keys { endpoints[key, default: [:]][old.uid] = .some(nil) }
            if let identity = old.identity, isLocal(old) { result.identitiesToForget.append(identity) }
        }
        let local = isLocal(workload)
        workloads.insert(workload, local: local)
        for (key, ports) in workload.fields.services {
            let endpoint = Endpoint(workloadUID: workload.uid, ports: ports, status: workload.fields.status)
            endpoints[key, default: [:]][workload.uid] = endpoint
        }
        // A service may name the workload by itself: join it with the new record.
        for entry in entries(backedBy: workload.uid) where workload.fields.services[entry.key] == nil {
            guard endpoints[entry.key]?[workload.uid] == nil, let held = entry.endpoints[workload.uid] else { continue }
            endpoints[entry.key, default: [:]][workload.uid] = held.endpoint
        }
        result.workloadsInserted = true
        if local, let identity = workload.identity,
            workload.tunnelProtocol == .hbone || workload.fields.nativeTunnel
        {
            result.identitiesToWarm.append(identity)
        }
    }

    private func entries(backedBy uid: String) -> [ServiceEntry] {
        services.byBackend[uid]?.all.compactMap { services.byKey[$0] } ?? []
    }

    private func isLocal(_ workload: Workload) -> Bool { localNode.map { $0 == workload.fields.node } ?? true }

    // MARK: Services

    private mutating func insert(_ service: Service) {
        let key = service.key
        let old = services.byKey[key]
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
        for (uid, endpoint) in merged where probe.admits(endpoint.status) {
            endpoints[uid] = ServiceEndpoint(endpoint, workload: workloads.byUID[uid], service: bare)
            services.addBackend(uid, of: key)
        }
        if let old {
            for uid in old.endpoints.keys where endpoints[uid] == nil { services.removeBackend(uid, of: key) }
        }
        services.put(ServiceEntry(service: bare, endpoints: endpoints))
    }

    private mutating func apply(_ changes: [String: Endpoint?], to key: NamespacedHostname) {
        guard let entry = services.byKey[key] else {
            var waiting = staged[key] ?? [:]
            for (uid, endpoint) in changes { waiting[uid] = endpoint }
            staged[key] = waiting.isEmpty ? nil : waiting
            return
        }
        var endpoints = entry.endpoints
        for (uid, endpoint) in changes {
            if let endpoint, entry.admits(endpoint.status) {
                endpoints[uid] = ServiceEndpoint(endpoint, workload: workloads.byUID[uid], service: entry.service)
                services.addBackend(uid, of: key)
            } else if endpoints.removeValue(forKey: uid) != nil {
                services.removeBackend(uid, of: key)
            }
        }
        services.putEndpoints(ServiceEntry(service: entry.service, endpoints: endpoints))
    }

    // MARK: Removal

    private mutating func removeAddress(
        _ name: String, _ endpoints: inout EndpointChanges, _ result: inout MeshUpdateResult
    ) {
        if let workload = workloads.remove(uid: name) {
            for key in workload.fields.services.keys { endpoints[key, default: [:]][name] = .some(nil) }
            for entry in entries(backedBy: name) { endpoints[entry.key, default: [:]][name] = .some(nil) }
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
