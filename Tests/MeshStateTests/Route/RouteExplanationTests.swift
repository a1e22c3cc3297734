import MeshCore
import MeshState
import MeshTestSupport
import Testing

@Suite("Route explanation")
struct RouteExplanationTests {
    private func explain(
        _ world: World, _ destination: String, source: Workload = .client(), from ip: String? = nil
    ) throws -> RouteExplanation {
        var random = QuickRandom(seed: 1)
        return world.router.explain(
            source: source, sourceIP: ip.flatMap { IPAddress($0) }, destination: try address(destination),
            snapshot: world.snapshot, random: &random)
    }

    /// `name standing` of each record at the address.
    private func records(_ explanation: RouteExplanation) -> [String] {
        explanation.records.map { record in
            switch record.subject {
            case .service(let entry): "\(entry.key) \(record.standing)"
            case .workload(let workload): "\(workload.uid) \(record.standing)"
            }
        }
    }

    private static let way = Service.make("ns/way", vip: "10.0.0.50", ports: [15008: 15008])

    @Test("takes the route that the data path takes, draw for draw")
    func sameRoute() throws {
        var world = World(.service(.make("ns/svc", vip: "10.0.0.100")))
        for number in 1...8 {
            world.apply(
                .workload(.make("w\(number)", ip: "10.0.1.\(number)", hbone: true, services: ["ns/svc": [80: 80]])))
        }
        for seed in 0..<20 as Range<UInt64> {
            var first = QuickRandom(seed: seed), second = QuickRandom(seed: seed)
            let destination = try address("10.0.0.100:80")
            let served = world.router.outbound(
                source: .client(), destination: destination, snapshot: world.snapshot, random: &first)
            let explained = world.router.explain(
                source: .client(), destination: destination, snapshot: world.snapshot, random: &second)
            #expect(served.line == explained.route.line)
            let chosen = explained.choices.first?.candidates.filter { $0.outcome == .chosen }
            #expect(chosen?.map(\.endpoint.endpoint.workloadUID) == served.workload.map { [$0.uid] })
            #expect(explained.choices.first?.candidates.filter { $0.outcome == .notDrawn }.count == 7)
        }
    }

    @Test("an address that nobody has is passed through, and no record is listed")
    func unknown() throws {
        let explanation = try explain(World(), "192.0.2.1:80")
        #expect(explanation.records.isEmpty && explanation.waypoint == nil && explanation.choices.isEmpty)
        #expect(explanation.route.line == "tcp 192.0.2.1:80")
    }

