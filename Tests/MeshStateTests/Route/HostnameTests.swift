import MeshCore
import MeshState
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Routes to hostnames")
struct HostnameTests {
    private static func host(_ uid: String, hbone: Bool, port: UInt16 = 8080) -> MeshChange {
        .workload(
            .make(uid, hbone: hbone, services: ["ns/svc": [80: port]]) { $0.hostname = "example.com" })
    }

    /// The route to the service of a workload that has only a hostname, with these answers for it.
    private func route(
        _ changes: [MeshChange], _ answers: [String], to destination: String = "127.0.0.3:80"
    ) throws -> [String] {
        var world = World(.service(.make("ns/svc", vip: "127.0.0.3", "ff06::1")))
        world.apply(changes)
        guard case .resolve(let open) = try world.route(destination) else { throw BadFixture(text: "route") }
        #expect(open.hostname == "example.com")
        let addresses = try answers.map(ip)
        var lines: Set<String> = []
        for _ in 0..<40 {
            if let made = open.route(among: addresses, random: &world.random) { lines.insert(made.line) }
        }
        return lines.sorted()
    }

    @Test("42: the family of the caller is preferred, the other one is used, and no answer is no route")
    func families() throws {
        let plain = [Self.host("w", hbone: false)]
        let both = ["10.0.0.1", "2001:db8::1"]
        #expect(try route(plain, both) == ["tcp 10.0.0.1:8080"])
        #expect(try route(plain, both, to: "[ff06::1]:80") == ["tcp [2001:db8::1]:8080"])
        #expect(try route(plain, ["2001:db8::1"]) == ["tcp [2001:db8::1]:8080"])
        #expect(try route(plain, []).isEmpty)
    }

    @Test("any of several answers of the family is used")
    func several() throws {
        let lines = try route([Self.host("w", hbone: false)], ["10.0.0.1", "10.0.0.2", "2001:db8::1"])
        #expect(lines == ["tcp 10.0.0.1:8080", "tcp 10.0.0.2:8080"])
    }

    @Test("a tunnel asks for the address that was found")
    func tunnel() throws {
        let lines = try route([Self.host("w", hbone: true)], ["10.0.0.1"])
        #expect(lines == ["hbone 10.0.0.1:15008 for 10.0.0.1:8080"])
    }

    @Test("a waypoint that has only a hostname is asked for the original destination")
    func waypoint() throws {
        let way = MeshChange.workload(.make("way", hbone: true) { $0.hostname = "example.com" })
        let service = MeshChange.service(
            .make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at("ns/example.com", port: 15019) })
        #expect(try route([way, service], ["10.0.0.1"]) == ["hbone 10.0.0.1:15019 for 127.0.0.3:80"])
    }

    @Test("a network gateway that has only a hostname")
    func gateway() throws {
        let far = try SPIFFEID(parsing: "spiffe://remote.local/ns/ns/sa/far")
        let changes: [MeshChange] = [
            .workload(
                .make("gate", hbone: true) {
                    $0.hostname = "example.com"
                    $0.network = "remote"
                }),
            .workload(
                .make("far", hbone: true, services: ["ns/svc": [80: 80]]) {
                    $0.network = "remote"
                    $0.networkGateway = .at("ns/example.com", port: 15009)
                }),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.subjectAltNames = [far] }),
        ]
        #expect(try route(changes, ["10.0.0.1"]) == ["double 10.0.0.1:15009 for svc:80"])
    }

    @Test("an address that is known needs no look-up")
    func known() throws {
        var world = World(.workload(.make("w", ip: "10.0.0.1") { $0.hostname = "example.com" }))
        #expect(try world.route("10.0.0.1:80").line == "tcp 10.0.0.1:80")
    }
}
