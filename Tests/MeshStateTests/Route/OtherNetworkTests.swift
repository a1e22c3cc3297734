import MeshCore
import MeshState
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Routes to other networks")
struct OtherNetworkTests {
    private static let far = try? SPIFFEID(parsing: "spiffe://remote.local/ns/ns/sa/far")

    /// A service with an endpoint on network "remote", behind a gateway.
    private static func remote(
        gateway: GatewayAddress? = .at("remote/9.9.9.9", port: 15009), identities: [SPIFFEID?] = [far],
        _ change: (inout Service.Fields) -> Void = { _ in }
    ) -> [MeshChange] {
        [
            .workload(
                .make("far", hbone: true, services: ["ns/svc": [80: 8080]]) {
                    $0.network = "remote"
                    $0.networkGateway = gateway
                }),
            .service(
                .make("ns/svc", vip: "127.0.0.3") {
                    $0.subjectAltNames = identities.compactMap { $0 }
                    change(&$0)
                }),
        ]
    }

    private static let gateway = MeshChange.workload(
        .make("gate", ip: "9.9.9.9", hbone: true) { $0.network = "remote" })

    private func route(_ changes: [MeshChange], _ destination: String = "127.0.0.3:80") throws -> OutboundRoute {
        var world = World()
        world.apply(changes)
        return try world.route(destination)
    }

    @Test("27: without a gateway the endpoint is never chosen, or refused when it has an address")
    func noGateway() throws {
        let hidden = try route(Self.remote(gateway: nil))
        #expect(hidden.line == "refuse noHealthyUpstream noneUsable")
        let addressed = MeshChange.workload(
            .make("far", ip: "127.0.0.2", hbone: true, services: ["ns/svc": [80: 8080]]) { $0.network = "remote" })
        #expect(try route(Self.remote(gateway: nil) + [addressed]).line == "refuse noNetworkGateway")
    }

    @Test("28: with a gateway by address there are two tunnels, both asked for the service by name")
    func byAddress() throws {
        let route = try route(Self.remote() + [Self.gateway])
        #expect(route.line == "double 9.9.9.9:15009 for svc:80")
        guard case .doubleHBONE(let double) = route else { return }
        #expect(double.gatewayIdentities.map(\.serviceAccount) == ["sa-gate"])
        #expect(double.innerIdentities == [Self.far].compactMap { $0 })
        #expect(double.gateway.uid == "gate")
        #expect(double.service.hostname == "svc")
        #expect(double.reason == .serviceEndpoint)
    }

    @Test("29: a gateway by service hostname is an endpoint of it, on its own port")
    func byServiceHostname() throws {
        let extra = try SPIFFEID(parsing: "spiffe://td/ns/other/sa/extra")
        let route = try route(
            Self.remote(gateway: .at("ns/gate.svc", port: 15009)) + [
                .workload(
                    .make("gate", ip: "10.0.0.9", hbone: true, services: ["ns/gate.svc": [15009: 15008]]) {
                        $0.network = "remote"
                    }),
                .service(.make("ns/gate.svc", ports: [15009: 0]) { $0.subjectAltNames = [extra] }),
            ])
        #expect(route.line == "double 10.0.0.9:15008 for svc:80")
        guard case .doubleHBONE(let double) = route else { return }
        #expect(double.gatewayIdentities.map(\.serviceAccount) == ["extra", "sa-gate"])
    }

    @Test(
        "a gateway by workload hostname, in the family of the call",
        arguments: [("127.0.0.3", "10.0.0.9"), ("ff06::1", "ff06::9")])
    func byWorkloadHostname(vip: String, hop: String) throws {
        let text = vip.contains(":") ? "[\(vip)]:80" : "\(vip):80"
        let shown = hop.contains(":") ? "[\(hop)]" : hop
        let route = try route(
            Self.remote(gateway: .at("ns/gate.host", port: 15010)) { fields in
                fields.vips = [NetworkAddress("/127.0.0.3"), NetworkAddress("/ff06::1")].compactMap { $0 }
            } + [
                .workload(
                    .make("gate", ip: "10.0.0.9", "ff06::9", hbone: true) {
                        $0.network = "remote"
                        $0.hostname = "gate.host"
                    })
            ], text)
        #expect(route.line == "double \(shown):15010 for svc:80")
    }

