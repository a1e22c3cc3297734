import MeshCore
import MeshState
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Outbound routes")
struct OutboundTests {
    @Test("1: an unknown address is passed through")
    func unknown() throws {
        var world = World()
        let route = try world.route("1.2.3.4:80")
        #expect(route.line == "tcp 1.2.3.4:80")
        #expect(route.workload == nil)
    }

    @Test("2: a plain workload is reached over TCP, on any node", arguments: ["local-node", "remote-node"])
    func plain(node: String) throws {
        var world = World(.workload(.make("w", ip: "127.0.0.2") { $0.node = node }))
        #expect(try world.route("127.0.0.2:80").line == "tcp 127.0.0.2:80")
        #expect(try world.route("127.0.0.2:80").workload?.uid == "w")
    }

    @Test(
        "3, 4: an HBONE workload is reached through its tunnel, on any node", arguments: ["local-node", "remote-node"])
    func hbone(node: String) throws {
        var world = World(.workload(.make("w", ip: "127.0.0.2", hbone: true) { $0.node = node }))
        let route = try world.route("127.0.0.2:80")
        #expect(route.line == "hbone 127.0.0.2:15008 for 127.0.0.2:80")
        guard case .hbone(let hbone) = route else { return }
        #expect(hbone.expectedIdentities.map(\.description) == ["spiffe://cluster.local/ns/ns/sa/sa-w"])
        #expect(!hbone.viaWaypoint)
    }

    @Test("5: a waypoint of the source is not used")
    func sourceWaypoint() throws {
        var world = World(
            .workload(.make("way", ip: "127.0.0.10", hbone: true)), .workload(.make("w", ip: "127.0.0.2", hbone: true)))
        let source = Workload.client { $0.waypoint = .at("127.0.0.10") }
        #expect(try world.route("127.0.0.2:80", source: source).line == "hbone 127.0.0.2:15008 for 127.0.0.2:80")
    }

    @Test("6: a workload with a waypoint is reached through it, asking for the original address")
    func workloadWaypoint() throws {
        var world = World(
            .workload(.make("way", ip: "127.0.0.10", hbone: true)),
            .workload(.make("w", ip: "127.0.0.2") { $0.waypoint = .at("127.0.0.10") }))
        let route = try world.route("127.0.0.2:80")
        #expect(route.line == "hbone 127.0.0.10:15008 for 127.0.0.2:80")
        guard case .hbone(let hbone) = route else { return }
        #expect(hbone.viaWaypoint)
        #expect(hbone.actual == (try address("127.0.0.2:80")))
        #expect(hbone.expectedIdentities.map(\.serviceAccount) == ["sa-way"])
    }

    @Test("7: a waypoint given as IPv4 carries a call to an IPv6 address")
    func mixedFamilies() throws {
        var world = World(
            .workload(.make("way", ip: "127.0.0.10", hbone: true)),
            .workload(.make("w", ip: "127.0.0.2", "ff06::c3", hbone: true) { $0.waypoint = .at("127.0.0.10") }))
        #expect(try world.route("[ff06::c3]:80").line == "hbone 127.0.0.10:15008 for [ff06::c3]:80")
    }

