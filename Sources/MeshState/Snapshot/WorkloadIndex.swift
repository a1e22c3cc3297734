import HashTreeCollections
import MeshCore

/// Workloads by uid, address, hostname and, for those of this node, by service account.
struct WorkloadIndex: Sendable {
    private(set) var byUID: TreeDictionary<String, Workload> = [:]
    /// Standard network mode only; the best ranked first.
    private(set) var byAddress: TreeDictionary<NetworkAddress, FewOrMany<Workload>> = [:]
    private(set) var byHostname: TreeDictionary<NamespacedHostname, FewOrMany<Workload>> = [:]
    /// Workloads of this node only.
    private(set) var byLocalName: TreeDictionary<LocalName, FewOrMany<Workload>> = [:]
    /// How many workloads of this node have an identity.
    private(set) var localIdentities: TreeDictionary<SPIFFEID, Int> = [:]

    /// By what the proxy of a pod knows of it.
    struct LocalName: Hashable, Sendable {
        let name: String
        let namespace: String
        let serviceAccount: String
    }

    /// - Parameter local: the workload runs on this node.
    /// - Precondition: no record of that uid is held.
    mutating func insert(_ workload: Workload, local: Bool) {
        byUID[workload.uid] = workload
        if workload.fields.networkMode == .standard {
            let rank = Self.rank(workload)
            for ip in workload.addresses {
                Self.edit(&byAddress, NetworkAddress(network: workload.network, ip: ip)) { owners in
                    // Before its equals: of equal ranks the last one inserted answers.
                    owners.insert(workload, at: owners.firstIndex { Self.rank($0) <= rank } ?? owners.count)
                }
            }
        }
        if let hostname = Self.hostname(workload) { Self.edit(&byHostname, hostname) { $0.append(workload) } }
        guard local else { return }
        Self.edit(&byLocalName, Self.localName(workload)) { $0.append(workload) }
        if let identity = workload.identity { localIdentities[identity, default: 0] += 1 }
    }

    /// The record that was held, or `nil`.
    mutating func remove(uid: String) -> Workload? {
        guard let workload = byUID.removeValue(forKey: uid) else { return nil }
        if workload.fields.networkMode == .standard {
            for ip in workload.addresses {
                Self.edit(&byAddress, NetworkAddress(network: workload.network, ip: ip)) {
                    $0.removeAll { $0 === workload }
                }
            }
        }
        if let hostname = Self.hostname(workload) {
            Self.edit(&byHostname, hostname) { $0.removeAll { $0 === workload } }
        }
        if byLocalName[Self.localName(workload)]?.all.contains(where: { $0 === workload }) ?? false {
            Self.edit(&byLocalName, Self.localName(workload)) { $0.removeAll { $0 === workload } }
            if let identity = workload.identity, let count = localIdentities[identity] {
                localIdentities[identity] = count == 1 ? nil : count - 1
            }
        }
        return workload
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

    private static func edit<Key>(
        _ table: inout TreeDictionary<Key, FewOrMany<Workload>>, _ key: Key, _ change: (inout [Workload]) -> Void
    ) {
        var list = table[key]?.all ?? []
        change(&list)
        table[key] = FewOrMany(list)
    }
}
