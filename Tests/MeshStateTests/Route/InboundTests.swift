import MeshCore
import MeshState
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Inbound routes")
struct InboundTests {
    private static let pod = Workload.make(
        "pod", ip: "10.0.0.1", hbone: true, services: ["ns/svc": [80: 8080, 81: 7777]])

    /// One line: the upstream, the PROXY destination; or the status of the refusal.
    private func line(
        _ world: World, _ authority: String, own: Workload = pod, at destination: String = "10.0.0.1"
    ) throws -> String {
        let target: HBONEAuthority
        if let address = SocketAddress(authority) {
            target = .address(address)
        } else if let colon = authority.lastIndex(of: ":"),
            let port = UInt16(authority[authority.index(after: colon)...])
        {
            target = .hostname(String(authority[..<colon]), port: port)
        } else {
            throw BadFixture(text: authority)
        }
        let route = world.router.inbound(
            own: own, connectionDestination: try ip(destination), authority: target, snapshot: world.snapshot)
        switch route {
        case .accept(let target):
            return "\(target.upstream)" + (target.proxyDestination.map { " proxy \($0)" } ?? "")
                + (target.usesLoopback ? " loopback, policy \(target.policyDestination)" : "")
        case .refuse(let refusal): return "\(refusal.status)"
        }
    }

    @Test("75: an authority of the pod itself")
    func own() throws {
        let world = World(.workload(Self.pod))
        #expect(try line(world, "10.0.0.1:8080") == "10.0.0.1:8080")
    }

    @Test("76: a service hostname goes to its target port, a named port to the endpoint's")
    func hostname() throws {
        let world = World(
            .workload(Self.pod), .service(.make("ns/svc", vip: "127.0.0.3", ports: [80: 8080, 81: 0, 82: 0, 83: 9090])))
        #expect(try line(world, "svc:80") == "10.0.0.1:8080")
        #expect(try line(world, "svc:81") == "10.0.0.1:7777")
        #expect(try line(world, "svc:82") == "503")
        #expect(try line(world, "svc:83") == "10.0.0.1:9090")
        #expect(try line(world, "svc:84") == "503")
    }

    @Test("77: a hostname that is unknown or hidden from us")
    func unknownHostname() throws {
        let world = World(.workload(Self.pod), .service(.make("other/hidden") { $0.visibility = .namespace }))
        #expect(try line(world, "nothing:80") == "503")
        #expect(try line(world, "hidden:80") == "503")
    }

    @Test("78: an authority of another pod")
    func mismatch() throws {
        let world = World(.workload(Self.pod), .workload(.make("b", ip: "10.0.0.2", hbone: true)))
        #expect(try line(world, "10.0.0.2:80") == "400")
        #expect(try line(world, "9.9.9.9:80") == "400")
    }

    @Test(
        "79 to 81: what has us as its waypoint, by address, VIP or hostname",
        arguments: ["10.0.0.10", "127.0.0.9", "ns/way"])
    func waypoint(reference: String) throws {
        let way = Workload.make("way", ip: "10.0.0.10", hbone: true, services: ["ns/way": [15008: 15008]])
        let world = World(
            .workload(way), .service(.make("ns/way", vip: "127.0.0.9", ports: [15008: 15008])),
            .workload(.make("w", ip: "10.0.0.2") { $0.waypoint = .at(reference) }),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at(reference) }),
            .workload(.make("plain", ip: "10.0.0.3", services: ["ns/svc": [80: 80]])),
            .service(.make("ns/plain", vip: "127.0.0.4")))
        func line(_ authority: String) throws -> String { try self.line(world, authority, own: way, at: "10.0.0.10") }
        #expect(try line("10.0.0.2:8080") == "10.0.0.10:8080")
        #expect(try line("127.0.0.3:80") == "10.0.0.10:80")
        #expect(try line("10.0.0.3:80") == "400")
        #expect(try line("127.0.0.4:80") == "400")
    }

    @Test("Deviation: one of several weighted waypoints is accepted too")
    func weightedWaypoint() throws {
        let way = Workload.make("way", ip: "10.0.0.10", hbone: true)
        for (weight, expected) in [(UInt32(1), "10.0.0.10:80"), (0, "400")] {
            let world = World(
                .workload(way),
                .service(
                    .make("ns/svc", vip: "127.0.0.3") {
                        guard let gateway = GatewayAddress.at("10.0.0.10") else { return }
                        $0.weightedWaypoints = [WeightedWaypoint(destination: gateway, weight: weight)]
                    }))
            #expect(try line(world, "127.0.0.3:80", own: way, at: "10.0.0.10") == expected)
        }
    }

    @Test("82 to 85: application tunnels")
    func tunnels() throws {
        func way(_ kind: ApplicationTunnel.Kind, _ port: UInt16?) -> Workload {
            .make("way", ip: "10.0.0.10") { $0.applicationTunnel = ApplicationTunnel(kind: kind, port: port) }
        }
        var world = World(
            .service(.make("ns/svc", vip: "other/127.0.0.5", "ff06::1", "127.0.0.3")), .service(.make("ns/bare")))
        func line(_ authority: String, _ own: Workload) throws -> String {
            try self.line(world, authority, own: own, at: "10.0.0.10")
        }
        let local = "127.0.0.1:15088"
        let policy = "loopback, policy 10.0.0.10:15088"
        #expect(try line("9.9.9.9:80", way(.proxy, 15088)) == "\(local) proxy 9.9.9.9:80 \(policy)")
        #expect(try line("svc:80", way(.proxy, 15088)) == "\(local) proxy 127.0.0.3:80 \(policy)")
        #expect(try line("bare:80", way(.proxy, 15088)) == "503")
        #expect(try line("svc:80", way(.none, 15088)) == "10.0.0.10:15088")
        #expect(try line("9.9.9.9:80", way(.none, nil)) == "10.0.0.10:80")
        world.router.localhostAppTunnel = false
        #expect(try line("9.9.9.9:80", way(.proxy, 15088)) == "10.0.0.10:15088 proxy 9.9.9.9:80")
    }

    @Test("87: the proxy's own ports are refused, before the tunnel's port is put in place")
    func illegalPorts() throws {
        let world = World(.workload(Self.pod))
        for port in [15001, 15006, 15008] { #expect(try line(world, "10.0.0.1:\(port)") == "503") }
        let way = Workload.make("way", ip: "10.0.0.1") {
            $0.applicationTunnel = ApplicationTunnel(kind: .none, port: 15006)
        }
        #expect(try line(world, "10.0.0.1:15006", own: way) == "503")
        #expect(try line(world, "10.0.0.1:80", own: way) == "10.0.0.1:15006")
    }

    @Test("telemetry names the service of the forwarded host, else the one that has the port")
    func service() {
        let world = World(
            .workload(.make("pod", ip: "10.0.0.1", services: ["ns/a": [80: 8080], "ns/b": [80: 9090]])),
            .service(.make("ns/a", ports: [80: 8080])), .service(.make("ns/b", ports: [80: 0])))
        func name(_ host: String?, _ port: UInt16) -> String? {
            world.router.inboundService(
                own: Self.pod, authorityService: nil, forwardedHost: host, port: port, snapshot: world.snapshot)?
                .hostname
        }
        #expect(name("b", 8080) == "b")
        #expect(name(nil, 8080) == "a")
        #expect(name("other", 9090) == "b")
        #expect(name(nil, 1) == nil)
    }
}