    @Test("everything at an address is listed with why it does not answer")
    func everyRecord() throws {
        let world = World(
            .service(.make("ns/own", vip: "10.0.0.9")), .service(.make("other/same", vip: "10.0.0.9")),
            .service(.make("other/hidden", vip: "10.0.0.9") { $0.visibility = .namespace }),
            .service(.make("other/wide", vip: "/10.0.0.0/8")), .workload(.make("w", ip: "10.0.0.9")),
            .workload(.make("host", ip: "10.0.0.9") { $0.networkMode = .hostNetwork }),
            .workload(.make("far", ip: "10.0.0.9") { $0.network = "elsewhere" }))
        #expect(
            records(try explain(world, "10.0.0.9:80")) == [
                "ns/own this record answers", "other/hidden not visible from namespace ns",
                "other/wide an exact address comes before a block",
                "far of network \"elsewhere\", which is another",
                "host on the host's network; the address is the node's", "w a service of this address comes first",
            ])
    }

    @Test("of blocks the smaller one answers, of workloads the one that speaks HBONE")
    func ranks() throws {
        let world = World(
            .service(.make("a/wide", vip: "/10.1.0.0/16")), .service(.make("b/narrow", vip: "/10.1.1.0/24")),
            .workload(.make("plain", ip: "10.2.0.1")), .workload(.make("mesh", ip: "10.2.0.1", hbone: true)))
        #expect(
            records(try explain(world, "10.1.1.1:80")) == [
                "b/narrow this record answers", "a/wide a smaller block comes first",
            ])
        #expect(
            records(try explain(world, "10.2.0.1:80")) == [
                "mesh this record answers",
                "plain a pod comes before other workloads, and one that speaks HBONE before one that does not",
            ])
    }

    @Test("a waypoint is named with what it leads to, and the choice among its endpoints")
    func waypoint() throws {
        let world = World(
            .service(Self.way),
            .workload(.make("p", ip: "10.0.2.1", hbone: true, services: ["ns/way": [15008: 15008]])),
            .service(.make("ns/svc", vip: "10.0.0.100") { $0.waypoint = .at("ns/way") }))
        let explanation = try explain(world, "10.0.0.100:80")
        #expect(explanation.waypoint?.gateway == .at("ns/way") && explanation.waypoint?.isUsed == true)
        guard case .service(let target)? = explanation.waypoint?.target else { throw BadFixture(text: "no target") }
        #expect("\(target.key)" == "ns/way")
        #expect(explanation.choices.map { "\($0.service.key) \($0.port)" } == ["ns/way 15008"])
        #expect(records(explanation) == ["ns/svc this record answers"])
        #expect(explanation.route.line == "hbone 10.0.2.1:15008 for 10.0.0.100:80")
    }

    @Test("a waypoint that is not known is named, and leads to nothing")
    func unknownWaypoint() throws {
        let world = World(.workload(.make("w", ip: "10.0.0.9", hbone: true) { $0.waypoint = .at("ns/none") }))
        let explanation = try explain(world, "10.0.0.9:80")
        #expect(explanation.waypoint?.isUsed == true && explanation.waypoint?.target == nil)
        #expect(explanation.route.line == "refuse unknownWaypoint")
    }

    @Test("the waypoint itself goes on directly, and it is said why")
    func fromWaypoint() throws {
        let proxy = Workload.make("p", ip: "10.0.2.1", hbone: true, services: ["ns/way": [15008: 15008]])
        let world = World(
            .service(Self.way), .workload(proxy),
            .workload(.make("w", ip: "10.0.0.9", hbone: true) { $0.waypoint = .at("ns/way") }))
        let explanation = try explain(world, "10.0.0.9:80", source: proxy, from: "10.0.2.1")
        #expect(explanation.waypoint?.isUsed == false)
        #expect(explanation.route.line == "hbone 10.0.0.9:15008 for 10.0.0.9:80")
    }

    @Test("a service without usable endpoint says why for each")
    func noneUsable() throws {
        let world = World(
            .service(.make("ns/svc", vip: "10.0.0.100", ports: [80: 0])),
            .workload(.make("a", ip: "10.0.1.1", services: ["ns/svc": [8080: 1]])),
            .workload(.make("b", ip: "10.0.1.2", services: ["ns/svc": [80: 1]]) { $0.capacity = 0 }))
        let explanation = try explain(world, "10.0.0.100:80")
        #expect(
            explanation.choices.first?.candidates.map { "\($0.endpoint.endpoint.workloadUID): \($0.outcome)" } == [
                "a: it has no target for service port 80", "b: its capacity is 0",
            ])
        #expect(explanation.route.line == "refuse noHealthyUpstream noneUsable")
    }

    @Test("the way to another network is named with what it leads to, and the far endpoint as a candidate")
    func otherNetwork() throws {
        let world = World(
            .workload(
                .make("far", hbone: true, services: ["ns/svc": [80: 8080]]) {
                    $0.network = "remote"
                    $0.networkGateway = .at("remote/9.9.9.9", port: 15009)
                }),
            .workload(.make("gate", ip: "9.9.9.9", hbone: true) { $0.network = "remote" }),
            .service(
                .make("ns/svc", vip: "10.0.0.100") {
                    $0.subjectAltNames = ["spiffe://far.example/ns/ns/sa/far"].compactMap { try? SPIFFEID(parsing: $0) }
                }))
        let explanation = try explain(world, "10.0.0.100:80")
        #expect(explanation.route.line == "double 9.9.9.9:15009 for svc:80")
        #expect(explanation.networkGateway?.workload.uid == "far")
        guard case .workload(let target)? = explanation.networkGateway?.target else { throw BadFixture(text: "target") }
        #expect(target.uid == "gate")
        #expect(explanation.choices.first?.candidates.map(\.outcome) == [.chosen])
    }

    @Test("a next hop of which only a hostname is known stays open")
    func hostname() throws {
        let world = World(
            .service(.make("ns/svc", vip: "10.0.0.100")),
            .workload(.make("w", services: ["ns/svc": [80: 8080]]) { $0.hostname = "example.com" }))
        guard case .resolve(let open) = try explain(world, "10.0.0.100:80").route else {
            throw BadFixture(text: "route")
        }
        #expect(open.hostname == "example.com")
    }
}
