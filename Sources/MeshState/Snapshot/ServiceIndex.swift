import HashTreeCollections
import MeshCore

/// Services by key, hostname and virtual address, and by the workloads behind them.
struct ServiceIndex: Sendable {
    private(set) var byKey: TreeDictionary<NamespacedHostname, ServiceEntry> = [:]
    /// One per namespace.
    private(set) var byHostname: TreeDictionary<String, FewOrMany<ServiceEntry>> = [:]
    /// Exact addresses; one per namespace.
    private(set) var byVIP: TreeDictionary<NetworkAddress, FewOrMany<ServiceEntry>> = [:]
    private(set) var byCIDR = CIDRIndex()
    /// Keys of the services that have an endpoint for a workload uid.
    private(set) var byBackend: TreeDictionary<String, FewOrMany<NamespacedHostname>> = [:]

    /// Puts the entry into every index in place of an older one of the same key. Endpoints are indexed by
    /// `addBackend` and `removeBackend`.
    mutating func put(_ entry: ServiceEntry) {
        if let old = byKey[entry.key] {
            for vip in old.service.fields.vips where !entry.service.fields.vips.contains(vip) { drop(old, from: vip) }
            if !old.service.fields.cidrVIPs.isEmpty { byCIDR.remove(old) }
        }
        byKey[entry.key] = entry
        Self.replace(&byHostname, entry.service.hostname, entry)
        for vip in entry.service.fields.vips { Self.replace(&byVIP, vip, entry) }
        if !entry.service.fields.cidrVIPs.isEmpty { byCIDR.insert(entry) }
    }

    /// Puts an entry that differs from the one held in its endpoints only.
    mutating func putEndpoints(_ entry: ServiceEntry) {
        byKey[entry.key] = entry
        Self.replace(&byHostname, entry.service.hostname, entry)
        // Another service of the namespace may have taken the address since.
        for vip in entry.service.fields.vips where byVIP[vip]?.all.contains(where: { $0.key == entry.key }) ?? false {
            Self.replace(&byVIP, vip, entry)
        }
        if !entry.service.fields.cidrVIPs.isEmpty { byCIDR.insert(entry) }
    }

    mutating func remove(_ key: NamespacedHostname) -> ServiceEntry? {
        guard let entry = byKey.removeValue(forKey: key) else { return nil }
        byHostname[key.hostname] = byHostname[key.hostname].flatMap { FewOrMany($0.all.filter { $0.key != key }) }
        for vip in entry.service.fields.vips { drop(entry, from: vip) }
        if !entry.service.fields.cidrVIPs.isEmpty { byCIDR.remove(entry) }
        for uid in entry.endpoints.keys { removeBackend(uid, of: key) }
        return entry
    }

    mutating func addBackend(_ uid: String, of key: NamespacedHostname) {
        var list = byBackend[uid]?.all ?? []
        guard !list.contains(key) else { return }
        list.append(key)
        byBackend[uid] = FewOrMany(list)
    }

    mutating func removeBackend(_ uid: String, of key: NamespacedHostname) {
        byBackend[uid] = byBackend[uid].flatMap { FewOrMany($0.all.filter { $0 != key }) }
    }

    private mutating func drop(_ entry: ServiceEntry, from vip: NetworkAddress) {
        byVIP[vip] = byVIP[vip].flatMap { FewOrMany($0.all.filter { $0.key != entry.key }) }
    }

    private static func replace<Key>(
        _ table: inout TreeDictionary<Key, FewOrMany<ServiceEntry>>, _ key: Key, _ entry: ServiceEntry
    ) {
        switch table[key] {
        case nil: table[key] = .one(entry)
        case .one(let held) where held.service.namespace == entry.service.namespace: table[key] = .one(entry)
        case .some(let held):
            var list = held.all
            if let index = list.firstIndex(where: { $0.service.namespace == entry.service.namespace }) {
                list[index] = entry
            } else {
                list.append(entry)
            }
            table[key] = .many(list)
        }
    }
}
