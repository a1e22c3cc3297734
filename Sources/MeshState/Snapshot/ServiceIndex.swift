import HashTreeCollections
import MeshCore

/// Services by key, hostname and virtual address, and by the workloads that they name themselves.
struct ServiceIndex: Sendable {
    private(set) var slots = SlotTable<ServiceEntry>()
    private var byKey: TreeDictionary<NamespacedHostname, UInt32> = [:]
    /// One per namespace.
    private(set) var byHostname: TreeDictionary<String, SlotList> = [:]
    /// Exact addresses; one per namespace.
    private(set) var byVIP: TreeDictionary<NetworkAddress, SlotList> = [:]
    private(set) var byCIDR = CIDRIndex()
    /// Keys of the services that have an endpoint for a workload uid, though the workload does not name them.
    private var namedBackends: TreeDictionary<String, [NamespacedHostname]> = [:]

    func find(_ key: NamespacedHostname) -> ServiceEntry? { byKey[key].flatMap { slots[$0] } }

    func entries(_ list: SlotList?) -> [ServiceEntry] { list?.all.compactMap { slots[$0] } ?? [] }

    /// Keys of the services that name the workload by themselves.
    func services(naming uid: String) -> [NamespacedHostname] { namedBackends[uid] ?? [] }

    // MARK: Change

    /// Puts the entry into every index in place of an older one of the same key. Backends are indexed by `addBackend`
    /// and `removeBackend`.
    mutating func put(_ entry: ServiceEntry) {
        let slot: UInt32
        if let known = byKey[entry.key], let old = slots[known] {
            slot = known
            for vip in old.service.fields.vips where !entry.service.fields.vips.contains(vip) {
                Self.remove(slot, from: &byVIP, vip)
            }
            byCIDR.remove(slot, old)
            slots.replace(slot, entry)
        } else {
            slot = slots.insert(entry)
            byKey[entry.key] = slot
        }
        Self.put(slot, into: &byHostname, entry.service.hostname, slots)
        for vip in entry.service.fields.vips { Self.put(slot, into: &byVIP, vip, slots) }
        byCIDR.insert(slot, entry)
    }

    /// Puts an entry that differs from the one held in its endpoints only: no index names those.
    mutating func putEndpoints(_ entry: ServiceEntry) {
        if let slot = byKey[entry.key] { slots.replace(slot, entry) }
    }

    mutating func remove(_ key: NamespacedHostname) -> ServiceEntry? {
        guard let slot = byKey.removeValue(forKey: key), let entry = slots[slot] else { return nil }
        Self.remove(slot, from: &byHostname, key.hostname)
        for vip in entry.service.fields.vips { Self.remove(slot, from: &byVIP, vip) }
        byCIDR.remove(slot, entry)
        for uid in entry.endpoints.keys { removeBackend(uid, of: key) }
        slots.remove(slot)
        return entry
    }

    /// Notes that the service names a workload that does not name it.
    mutating func addBackend(_ uid: String, of key: NamespacedHostname) {
        let held = namedBackends[uid] ?? []
        if !held.contains(key) { namedBackends[uid] = held + [key] }
    }

    mutating func removeBackend(_ uid: String, of key: NamespacedHostname) {
        guard let held = namedBackends[uid], held.contains(key) else { return }
        namedBackends[uid] = held.count == 1 ? nil : held.filter { $0 != key }
    }

    /// Takes the place of a service of the same namespace.
    private static func put<Key>(
        _ slot: UInt32, into table: inout TreeDictionary<Key, SlotList>, _ key: Key, _ slots: SlotTable<ServiceEntry>
    ) {
        guard let others = table.updateValue(.one(slot), forKey: key) else { return }
        let namespace = slots[slot]?.service.namespace
        var list = others.all
        if let index = list.firstIndex(where: { slots[$0]?.service.namespace == namespace }) {
            list[index] = slot
        } else {
            list.append(slot)
        }
        table[key] = SlotList(list)
    }

    private static func remove<Key>(
        _ slot: UInt32, from table: inout TreeDictionary<Key, SlotList>, _ key: Key
    ) {
        guard let list = table[key], list.contains(slot) else { return }
        table[key] = SlotList(list.all.filter { $0 != slot })
    }
}