    @Test("8: a service with a waypoint by address is reached through it, asking for the VIP")
    func serviceWaypoint() throws {
        var world = World(
            .workload(.make("way", ip: "127.0.0.10", hbone: true)),
            .workload(.make("w", ip: "127.0.0.2", services: ["ns/svc": [80: 80]])),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at("127.0.0.10") }))
        let route = try world.route("127.0.0.3:80")
        #expect(route.line == "hbone 127.0.0.10:15008 for 127.0.0.3:80")
        guard case .hbone(let hbone) = route else { return }
        #expect(hbone.service?.hostname == "svc")
    }

    @Test("9: a waypoint named by service hostname is an endpoint of that service, on its own port")
    func waypointByServiceHostname() throws {
        let extra = try SPIFFEID(parsing: "spiffe://td/ns/other/sa/extra")
        var world = World(
            .workload(.make("way", ip: "127.0.0.10", hbone: true, services: ["ns/way.svc": [15008: 15018]])),
            .service(.make("ns/way.svc", ports: [15008: 0]) { $0.subjectAltNames = [extra] }),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at("ns/way.svc") }))
        let route = try world.route("127.0.0.3:80")
        #expect(route.line == "hbone 127.0.0.10:15018 for 127.0.0.3:80")
        guard case .hbone(let hbone) = route else { return }
        #expect(hbone.expectedIdentities.map(\.serviceAccount) == ["extra", "sa-way"])
    }

    @Test("10: a waypoint named by the hostname of a workload")
    func waypointByWorkloadHostname() throws {
        var world = World(
            .workload(.make("way", ip: "127.0.0.10", hbone: true) { $0.hostname = "way.host" }),
            .workload(.make("w", ip: "127.0.0.2") { $0.waypoint = .at("ns/way.host", port: 15019) }))
        #expect(try world.route("127.0.0.2:80").line == "hbone 127.0.0.10:15019 for 127.0.0.2:80")
    }

    @Test("11: an unknown waypoint is never gone around", arguments: ["ns/none", "127.0.0.99"])
    func unknownWaypoint(reference: String) throws {
        var world = World(
            .workload(.make("w", ip: "127.0.0.2", hbone: true) { $0.waypoint = .at(reference) }),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at(reference) }))
        #expect(try world.route("127.0.0.2:80").line == "refuse unknownWaypoint")
        #expect(try world.route("127.0.0.3:80").line == "refuse unknownWaypoint")
    }

    @Test("12: a waypoint service without healthy endpoints is not gone around")
    func unhealthyWaypoint() throws {
        var world = World(
            .workload(
                .make("way", ip: "127.0.0.10", hbone: true, services: ["ns/way": [15008: 15008]]) {
                    $0.status = .unhealthy
                }),
            .service(.make("ns/way", ports: [15008: 15008])),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at("ns/way") }))
        #expect(try world.route("127.0.0.3:80").line == "refuse waypointUnusable")
    }

    @Test("13, 14: what a waypoint sends is not sent back to it, what has only its identity is")
    func fromWaypoint() throws {
        for reference in ["127.0.0.10", "ns/way"] {
            let way = Workload.make("way", ip: "127.0.0.10", hbone: true, services: ["ns/way": [15008: 15008]])
            var world = World(
                .workload(way), .service(.make("ns/way", ports: [15008: 15008])),
                .workload(.make("w", ip: "127.0.0.2", hbone: true) { $0.waypoint = .at(reference) }))
            let direct = "hbone 127.0.0.2:15008 for 127.0.0.2:80"
            let through = "hbone 127.0.0.10:15008 for 127.0.0.2:80"
            #expect(try world.route("127.0.0.2:80", source: way).line == direct)
            #expect(try world.route("127.0.0.2:80", source: way, from: "127.0.0.10").line == direct)
            #expect(try world.route("127.0.0.2:80", source: way, from: "127.0.0.11").line == through)
            let twin = Workload.make("twin", ip: "127.0.0.11") { $0.serviceAccount = "sa-way" }
            #expect(try world.route("127.0.0.2:80", source: twin).line == through)
        }
    }

    @Test("15: traffic to a service does not use the waypoint of the workload behind it")
    func serviceAddressed() throws {
        var world = World(
            .workload(.make("way", ip: "127.0.0.10", hbone: true)),
            .workload(
                .make("w", ip: "127.0.0.2", hbone: true, services: ["ns/svc": [80: 8080]]) {
                    $0.waypoint = .at("127.0.0.10")
                }),
            .service(.make("ns/svc", vip: "127.0.0.3")))
        #expect(try world.route("127.0.0.3:80").line == "hbone 127.0.0.2:15008 for 127.0.0.2:8080")
    }

    @Test("16: a service without endpoints is refused")
    func noEndpoints() throws {
        var world = World(.service(.make("ns/svc", vip: "127.0.0.3")))
        #expect(try world.route("127.0.0.3:80").line == "refuse noHealthyUpstream noEndpoints")
    }

    @Test("17: a port that the service does not list is refused")
    func unlistedPort() throws {
        var world = World(
            .workload(.make("w", ip: "127.0.0.2", services: ["ns/svc": [81: 81]])),
            .service(.make("ns/svc", vip: "127.0.0.3")))
        #expect(try world.route("127.0.0.3:81").line == "refuse noHealthyUpstream portNotDefined")
    }

    @Test("18: a named port only goes to endpoints that map it")
    func namedPort() throws {
        var world = World(
            .workload(.make("a", ip: "127.0.0.2", services: ["ns/svc": [80: 1234]])),
            .workload(.make("b", ip: "127.0.0.4", services: ["ns/svc": [8080: 9999]])),
            .service(.make("ns/svc", vip: "127.0.0.3", ports: [80: 0, 8080: 0])))
        for _ in 0..<20 { #expect(try world.route("127.0.0.3:80").line == "tcp 127.0.0.2:1234") }
    }

    @Test("19: the endpoint's own mapping wins over the service's")
    func endpointMapping() throws {
        var world = World(
            .workload(.make("a", ip: "127.0.0.2", services: ["ns/svc": [80: 1234]])),
            .service(.make("ns/svc", vip: "127.0.0.3", ports: [80: 8080])))
        #expect(try world.route("127.0.0.3:80").line == "tcp 127.0.0.2:1234")
    }

    @Test("20: a waypoint with an application tunnel needs no mapping of its port")
    func waypointTunnel() throws {
        var world = World(
            .workload(
                .make("way", ip: "127.0.0.10", hbone: true, services: ["ns/way": [:]]) {
                    $0.applicationTunnel = ApplicationTunnel(kind: .proxy, port: 15088)
                }),
            .service(.make("ns/way", ports: [:])),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at("ns/way", port: 15008) }))
        #expect(try world.route("127.0.0.3:80").line == "hbone 127.0.0.10:15008 for 127.0.0.3:80")
    }

    @Test("21, 22: a passthrough service keeps the destination, or goes to its waypoint")
    func passthrough() throws {
        let balancer = LoadBalancer(mode: .passthrough)
        var world = World(
            .workload(.make("way", ip: "127.0.0.10", hbone: true)),
            .workload(.make("w", ip: "127.0.0.2", services: ["ns/a": [80: 80], "ns/b": [80: 80]])),
            .service(.make("ns/a", vip: "127.0.0.3") { $0.loadBalancer = balancer }),
            .service(
                .make("ns/b", vip: "127.0.0.4") {
                    $0.loadBalancer = balancer
                    $0.waypoint = .at("127.0.0.10")
                }))
        let plain = try world.route("127.0.0.3:80")
        #expect(plain.line == "tcp 127.0.0.3:80")
        #expect(plain.workload == nil)
        guard case .tcp(let route) = plain else { return }
        #expect(route.reason == .passthroughService)
        #expect(try world.route("127.0.0.4:80").line == "hbone 127.0.0.10:15008 for 127.0.0.4:80")
    }

    @Test("23: host network workloads are found through their service only")
    func hostNetwork() throws {
        func host(_ uid: String, _ services: [String: [UInt16: UInt16]]) -> Workload {
            .make(uid, ip: "10.0.0.1", services: services) { $0.networkMode = .hostNetwork }
        }
        var world = World(
            .workload(host("a", ["ns/svc": [80: 80]])), .workload(host("b", [:])),
            .service(.make("ns/svc", vip: "127.0.0.3")))
        for _ in 0..<10 { #expect(try world.route("127.0.0.3:80").workload?.uid == "a") }
        #expect(try world.route("10.0.0.1:80").line == "tcp 10.0.0.1:80")
        #expect(try world.route("10.0.0.1:80").workload == nil)
    }

    @Test(
        "24: a dual-stack workload answers in the family of the call", arguments: ["127.0.0.2:80", "[ff06::c3]:80"])
    func dualStack(destination: String) throws {
        var world = World(.workload(.make("w", ip: "127.0.0.2", "ff06::c3")))
        #expect(try world.route(destination).line == "tcp \(destination)")
    }

    @Test(
        "25, 26: ip families of a service",
        arguments: [
            (Service.IPFamilies.v6, "127.0.0.3:80", "[ff06::c3]:8080"), (.v4, "[ff06::1]:80", "127.0.0.2:8080"),
            (.dual, "127.0.0.3:80", "127.0.0.2:8080"), (.dual, "[ff06::1]:80", "[ff06::c3]:8080"),
            (nil, "[ff06::1]:80", "[ff06::c3]:8080"),
        ])
    func families(families: Service.IPFamilies?, call: String, target: String) throws {
        var world = World(
            .workload(.make("w", ip: "127.0.0.2", "ff06::c3", hbone: true, services: ["ns/svc": [80: 8080]])),
            .service(.make("ns/svc", vip: "127.0.0.3", "ff06::1") { $0.ipFamilies = families }))
        let hop = target.replacing("8080", with: "15008")
        #expect(try world.route(call).line == "hbone \(hop) for \(target)")
    }

    @Test("32: a workload without addresses on our own network is never chosen, gateway or not")
    func noAddress() throws {
        var world = World(
            .workload(.make("w", services: ["ns/svc": [80: 80]]) { $0.networkGateway = .at("9.9.9.9") }),
            .service(.make("ns/svc", vip: "127.0.0.3")))
        #expect(try world.route("127.0.0.3:80").line == "refuse noHealthyUpstream noneUsable")
    }

    @Test(
        "35: weighted waypoints",
        arguments: [
            ([UInt32(100), 0], ["127.0.0.10"]), ([0, 100], ["127.0.0.11"]), ([0, 0], ["127.0.0.12"]),
            ([], ["127.0.0.12"]), ([75, 25], ["127.0.0.10", "127.0.0.11"]),
        ])
    func weighted(weights: [UInt32], expected: [String]) throws {
        var world = World(
            .workload(.make("w0", ip: "127.0.0.10", hbone: true)),
            .workload(.make("w1", ip: "127.0.0.11", hbone: true)),
            .workload(.make("w2", ip: "127.0.0.12", hbone: true)),
            .service(
                .make("ns/svc", vip: "127.0.0.3") {
                    $0.waypoint = .at("127.0.0.12")
                    for (index, weight) in weights.enumerated() {
                        guard let gateway = GatewayAddress.at("127.0.0.1\(index)") else { continue }
                        $0.weightedWaypoints.append(WeightedWaypoint(destination: gateway, weight: weight))
                    }
                }))
        var counts: [String: Int] = [:]
        for _ in 0..<1000 {
            guard case .hbone(let route) = try world.route("127.0.0.3:80") else { continue }
            counts["\(route.nextHop.ip)", default: 0] += 1
        }
        #expect(counts.keys.sorted() == expected)
        if weights == [75, 25] { #expect((650...850).contains(counts["127.0.0.10"] ?? 0)) }
    }

    @Test("36: the proxy's own ports over loopback are refused", arguments: [15001, 15006, 15008] as [UInt16])
    func selfCall(port: UInt16) throws {
        var world = World()
        #expect(try world.route("127.0.0.1:\(port)").line == "refuse selfCall")
        #expect(try world.route("[::1]:\(port)").line == "refuse selfCall")
        #expect(try world.route("10.0.0.1:\(port)").line == "tcp 10.0.0.1:\(port)")
        #expect(try world.route("127.0.0.1:15000").line == "tcp 127.0.0.1:15000")
    }

    @Test("a tunnel to a workload without a valid identity is refused")
    func noIdentity() throws {
        var world = World(.workload(.make("w", ip: "127.0.0.2", hbone: true) { $0.trustDomain = "" }))
        #expect(try world.route("127.0.0.2:80").line == "refuse noIdentity")
    }

    @Test("a refusal names the service and what to look at")
    func refusalText() throws {
        var world = World(.service(.make("ns/svc", vip: "127.0.0.3")))
        guard case .refuse(let refusal) = try world.route("127.0.0.3:80") else { throw BadFixture(text: "route") }
        #expect(refusal.description == "no healthy upstream for service ns/svc port 80: it has no healthy endpoint")
    }
}
