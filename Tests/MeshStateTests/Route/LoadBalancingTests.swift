import MeshCore
import MeshState
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Endpoint selection")
struct LoadBalancingTests {
    private static let client = Workload.client {
        $0.network = "net"
        $0.locality = Locality(region: "reg", zone: "zone")
        $0.node = "node"
        $0.clusterID = "cluster"
    }

    private static func endpoint(
        _ uid: String, network: String = "other", region: String = "r2", zone: String = "z2", capacity: UInt32 = 1
    ) -> MeshChange {
        .workload(
            .make(uid, ip: "10.0.0.\(uid.utf8.last ?? 1)", services: ["ns/svc": [80: 80]]) {
                $0.network = network
                $0.locality = Locality(region: region, zone: zone)
                $0.capacity = capacity
                $0.networkGateway = .at("9.9.9.9")
            })
    }

    /// How often each endpoint is chosen.
    private static func draw(
        _ endpoints: [MeshChange], _ balancer: LoadBalancer?, from source: Workload = client, times: Int = 200
    ) throws -> [String: Int] {
        var world = World()
        world.apply(endpoints + [.service(.make("ns/svc", vip: "127.0.0.3") { $0.loadBalancer = balancer })])
        guard let entry = world.snapshot.service(NamespacedHostname(namespace: "ns", hostname: "svc")) else {
            throw BadFixture(text: "service")
        }
        var counts: [String: Int] = [:]
        for _ in 0..<times {
            let result = LoadBalancing.choose(
                for: source, among: entry, port: 80, mode: .standard, random: &world.random)
            if case .success(let choice) = result { counts[choice.workload.uid, default: 0] += 1 }
        }
        return counts
    }

    private static let all = endpoint("all", network: "net", region: "reg", zone: "zone")
    private static let netReg = endpoint("netReg", network: "net", region: "reg")
    private static let net = endpoint("net", network: "net")
    private static let regZone = endpoint("regZone", region: "reg", zone: "zone")
    private static let reg = endpoint("reg", region: "reg")
    private static let none = endpoint("none")
    private static let scopes: [LoadBalancer.Scope] = [.network, .region, .zone]

    @Test("44, 45: strict takes full matches only")
    func strict() throws {
        let strict = LoadBalancer(routingPreferences: Self.scopes, mode: .strict)
        #expect(try Self.draw([Self.netReg, Self.net, Self.regZone, Self.none], strict).isEmpty)
        #expect(try Self.draw([Self.all, Self.netReg, Self.regZone], strict).keys.sorted() == ["all"])
    }

    @Test("46 to 50: failover takes the best rank: network first, then the rest in order")
    func failover() throws {
        let failover = LoadBalancer(routingPreferences: Self.scopes, mode: .failover)
        let ranks = [[Self.all], [Self.netReg], [Self.net], [Self.regZone], [Self.reg], [Self.none]]
        let names = ["all", "netReg", "net", "regZone", "reg", "none"]
        for start in ranks.indices {
            #expect(try Self.draw(ranks[start...].flatMap { $0 }, failover).keys.sorted() == [names[start]])
        }
        let twins = [Self.net, Self.endpoint("net2", network: "net", zone: "zone")]
        #expect(try Self.draw(twins, failover).keys.sorted() == ["net", "net2"])
    }

    @Test("a zone does not count without its region, and empty equals empty")
    func walkStops() throws {
        let failover = LoadBalancer(routingPreferences: [.region, .zone], mode: .failover)
        let zoneOnly = Self.endpoint("zoneOnly", zone: "zone")
        #expect(try Self.draw([zoneOnly, Self.none], failover).keys.sorted() == ["none", "zoneOnly"])
        let bare = Workload.client()
        let empty = Self.endpoint("empty", region: "", zone: "")
        #expect(try Self.draw([empty, Self.none], failover, from: bare).keys.sorted() == ["empty"])
    }

    @Test("node, cluster and subzone count like the others")
    func otherScopes() throws {
        let near = MeshChange.workload(
            .make("near", ip: "10.0.0.1", services: ["ns/svc": [80: 80]]) {
                $0.node = "node"
                $0.clusterID = "cluster"
                $0.network = "net"
            })
        for scope in [LoadBalancer.Scope.node, .cluster, .subzone] {
            let balancer = LoadBalancer(routingPreferences: [scope], mode: .failover)
            let expected = scope == .subzone ? ["near", "none"] : ["near"]
            #expect(try Self.draw([near, Self.none], balancer).keys.sorted() == expected)
        }
    }

    @Test("51: an endpoint that cannot be reached is never chosen")
    func unreachable() throws {
        let noIP = Workload.make("gone", services: ["ns/svc": [80: 80]]) { $0.network = "net" }
        #expect(try Self.draw([.workload(noIP), Self.none], nil).keys.sorted() == ["none"])
    }

    @Test("52: capacity weighs, and 0 is never chosen")
    func capacity() throws {
        let three = [Self.endpoint("a"), Self.endpoint("b", capacity: 3), Self.endpoint("c", capacity: 0)]
        let counts = try Self.draw(three, nil, times: 4000)
        #expect(counts.keys.sorted() == ["a", "b"])
        #expect((850...1150).contains(counts["a"] ?? 0))
        #expect(try Self.draw([Self.endpoint("c", capacity: 0)], nil).isEmpty)
    }

    @Test("an explained choice says why each endpoint lost")
    func explained() throws {
        var world = World()
        world.apply([
            Self.all, Self.net, Self.endpoint("zero", network: "net", region: "reg", zone: "zone", capacity: 0),
            .workload(.make("lost", services: ["ns/svc": [80: 80]]) { $0.network = "net" }),
            .service(
                .make("ns/svc", vip: "127.0.0.3") {
                    $0.loadBalancer = LoadBalancer(routingPreferences: Self.scopes, mode: .failover)
                    $0.endpoints["ghost"] = Endpoint(workloadUID: "ghost", ports: [:], status: .healthy)
                }),
        ])
        guard let entry = world.snapshot.service(NamespacedHostname(namespace: "ns", hostname: "svc")) else {
            throw BadFixture(text: "service")
        }
        let choice = LoadBalancing.choose(
            for: Self.client, among: entry, port: 80, mode: .standard, random: &world.random)
        let lines = LoadBalancing.explain(choice, for: Self.client, among: entry, port: 80, mode: .standard)
            .map { "\($0.endpoint.endpoint.workloadUID): \($0.outcome)" }
        #expect(
            lines == [
                "all: chosen", "ghost: its workload is not known",
                "lost: it has no address, no hostname and no gateway", "net: its locality rank is 3, the best is 5",
                "zero: its capacity is 0",
            ])
    }
}
