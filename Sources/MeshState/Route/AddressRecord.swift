import HashTreeCollections
import MeshCore

/// A record that has an address, and why it answers for it or not.
package struct AddressRecord: Sendable {
    package enum Standing: Sendable, Equatable, CustomStringConvertible {
        case matched
        /// A service of namespace visibility, and the client is elsewhere.
        case hidden(from: String)
        /// Another network has the same address.
        case otherNetwork(String)
        /// The node's address, which many workloads share.
        case hostNetwork
        /// A service of this address carries the connection.
        case behindService
        /// A workload of this address carries the connection.
        case behindWorkload
        case blockBehindExact
        case behindOwnNamespace(String)
        case behindLongerBlock
        case behindCanonical
        /// The matched workload is a pod or speaks HBONE, and this one does less.
        case lowerRank
        case behindEqual

        package var description: String {
            switch self {
            case .matched: "this record answers"
            case .hidden(let namespace): "not visible from namespace \(namespace)"
            case .otherNetwork(let network): "of network \"\(network)\", which is another"
            case .hostNetwork: "on the host's network; the address is the node's"
            case .behindService: "a service of this address comes first"
            case .behindWorkload: "a workload of this address comes first"
            case .blockBehindExact: "an exact address comes before a block"
            case .behindOwnNamespace(let namespace): "a service of the client's namespace \(namespace) comes first"
            case .behindLongerBlock: "a smaller block comes first"
            case .behindCanonical: "a canonical service comes first"
            case .lowerRank: "a pod comes before other workloads, and one that speaks HBONE before one that does not"
            case .behindEqual: "another of equal rank answers"
            }
        }
    }

    package let subject: MeshAddress
    package let standing: Standing

    /// Every record that has `ip`: the one that answers first, then by kind and key.
    static func all(
        at ip: IPAddress, network: String, matched: MeshAddress?, clientNamespace: String, _ snapshot: MeshSnapshot
    ) -> [AddressRecord] {
        let address = NetworkAddress(network: network, ip: ip)
        var records: [AddressRecord] = []
        for entry in snapshot.services(atVIP: ip, network: network) {
            let standing = standing(of: entry, at: address, matched, clientNamespace)
            records.append(AddressRecord(subject: .service(entry), standing: standing))
        }
        for workload in snapshot.allWorkloads where workload.addresses.contains(ip) {
            let standing = standing(of: workload, network, matched)
            records.append(AddressRecord(subject: .workload(workload), standing: standing))
        }
        return records.sorted { a, b in
            if (a.standing == .matched) != (b.standing == .matched) { return a.standing == .matched }
            return a.subject.order < b.subject.order
        }
    }

    private static func standing(
        of entry: ServiceEntry, at address: NetworkAddress, _ matched: MeshAddress?, _ namespace: String
    ) -> Standing {
        guard case .service(let winner) = matched else {
            if !entry.isVisible(from: namespace) { return .hidden(from: namespace) }
            return matched == nil ? .behindEqual : .behindWorkload
        }
        if winner === entry { return .matched }
        if !entry.isVisible(from: namespace) { return .hidden(from: namespace) }
        let (exact, winnerIsExact) = (entry.prefix(at: address) == nil, winner.prefix(at: address) == nil)
        if winnerIsExact, !exact { return .blockBehindExact }
        if winner.service.namespace == namespace, entry.service.namespace != namespace {
            return .behindOwnNamespace(namespace)
        }
        if !winnerIsExact, winner.prefix(at: address) ?? 0 > entry.prefix(at: address) ?? 0 {
            return .behindLongerBlock
        }
        return winner.service.fields.canonical && !entry.service.fields.canonical ? .behindCanonical : .behindEqual
    }

    private static func standing(of workload: Workload, _ network: String, _ matched: MeshAddress?) -> Standing {
        if workload.network != network { return .otherNetwork(workload.network) }
        if workload.fields.networkMode == .hostNetwork { return .hostNetwork }
        switch matched {
        case .workload(let winner):
            if winner === workload { return .matched }
            return WorkloadIndex.rank(workload) < WorkloadIndex.rank(winner) ? .lowerRank : .behindEqual
        case .service: return .behindService
        case nil: return .behindEqual
        }
    }
}

extension ServiceEntry {
    /// The length of the longest block of ours that holds an address; `nil` when it is one of our exact addresses.
    fileprivate func prefix(at address: NetworkAddress) -> UInt8? {
        if service.fields.vips.contains(address) { return nil }
        return service.fields.cidrVIPs.filter { $0.network == address.network && $0.cidr.contains(address.ip) }
            .map(\.cidr.prefixLength).max() ?? 0
    }
}

extension MeshAddress {
    /// Services before workloads, then by key.
    fileprivate var order: String {
        switch self {
        case .service(let entry): "0 \(entry.key)"
        case .workload(let workload): "1 \(workload.uid)"
        }
    }
}
