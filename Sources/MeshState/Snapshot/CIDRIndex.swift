import HashTreeCollections
import MeshCore

/// Services by the address blocks that are their virtual addresses.
///
/// Cost of a lookup: one probe for each prefix length in use, however many blocks there are.
struct CIDRIndex: Sendable {
    private struct Block: Hashable, Sendable {
        let network: String
        let base: IPAddress
        let length: UInt8

        init(network: String, ip: IPAddress, length: UInt8) {
            let bits = Int(length) + (ip.isV4 ? 96 : 0)
            let high: UInt64 = bits >= 64 ? .max : ~(.max >> UInt64(bits))
            let low: UInt64 = bits <= 64 ? 0 : bits == 128 ? .max : ~(.max >> UInt64(bits - 64))
            base = IPAddress(high: ip.high & high, low: ip.low & low)
            self.network = network
            self.length = length
        }
    }
    private struct Length: Hashable, Sendable {
        let v4: Bool
        let bits: UInt8
    }

    private var blocks: TreeDictionary<Block, [ServiceEntry]> = [:]
    /// How many blocks there are of each length.
    private var lengths: [Length: Int] = [:]

    /// Puts the entry under its blocks, in place of an older entry of the same service.
    mutating func insert(_ entry: ServiceEntry) {
        for vip in entry.service.fields.cidrVIPs {
            let block = Block(network: vip.network, ip: vip.cidr.address, length: vip.cidr.prefixLength)
            var list = blocks[block] ?? []
            if list.isEmpty { lengths[Length(v4: vip.cidr.address.isV4, bits: block.length), default: 0] += 1 }
            if let index = list.firstIndex(where: { $0.key == entry.key }) {
                list[index] = entry
            } else {
                list.append(entry)
            }
            blocks[block] = list
        }
    }

    mutating func remove(_ entry: ServiceEntry) {
        for vip in entry.service.fields.cidrVIPs {
            let block = Block(network: vip.network, ip: vip.cidr.address, length: vip.cidr.prefixLength)
            guard var list = blocks[block] else { continue }
            list.removeAll { $0.key == entry.key }
            blocks[block] = list.isEmpty ? nil : list
            let length = Length(v4: vip.cidr.address.isV4, bits: block.length)
            if list.isEmpty, let count = lengths[length] { lengths[length] = count == 1 ? nil : count - 1 }
        }
    }

    /// The best visible service whose block holds the address: own namespace, then longest prefix, then canonical.
    func find(_ address: NetworkAddress, clientNamespace: String?) -> ServiceEntry? {
        var best: (rank: (Int, UInt8, Int), entry: ServiceEntry)?
        forEach(covering: address) { entry, length in
            guard entry.isVisible(from: clientNamespace) else { return }
            let own = clientNamespace.map { $0 == entry.service.namespace } ?? false
            let rank = (own ? 1 : 0, length, entry.service.fields.canonical ? 1 : 0)
            if let held = best, held.rank >= rank { return }
            best = (rank, entry)
        }
        return best?.entry
    }

    func forEach(covering address: NetworkAddress, _ body: (ServiceEntry, UInt8) -> Void) {
        for length in lengths.keys where length.v4 == address.ip.isV4 {
            let block = Block(network: address.network, ip: address.ip, length: length.bits)
            for entry in blocks[block] ?? [] { body(entry, length.bits) }
        }
    }
}
