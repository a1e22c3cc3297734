import MeshCore
import MeshState
import MeshTestSupport
import Testing

/// Numbers are the cases of the node proxy reference, section 24. Clients are of namespace `ns1`.
@Suite("Names of the mesh")
struct MeshNamesTests {
    private static let domain = "cluster.local"

    private var world = World(
        .service(.make("ns1/productpage.ns1.svc.cluster.local", vip: "9.9.9.9")),
        .service(.make("ns1/www.google.com", vip: "2.2.2.2")),
        .service(.make("ns1/*.wildcard", vip: "3.3.3.3")), .service(.make("ns1/*.b.wildcard", vip: "4.4.4.4")),
        .service(.make("ns1/dual.ns1.svc.cluster.local", vip: "5.5.5.5", "2001:db8::5")))
    private var names = MeshNames(expansion: NameExpansion(searchDomains: .kubernetes))
    private let client = Workload.client { $0.namespace = "ns1" }

    private func ask(
        _ host: String, _ family: AddressFamily? = .v4, _ world: World? = nil, _ client: Workload? = nil,
        seed: UInt64 = 1
    ) -> NameDecision {
        var random = QuickRandom(seed: seed)
        return names.decide(
            NameQuestion(host: host, family: family), client: client ?? self.client,
            in: (world ?? self.world).snapshot, random: &random)
    }

    private func ips(_ texts: String...) -> [IPAddress] { texts.compactMap { IPAddress($0) } }

    private func answered(_ decision: NameDecision) -> Set<String> {
        guard case .answer(let addresses, _) = decision.outcome else { return [] }
        return Set(addresses.map(\.description))
    }

    @Test(
        "156: short name, name.ns, name.ns.svc and the full name mean the same service, under the name asked for",
        arguments: [
            "productpage", "productpage.ns1", "productpage.ns1.svc", "productpage.ns1.svc.cluster.local",
        ])
    func shortNames(host: String) {
        let decision = ask(host)
        #expect(decision.outcome == .answer(ips("9.9.9.9"), alias: nil))
        guard case .found(let match) = decision.reason else { return }
        #expect(match.service.description == "ns1/productpage.ns1.svc.cluster.local")
    }

    static let searched = [
        ("www.google.com.ns1.svc.cluster.local", "www.google.com"),
        ("www.google.com.svc.cluster.local", "www.google.com"),
        ("www.google.com.cluster.local", "www.google.com"),
        ("productpage.ns1.ns1.svc.cluster.local", "productpage.ns1"),
        ("productpage.ns1.svc.svc.cluster.local", "productpage.ns1.svc"),
    ]

    @Test("157: a name with a search domain is an alias of the name without", arguments: searched)
    func searchDomain(host: String, stripped: String) {
        guard case .answer(let addresses, let alias) = ask(host).outcome else {
            Issue.record("\(ask(host).reason)")
            return
        }
        #expect(alias == stripped)
        #expect(addresses.count == 1)
    }

    @Test("157: through a wildcard the addresses stand under the name asked for")
    func searchDomainWildcard() {
        #expect(ask("a.wildcard.ns1.svc.cluster.local").outcome == .answer(ips("3.3.3.3"), alias: nil))
    }

    @Test("157: in dedicated mode the search domains are those of the resolver's configuration")
    func fixedSearchDomains() {
        var names = names
        names.expansion = NameExpansion(searchDomains: .fixed(["Corp.Example"]))
        var random = QuickRandom(seed: 1)
        func ask(_ host: String) -> NameDecision {
            names.decide(
                NameQuestion(host: host, family: .v4), client: client, in: world.snapshot, random: &random)
        }
        #expect(ask("www.google.com.corp.example").outcome == .answer(ips("2.2.2.2"), alias: "www.google.com"))
        #expect(ask("www.google.com.svc.cluster.local").outcome == .forward)
        #expect(ask("corp.example").outcome == .forward)
    }

    static let wildcards = [
        ("a.wildcard", "3.3.3.3"), ("x.a.wildcard", "3.3.3.3"), ("a.b.wildcard", "4.4.4.4"),
        ("x.y.b.wildcard", "4.4.4.4"),
        ("b.wildcard", "3.3.3.3"), ("*.wildcard", "3.3.3.3"), ("*.b.wildcard", "4.4.4.4"),
    ]

