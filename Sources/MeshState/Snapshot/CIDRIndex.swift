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

    private var blocks: TreeDictionary<Block, SlotList> = [:]
    /// How many blocks there are of each length.
    private var lengths: [Length: Int] = [:]

    /// Puts the service under its blocks.
    /// - Precondition: it is not there yet.
    mutating func insert(_ slot: UInt32, _ entry: ServiceEntry) {
        for vip in entry.service.fields.cidrVIPs {
            let block = Block(network: vip.network, ip: vip.cidr.address, length: vip.cidr.prefixLength)
            guard let others = blocks.updateValue(.one(slot), forKey: block) else {
                lengths[Length(v4: vip.cidr.address.isV4, bits: block.length), default: 0] += 1
                continue
            }
            // A service may write a block twice, with different host bits.
            blocks[block] = others.contains(slot) ? others : SlotList(others.all + [slot])
        }
    }

    mutating func remove(_ slot: UInt32, _ entry: ServiceEntry) {
        for vip in entry.service.fields.cidrVIPs {
            let block = Block(network: vip.network, ip: vip.cidr.address, length: vip.cidr.prefixLength)
            guard let list = blocks[block] else { continue }
            let rest = SlotList(list.all.filter { $0 != slot })
            blocks[block] = rest
            let length = Length(v4: vip.cidr.address.isV4, bits: block.length)
            if rest == nil, let count = lengths[length] { lengths[length] = count == 1 ? nil : count - 1 }
        }
    }

    /// Calls `body` with each service whose block holds the address, and the length of the block.
    func forEach(covering address: NetworkAddress, _ body: (UInt32, UInt8) -> Void) {
        for length in lengths.keys where length.v4 == address.ip.isV4 {
            let block = Block(network: address.network, ip: address.ip, length: length.bits)
            switch blocks[block] {
            case .one(let slot): body(slot, length.bits)
            case .many(let slots): for slot in slots { body(slot, length.bits) }
            case nil: break
            }
        }
    }
}

extension ServiceIndex {
    /// The best visible service whose block holds the address: own namespace, then longest prefix, then canonical.
    func find(block address: NetworkAddress, clientNamespace: String?) -> ServiceEntry? {
        var best: (rank: (Int, UInt8, Int), entry: ServiceEntry)?
        byCIDR.forEach(covering: address) { slot, length in
            guard let entry = slots[slot], entry.isVisible(from: clientNamespace) else { return }
            let own = clientNamespace.map { $0 == entry.service.namespace } ?? false
            let rank = (own ? 1 : 0, length, entry.service.fields.canonical ? 1 : 0)
            if let held = best, held.rank >= rank { return }
            best = (rank, entry)
        }
        return best?.entry
    }
}