    @Test("30: a service waypoint on another network is asked for the service, not for the waypoint")
    func remoteWaypoint() throws {
        let way = try SPIFFEID(parsing: "spiffe://remote.local/ns/ns/sa/way")
        let route = try route([
            Self.gateway,
            .workload(
                .make("way", hbone: true, services: ["ns/way.svc": [15008: 15008]]) {
                    $0.network = "remote"
                    $0.networkGateway = .at("remote/9.9.9.9")
                }),
            .service(.make("ns/way.svc", ports: [15008: 15008]) { $0.subjectAltNames = [way] }),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at("ns/way.svc") }),
        ])
        #expect(route.line == "double 9.9.9.9:15008 for svc:80")
        guard case .doubleHBONE(let double) = route else { return }
        #expect(double.innerIdentities == [way])
        #expect(double.reason == .serviceWaypoint)
    }

    @Test("31: failover keeps to the own network while an endpoint is healthy there", arguments: [true, false])
    func failover(healthy: Bool) throws {
        let local = MeshChange.workload(
            .make("near", ip: "127.0.0.2", hbone: true, services: ["ns/svc": [80: 80]]) {
                $0.status = healthy ? .healthy : .unhealthy
            })
        let balanced = Self.remote {
            $0.loadBalancer = LoadBalancer(routingPreferences: [.network], mode: .failover)
        }
        for _ in 0..<20 {
            let line = try route(balanced + [Self.gateway, local]).line
            #expect(line == (healthy ? "hbone 127.0.0.2:15008 for 127.0.0.2:80" : "double 9.9.9.9:15009 for svc:80"))
        }
    }

    @Test("34: a service that names nobody who may answer there is refused, the endpoint's own identity does not count")
    func noServiceIdentities() throws {
        #expect(try route(Self.remote(identities: []) + [Self.gateway]).line == "refuse noServiceIdentities")
        let waypoint: [MeshChange] = [
            Self.gateway,
            .workload(
                .make("way", ip: "127.0.0.10", hbone: true) {
                    $0.network = "remote"
                    $0.networkGateway = .at("remote/9.9.9.9")
                }),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at("remote/127.0.0.10") }),
        ]
        #expect(try route(waypoint).line == "refuse noServiceIdentities")
    }

    @Test("a waypoint of another network without a gateway is not gone around")
    func waypointWithoutGateway() throws {
        let changes: [MeshChange] = [
            .workload(.make("way", ip: "127.0.0.10", hbone: true) { $0.network = "remote" }),
            .service(.make("ns/svc", vip: "127.0.0.3") { $0.waypoint = .at("remote/127.0.0.10") }),
        ]
        #expect(try route(changes).line == "refuse noNetworkGateway")
    }

    @Test("a workload whose waypoint is on another network is not sent to its service instead")
    func workloadWaypoint() throws {
        let changes: [MeshChange] = [
            Self.gateway,
            .workload(
                .make("way", ip: "127.0.0.10", hbone: true, services: ["ns/way.svc": [15008: 15008]]) {
                    $0.network = "remote"
                    $0.networkGateway = .at("remote/9.9.9.9")
                }),
            .service(.make("ns/way.svc", ports: [15008: 15008])),
            .workload(.make("w", ip: "127.0.0.2", hbone: true) { $0.waypoint = .at("ns/way.svc") }),
        ]
        #expect(try route(changes, "127.0.0.2:80").line == "refuse crossNetworkWithoutService")
    }

    @Test("a gateway that is not known, or has nothing to offer, is refused, with the reason")
    func badGateway() throws {
        #expect(try route(Self.remote()).line == "refuse unknownNetworkGateway")
        #expect(try route(Self.remote(gateway: .at("ns/none"))).line == "refuse unknownNetworkGateway")
        let empty = MeshChange.service(.make("ns/gate.svc", ports: [15009: 15008]))
        let named = Self.remote(gateway: .at("ns/gate.svc", port: 15009))
        #expect(try route(named + [empty]).line == "refuse networkGatewayUnusable noEndpoints")
        let otherPort = MeshChange.service(.make("ns/gate.svc", ports: [15008: 15008]))
        #expect(try route(named + [otherPort]).line == "refuse networkGatewayUnusable portNotDefined")
        let nobody = MeshChange.workload(
            .make("gate", ip: "9.9.9.9") {
                $0.network = "remote"
                $0.trustDomain = ""
            })
        #expect(try route(Self.remote() + [nobody]).line == "refuse noIdentity")
        let byEndpoint =
            Self.remote(gateway: .at("ns/gate.svc", port: 15009)) + [
                .service(.make("ns/gate.svc", ports: [15009: 15008])),
                .workload(.make("gate", services: ["ns/gate.svc": [:]]) { $0.network = "" }),
            ]
        #expect(try route(byEndpoint).line == "refuse networkGatewayUnusable noneUsable")
    }

    @Test("a refusal names the network, the gateway and the service")
    func texts() throws {
        func text(_ changes: [MeshChange]) throws -> String {
            guard case .refuse(let refusal) = try route(changes) else { throw BadFixture(text: "route") }
            return refusal.description
        }
        #expect(
            try text(Self.remote())
                == "network gateway remote/9.9.9.9 of workload far on network \"remote\" is not known")
        #expect(
            try text(Self.remote(identities: []) + [Self.gateway])
                == "workload far is on network \"remote\", where only the subject alternative names of service ns/svc may "
                + "answer, and it has none")
        #expect(
            try text(
                Self.remote(gateway: .at("ns/gate.svc", port: 15009)) + [
                    .service(.make("ns/gate.svc", ports: [15009: 15008]))
                ])
                == "network gateway ns/gate.svc of workload far on network \"remote\" cannot be used: service ns/gate.svc "
                + "port 15009: it has no healthy endpoint")
    }
}
