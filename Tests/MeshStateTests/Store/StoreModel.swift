import MeshCore
import MeshState

/// Few names, so that records meet at addresses, hostnames and services.
enum Names {
    static let uids = ["a", "b", "c", "k//Pod/ns/p", "k//Pod/ns/q"]
    static let ips = ["10.0.0.1", "10.0.0.2", "10.1.0.1", "fd00::1"]
    static let namespaces = ["ns", "other"]
    static let hostnames = ["x.test", "y.test"]
    static let vips = ["10.0.0.1", "10.2.0.1", "10.2.0.2"]
    static let blocks = ["10.0.0.0/8", "10.2.0.0/16", "10.2.9.9/16", "fd00::/8"]
    static let names = ["n", "m"]
    static let addresses = vips + ips + ["10.9.9.9"]
}

/// A store without an index.
struct StoreModel {
    let localNode: String
    /// In the order in which they came, the last one last.
    var workloads: [Workload] = []
    /// In the order of their first coming.
    var services: [Service] = []
    var endpoints: [NamespacedHostname: [String: Endpoint]] = [:]
    var staged: [NamespacedHostname: [String: Endpoint]] = [:]
    /// Services at an address, one of a namespace.
    var owners: [NetworkAddress: [NamespacedHostname]] = [:]

    init(localNode: String) { self.localNode = localNode }

    var localIdentities: Set<SPIFFEID> {
        Set(workloads.filter { $0.fields.node == localNode }.compactMap(\.identity))
    }

    func workload(_ uid: String) -> Workload? { workloads.first { $0.uid == uid } }

    mutating func apply(_ change: MeshChange) {
        switch change {
        case .workload(let workload): put(workload)
        case .service(let service): put(service)
        case .removeAddress(let name):
            if let workload = workload(name) {
                workloads.removeAll { $0 === workload }
                for key in endpoints.keys { endpoints[key]?[name] = nil }
                for key in staged.keys { unstage(name, key) }
            } else if let key = NamespacedHostname(name) {
                remove(key)
            }
        case .policy, .removePolicy: break
        }
    }

    private mutating func unstage(_ uid: String, _ key: NamespacedHostname) {
        staged[key]?[uid] = nil
        if staged[key]?.isEmpty ?? false { staged[key] = nil }
    }

    private mutating func put(_ workload: Workload) {
        let uid = workload.uid
        if let old = self.workload(uid) {
            for key in old.fields.services.keys where workload.fields.services[key] == nil {
                endpoints[key]?[uid] = nil
                unstage(uid, key)
            }
        }
        workloads.removeAll { $0.uid == uid }
        workloads.append(workload)
        for (key, ports) in workload.fields.services {
            let endpoint = Endpoint(workloadUID: uid, ports: ports, status: workload.fields.status)
            if let service = services.first(where: { $0.key == key }) {
                endpoints[key, default: [:]][uid] = Self.admits(service, endpoint) ? endpoint : nil
            } else {
                staged[key, default: [:]][uid] = endpoint
            }
        }
    }

    private static func admits(_ service: Service, _ endpoint: Endpoint) -> Bool {
        endpoint.status == .healthy || service.fields.loadBalancer?.healthPolicy == .allowAll
    }

    private mutating func put(_ service: Service) {
        let key = service.key
        var merged = endpoints[key] ?? [:]
        merged.merge(service.fields.endpoints) { $1 }
        merged.merge(staged.removeValue(forKey: key) ?? [:]) { $1 }
        endpoints[key] = merged.filter { Self.admits(service, $1) }
        if let index = services.firstIndex(where: { $0.key == key }) {
            for vip in services[index].fields.vips where !service.fields.vips.contains(vip) {
                owners[vip]?.removeAll { $0 == key }
            }
            services[index] = service
        } else {
            services.append(service)
        }
        for vip in service.fields.vips {
            if let index = owners[vip]?.firstIndex(where: { $0.namespace == key.namespace }) {
                owners[vip]?[index] = key
            } else {
                owners[vip, default: []].append(key)
            }
        }
    }

    private mutating func remove(_ key: NamespacedHostname) {
        services.removeAll { $0.key == key }
        for vip in owners.keys { owners[vip]?.removeAll { $0 == key } }
        let living = (endpoints.removeValue(forKey: key) ?? [:]).filter {
            workload($0.key)?.fields.services[key] != nil
        }
        if !living.isEmpty { staged[key, default: [:]].merge(living) { $1 } }
    }

    // MARK: Answers

    var report: [String] {
        var lines: [String] = ["\(workloads.count) workloads, \(services.count) services"]
        lines += workloads.map { "workload \($0.uid) \($0.fields.capacity)" }
        lines += Names.uids.map { uid in
            let keys = services.map(\.key).filter { endpoints[$0]?[uid] != nil }
            return "uid \(uid) \(workload(uid)?.fields.capacity ?? 0) backs \(keys.map { "\($0)" }.sorted())"
        }
        lines += Names.ips.map { "ip \($0) \(owner($0)?.uid ?? "none")" }
        for namespace in Names.namespaces {
            for name in Names.names {
                let own = workloads.first {
                    $0.fields.node == localNode && $0.name == name && $0.namespace == namespace
                }
                lines.append("own \(namespace) \(name) \(own?.uid ?? "none")")
            }
            let found = workloads.first { $0.fields.hostname == "w.test" && $0.namespace == namespace }
            if let found { lines.append("hostname \(namespace) \(found.uid)") }
        }
        lines += services.map { service in
            let held = (endpoints[service.key] ?? [:]).map { uid, endpoint in
                let workload = workload(uid)
                return "\(uid) \(endpoint.ports) \(workload?.fields.capacity ?? 0) "
                    + "\([workload?.identity].compactMap { $0 }.map { "\($0)" })"
            }
            return "service \(service.key) \(service.fields.vips) \(held.sorted())"
        }
        for hostname in Names.hostnames {
            let candidates = services.filter { $0.hostname == hostname }
            let found = candidates.last { $0.fields.canonical } ?? candidates.first
            lines.append("hostname \(hostname) \(found.map { "\($0.key)" } ?? "none")")
        }
        lines += Names.addresses.map { "vip \($0) \(keys(atVIP: $0).sorted())" }
        for (key, waiting) in staged { lines += waiting.map { "staged \(key) \($0) \($1.ports)" } }
        return lines.sorted()
    }

    private func owner(_ text: String) -> Workload? {
        func rank(_ workload: Workload) -> Int {
            (workload.uid.contains("//Pod/") ? 2 : 0) + (workload.tunnelProtocol == .hbone ? 1 : 0)
        }
        let ip = IPAddress(text)
        let all = workloads.filter { $0.fields.networkMode == .standard && $0.addresses.contains { $0 == ip } }
        let best = all.map(rank).max()
        return all.last { rank($0) == best }
    }

    private func keys(atVIP text: String) -> [String] {
        guard let ip = IPAddress(text) else { return [] }
        var keys = (owners[NetworkAddress(network: "", ip: ip)] ?? []).map { "\($0)" }
        for service in services {
            // The same block may be written twice, with different host bits.
            let lengths = Set(service.fields.cidrVIPs.filter { $0.cidr.contains(ip) }.map(\.cidr.prefixLength))
            keys += lengths.map { _ in "\(service.key)" }
        }
        return keys
    }
}
