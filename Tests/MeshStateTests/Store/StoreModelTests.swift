import MeshCore
import MeshState
import MeshTestSupport
import Testing

/// The store against a model that keeps plain dictionaries and looks through all of them for every answer.
@Suite("Mesh store and its model")
struct StoreModelTests {
    @Test("agree after every change, and a snapshot never changes", arguments: 0..<8)
    func agree(seed: UInt64) {
        var dice = Dice(random: SplitMix(seed: seed))
        var model = StoreModel(localNode: "here")
        var store = MeshStore(localNode: "here")
        var taken: [(snapshot: MeshSnapshot, expected: [String])] = []
        for step in 0..<250 {
            let changes = dice.batch()
            let result = store.apply(changes)
            let before = model.localIdentities
            for change in changes { model.apply(change) }
            let (snapshot, expected) = (store.snapshot, model.report)
            #expect(Report.lines(snapshot) == expected, "after \(changes) in step \(step)")
            #expect(Set(result.identitiesToForget).isDisjoint(with: model.localIdentities))
            #expect(before.subtracting(model.localIdentities).isSubset(of: result.identitiesToForget))
            if step % 20 == 0 { taken.append((snapshot, expected)) }
        }
        for (snapshot, expected) in taken { #expect(Report.lines(snapshot) == expected) }
    }

    @Test("nothing is left when every record was removed", arguments: 0..<4)
    func emptied(seed: UInt64) {
        var dice = Dice(random: SplitMix(seed: seed))
        var store = MeshStore(localNode: "here")
        for _ in 0..<200 { _ = store.apply(dice.batch()) }
        let full = store.snapshot
        for workload in full.allWorkloads { _ = store.apply([.removeAddress(workload.uid)]) }
        for entry in full.allServices {
            _ = store.apply([.removeAddress("\(entry.key.namespace)/\(entry.key.hostname)")])
        }
        #expect(Report.lines(store.snapshot) == Report.lines(.empty))
    }
}

/// Draws changes from few names, so that records meet at addresses, hostnames and services.
private struct Dice {
    var random: SplitMix

    mutating func roll(_ sides: Int) -> Int { Int(random.next() % UInt64(sides)) }
    mutating func pick(_ from: [String]) -> String { from[roll(from.count)] }
    mutating func some(_ from: [String]) -> [String] { from.filter { _ in random.next() % 3 == 0 } }

    /// One change, or some of workloads: what a batch says of endpoints counts at its end, after its services.
    mutating func batch() -> [MeshChange] {
        switch roll(10) {
        case 0, 1: [.service(service())]
        case 2: [.removeAddress("\(pick(Names.namespaces))/\(pick(Names.hostnames))")]
        case 3: [.removeAddress(pick(Names.uids))]
        default:
            (0..<1 + roll(3)).map { _ in
                roll(5) == 0 ? .removeAddress(pick(Names.uids)) : .workload(workload())
            }
        }
    }

    private mutating func workload() -> Workload {
        var services: [String: [UInt16: UInt16]] = [:]
        for namespace in some(Names.namespaces) {
            services["\(namespace)/\(pick(Names.hostnames))"] = [80: UInt16(roll(3))]
        }
        let ips = some(Names.ips)
        let fields = (pick(Names.namespaces), pick(Names.names), pick(["", "", "w.test"]), pick(["here", "there"]))
        let (hbone, unhealthy, host, capacity) = (roll(2) == 0, roll(4) == 0, roll(5) == 0, UInt32(roll(1000)))
        return .make(pick(Names.uids), hbone: hbone, services: services) {
            $0.addresses = ips.compactMap { IPAddress($0) }
            ($0.namespace, $0.name, $0.hostname, $0.node) = fields
            $0.serviceAccount = "sa"
            $0.status = unhealthy ? .unhealthy : .healthy
            $0.networkMode = host ? .hostNetwork : .standard
            $0.capacity = capacity
        }
    }

    private mutating func service() -> Service {
        let (vips, blocks, backends) = (some(Names.vips), some(Names.blocks), some(Names.uids + ["unknown"]))
        let (allowAll, canonical, port) = (roll(2) == 0, roll(3) == 0, UInt16(roll(3)))
        return .make("\(pick(Names.namespaces))/\(pick(Names.hostnames))") {
            $0.vips = vips.compactMap { NetworkAddress("/\($0)") }
            $0.cidrVIPs = blocks.compactMap { CIDR($0).map { NetworkCIDR(network: "", cidr: $0) } }
            for uid in backends {
                $0.endpoints[uid] = Endpoint(workloadUID: uid, ports: [80: port], status: .healthy)
            }
            $0.loadBalancer = LoadBalancer(healthPolicy: allowAll ? .allowAll : .onlyHealthy)
            $0.canonical = canonical
        }
    }
}

/// Answers to every question of the pool, a line each.
private enum Report {
    static func lines(_ snapshot: MeshSnapshot) -> [String] {
        var lines: [String] = ["\(snapshot.workloadCount) workloads, \(snapshot.serviceCount) services"]
        lines += snapshot.allWorkloads.map { "workload \($0.uid) \($0.fields.capacity)" }.sorted()
        lines += Names.uids.map { uid in
            let found = snapshot.workload(uid: uid)
            let keys = snapshot.services(backedBy: uid).map(\.key)
            return "uid \(uid) \(found?.fields.capacity ?? 0) backs \(keys.map { "\($0)" }.sorted())"
        }
        for text in Names.ips {
            guard let ip = IPAddress(text) else { continue }
            lines.append("ip \(text) \(snapshot.findWorkload(network: "", ip: ip)?.uid ?? "none")")
        }
        for namespace in Names.namespaces {
            for name in Names.names {
                let own = snapshot.findLocalWorkload(name: name, namespace: namespace, serviceAccount: "sa")
                lines.append("own \(namespace) \(name) \(own?.uid ?? "none")")
            }
            let key = NamespacedHostname(namespace: namespace, hostname: "w.test")
            if case .workload(let found)? = snapshot.findHostname(key) {
                lines.append("hostname \(namespace) \(found.uid)")
            }
        }
        for entry in snapshot.allServices {
            let endpoints = entry.allEndpoints.map {
                "\($0.endpoint.workloadUID) \($0.endpoint.ports) \($0.workload?.fields.capacity ?? 0) "
                    + "\($0.expectedIdentities.map { "\($0)" })"
            }
            lines.append("service \(entry.key) \(entry.service.fields.vips) \(endpoints.sorted())")
            #expect(snapshot.service(entry.key) === entry)
        }
        for hostname in Names.hostnames {
            let found = snapshot.findService(hostname: hostname, clientNamespace: nil)
            lines.append("hostname \(hostname) \(found.map { "\($0.key)" } ?? "none")")
        }
        for text in Names.addresses {
            guard let ip = IPAddress(text) else { continue }
            let keys = snapshot.services(atVIP: ip, network: "").map { "\($0.key)" }
            lines.append("vip \(text) \(keys.sorted())")
        }
        for (key, endpoints) in snapshot.stagedEndpoints {
            lines += endpoints.map { "staged \(key) \($0) \($1.ports)" }
        }
        return lines.sorted()
    }
}