    @Test("158: the most specific wildcard wins", arguments: wildcards)
    func wildcard(host: String, address: String) {
        #expect(answered(ask(host)) == [address])
    }

    @Test("158: a wildcard does not cover its own domain, and there is none of the root")
    func wildcardEdges() {
        #expect(ask("wildcard").outcome == .forward)
        let root = World(.service(.make("ns1/*", vip: "1.1.1.1")))
        #expect(ask("a.example", .v4, root).outcome == .forward)
    }

    @Test("159: an IPv6 question for a service that has IPv4 only is answered with nothing")
    func v4Only() {
        let decision = ask("www.google.com", .v6)
        #expect(decision.outcome == .empty)
        guard case .noVirtualAddress(_, .v6, network: "") = decision.reason else {
            Issue.record("\(decision.reason)")
            return
        }
        #expect(ask("dual", .v6).outcome == .answer(ips("2001:db8::5"), alias: nil))
        #expect(ask("dual", .v4).outcome == .answer(ips("5.5.5.5"), alias: nil))
    }

    @Test("159: with IPv6 off no IPv6 address is given out, and unknown names are still asked of others")
    func ipv6Off() {
        var names = names
        names.ipv6 = false
        var random = QuickRandom(seed: 1)
        func ask(_ host: String) -> NameDecision {
            names.decide(NameQuestion(host: host, family: .v6), client: client, in: world.snapshot, random: &random)
        }
        #expect(ask("dual").outcome == .empty)
        #expect(ask("unknown.example").outcome == .forward)
    }

    @Test("159: ipFamilies leave a family out", arguments: [Service.IPFamilies.v4, .v6, .dual])
    func families(families: Service.IPFamilies) {
        let world = World(
            .service(.make("ns1/f", vip: "5.5.5.5", "2001:db8::5") { $0.ipFamilies = families }))
        #expect((ask("f", .v4, world).outcome == .empty) == (families == .v6))
        #expect((ask("f", .v6, world).outcome == .empty) == (families == .v4))
    }

    @Test("160: a headless service of Kubernetes is its endpoints, one address each, of any network")
    func headless() {
        let key = "ns1/headless.ns1.svc.cluster.local"
        let world = World(
            .service(.make(key)),
            .workload(.make("a", ip: "30.30.30.30", "2001:db8::30", services: [key: [80: 80]])),
            .workload(.make("b", ip: "31.31.31.31", "31.31.31.32", services: [key: [80: 80]]) { $0.network = "far" }),
            .workload(.make("c", ip: "31.31.31.31", services: [key: [80: 80]]) { $0.networkMode = .hostNetwork }),
            .workload(.make("d", ip: "32.32.32.32", services: [key: [80: 80]]) { $0.status = .unhealthy }))
        #expect(answered(ask("headless", .v4, world)) == ["30.30.30.30", "31.31.31.31"])
        #expect(answered(ask("headless.ns1.svc.cluster.local", .v6, world)) == ["2001:db8::30"])
        guard case .answer(let addresses, _) = ask("headless", .v4, world).outcome else { return }
        #expect(addresses.count == 2)
    }

    @Test("160: a headless service without endpoints is answered with nothing; an external one is left to others")
    func headlessEmpty() {
        let world = World(
            .service(.make("ns1/headless.ns1.svc.cluster.local")), .service(.make("ns1/headless.example")))
        #expect(ask("headless", .v4, world).outcome == .empty)
        #expect(ask("headless.example", .v4, world).outcome == .forward)
    }

    @Test("161: an address of another network is not given out, and of several those of the client's network")
    func networks() {
        let world = World(
            .service(.make("ns1/far.example", vip: "remote/12.12.12.12")),
            .service(.make("ns1/both.example", vip: "remote/12.12.12.12", "21.21.21.21")))
        #expect(ask("far.example", .v4, world).outcome == .empty)
        #expect(ask("both.example", .v4, world).outcome == .answer(ips("21.21.21.21"), alias: nil))
        let far = Workload.client {
            $0.namespace = "ns1"
            $0.network = "remote"
        }
        #expect(answered(ask("both.example", .v4, world, far)) == ["12.12.12.12"])
    }

