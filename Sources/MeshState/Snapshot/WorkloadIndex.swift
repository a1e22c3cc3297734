import HashTreeCollections
import MeshCore

/// Workloads by uid, address, hostname and, for those of this node, by service account.
struct WorkloadIndex: Sendable {
    private(set) var slots = SlotTable<Workload>()
    private var byUID: TreeDictionary<String, UInt32> = [:]
    /// Standard network mode only; the best ranked first.
    private var byAddress: TreeDictionary<NetworkAddress, SlotList> = [:]
    private var byHostname: TreeDictionary<NamespacedHostname, SlotList> = [:]
    /// Workloads of this node only.
    private var byLocalName: TreeDictionary<LocalName, SlotList> = [:]
    /// How many workloads of this node have an identity.
    private(set) var localIdentities: TreeDictionary<SPIFFEID, Int> = [:]

    /// By what the proxy of a pod knows of it.
    struct LocalName: Hashable, Sendable {
        let name: String
        let namespace: String
        let serviceAccount: String
    }

    // MARK: Lookup

    func find(uid: String) -> Workload? { byUID[uid].flatMap { slots[$0] } }
    func find(_ address: NetworkAddress) -> Workload? { byAddress[address].flatMap { slots[$0.first] } }
    func find(_ hostname: NamespacedHostname) -> Workload? { byHostname[hostname].flatMap { slots[$0.first] } }
    func find(_ name: LocalName) -> Workload? { byLocalName[name].flatMap { slots[$0.first] } }

    // MARK: Change

    /// - Parameter isLocal: whether the workload runs on this node, which follows from its field `node`.
    /// - Returns: the record that was held, or `nil`.
    mutating func put(_ workload: Workload, isLocal: Bool) -> Workload? {
        guard let slot = byUID[workload.uid], let old = slots[slot] else {
            insert(workload, isLocal: isLocal)
            return nil
        }
        if Self.isFoundAlike(old, workload), isOnlyOwner(slot, old) {
            slots.replace(slot, workload)
        } else {
            _ = remove(uid: workload.uid)
            insert(workload, isLocal: isLocal)
        }
        return old
    }

    /// Every index leads to both by the same keys.
    private static func isFoundAlike(_ a: Workload, _ b: Workload) -> Bool {
        let (a, b) = (a.fields, b.fields)
        return a.networkMode == b.networkMode && a.network == b.network && a.addresses == b.addresses
            && a.tunnelProtocol == b.tunnelProtocol && a.hostname == b.hostname && a.namespace == b.namespace
            && a.node == b.node && a.name == b.name && a.serviceAccount == b.serviceAccount
            && a.trustDomain == b.trustDomain
    }

    /// No other workload shares a key with it, so that the order among equals does not matter.
    private func isOnlyOwner(_ slot: UInt32, _ workload: Workload) -> Bool {
        func isAlone(_ list: SlotList?) -> Bool { if case .many? = list { false } else { true } }
        return workload.fields.addresses.allSatisfy { ip in
            isAlone(byAddress[NetworkAddress(network: workload.network, ip: ip)])
        } && isAlone(Self.hostname(workload).flatMap { byHostname[$0] })
            && isAlone(byLocalName[Self.localName(workload)])
    }

    private mutating func insert(_ workload: Workload, isLocal: Bool) {
        let slot = slots.insert(workload)
        byUID[workload.uid] = slot
        if workload.fields.networkMode == .standard {
            for ip in workload.addresses { own(NetworkAddress(network: workload.network, ip: ip), slot, workload) }
        }
        if let hostname = Self.hostname(workload) { Self.append(slot, to: &byHostname, hostname) }
        guard isLocal else { return }
        Self.append(slot, to: &byLocalName, Self.localName(workload))
        if let identity = workload.identity { localIdentities[identity, default: 0] += 1 }
    }

    private mutating func own(_ address: NetworkAddress, _ slot: UInt32, _ workload: Workload) {
        guard let others = byAddress.updateValue(.one(slot), forKey: address) else { return }
        let rank = Self.rank(workload)
        var owners = others.all
        // Before its equals: of equal ranks the last one inserted answers.
        let place = owners.firstIndex { slots[$0].map(Self.rank) ?? 0 <= rank } ?? owners.count
        owners.insert(slot, at: place)
        byAddress[address] = SlotList(owners)
    }

    /// The record that was held, or `nil`.
    mutating func remove(uid: String) -> Workload? {
        guard let slot = byUID.removeValue(forKey: uid), let workload = slots[slot] else { return nil }
        slots.remove(slot)
        if workload.fields.networkMode == .standard {
            for ip in workload.addresses {
                Self.remove(slot, from: &byAddress, NetworkAddress(network: workload.network, ip: ip))
            }
        }
        if let hostname = Self.hostname(workload) { Self.remove(slot, from: &byHostname, hostname) }
        if Self.remove(slot, from: &byLocalName, Self.localName(workload)), let identity = workload.identity,
            let count = localIdentities[identity]
        {
            localIdentities[identity] = count == 1 ? nil : count - 1
        }
        return workload
    }

    private static func append<Key>(_ slot: UInt32, to table: inout TreeDictionary<Key, SlotList>, _ key: Key) {
        guard let others = table.updateValue(.one(slot), forKey: key) else { return }
        table[key] = SlotList(others.all + [slot])
    }

    /// - Returns: whether the slot was there.
    @discardableResult
    private static func remove<Key>(
        _ slot: UInt32, from table: inout TreeDictionary<Key, SlotList>, _ key: Key
    ) -> Bool {
        guard let list = table[key], list.contains(slot) else { return false }
        table[key] = SlotList(list.all.filter { $0 != slot })
        return true
    }

    private static func localName(_ workload: Workload) -> LocalName {
        LocalName(
            name: workload.name, namespace: workload.namespace, serviceAccount: workload.fields.serviceAccount)
    }

    private static func hostname(_ workload: Workload) -> NamespacedHostname? {
        guard !workload.fields.hostname.isEmpty else { return nil }
        return NamespacedHostname(namespace: workload.namespace, hostname: workload.fields.hostname)
    }

    /// Of several workloads at one address: a pod before a mere entry, then one that speaks HBONE.
    ///
    /// istiod's pod uids are `<cluster>//Pod/<namespace>/<name>`; other kinds have an API group between the slashes.
    static func rank(_ workload: Workload) -> Int {
        (workload.uid.contains("//Pod/") ? 2 : 0) + (workload.tunnelProtocol == .hbone ? 1 : 0)
    }
}