    @Test("162: of one hostname in several namespaces: own, else canonical, else preferred, else first")
    func namespaces() {
        var world = World(
            .service(.make("ns3/preferred.io", vip: "10.10.10.211")),
            .service(.make("preferred-ns/preferred.io", vip: "10.10.10.210")))
        #expect(answered(ask("preferred.io", .v4, world)) == ["10.10.10.211"])
        var names = names
        names.preferredNamespace = "preferred-ns"
        func choice(_ world: World) -> Set<String> {
            var random = QuickRandom(seed: 1)
            return answered(
                names.decide(
                    NameQuestion(host: "preferred.io", family: .v4), client: client, in: world.snapshot, random: &random
                ))
        }
        #expect(choice(world) == ["10.10.10.210"])
        world.apply(.service(.make("ns4/preferred.io", vip: "10.10.10.212") { $0.canonical = true }))
        #expect(choice(world) == ["10.10.10.212"])
        world.apply(.service(.make("ns1/preferred.io", vip: "10.10.10.213")))
        #expect(choice(world) == ["10.10.10.213"])
    }

    @Test("162: a service of the own namespace that is not considered does not hide another")
    func headlessDoesNotHide() {
        let world = World(
            .service(.make("ns1/x.example")), .service(.make("ns2/x.example", vip: "1.2.3.4")))
        #expect(answered(ask("x.example", .v4, world)) == ["1.2.3.4"])
    }

    @Test("163: a service of namespace visibility does not exist for clients of another")
    func visibility() {
        let world = World(
            .service(.make("ns2/hidden.ns2.svc.cluster.local", vip: "1.2.3.4") { $0.visibility = .namespace }))
        #expect(ask("hidden.ns2", .v4, world).outcome == .forward)
        #expect(ask("hidden.ns2", .v4, world).reason == .noService)
        #expect(answered(ask("hidden.ns2", .v4, world, Workload.client { $0.namespace = "ns2" })) == ["1.2.3.4"])
    }

    @Test("164: other records are left to others, also of names that are known")
    func otherTypes() {
        #expect(ask("www.google.com", nil).outcome == .forward)
        #expect(ask("www.google.com", nil).reason == .notAnAddressQuestion)
    }

    @Test("an unknown client is told that nobody can say")
    func unknownClient() {
        var random = QuickRandom(seed: 1)
        let decision = names.decide(
            NameQuestion(host: "www.google.com", family: .v4), client: nil, in: world.snapshot, random: &random)
        #expect(decision.outcome == .serverFailure)
    }

    @Test("blocks of addresses are not given out, and names that no service can have are left to others")
    func blocks() {
        let world = World(.service(.make("ns1/block.example", vip: "/10.1.0.0/16")))
        #expect(ask("block.example", .v4, world).outcome == .forward)
        var random = QuickRandom(seed: 1)
        let odd = names.decide(
            NameQuestion(host: nil, family: .v4), client: client, in: world.snapshot, random: &random)
        #expect(odd.outcome == .forward && odd.reason == .notAHostname)
    }

    @Test("the order of addresses is that of the given randomness")
    func order() {
        let world = World(.service(.make("ns1/many.example", vip: "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4")))
        let orders = Set((1...32).map { ask("many.example", .v4, world, seed: $0).outcome })
        #expect(orders.count > 4)
        #expect(ask("many.example", .v4, world, seed: 9).outcome == ask("many.example", .v4, world, seed: 9).outcome)
    }

    @Test("the number of services does not matter")
    func cost() {
        func time(_ count: Int) -> Duration {
            var world = World()
            world.apply((0..<count).map { .service(.make("ns1/s\($0).ns1.svc.cluster.local", vip: "10.0.0.1")) })
            let snapshot = world.snapshot
            var random = QuickRandom(seed: 1)
            let question = NameQuestion(host: "a.b.c.d.ns1.svc.cluster.local", family: .v4)
            return (0..<5).map { _ in
                ContinuousClock().measure {
                    for _ in 0..<200 {
                        _ = names.decide(question, client: client, in: snapshot, random: &random)
                    }
                }
            }.min() ?? .zero
        }
        // A scan would take a thousand times as long.
        #expect(time(20_000) < time(20) * 20 + .milliseconds(20))
    }
}
