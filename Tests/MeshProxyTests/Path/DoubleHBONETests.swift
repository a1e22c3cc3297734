import Glibc
import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import Testing

@testable import MeshProxy

/// Client, gateway and far proxy: each a data plane with a certificate and records of its own.
private final class TwoNetworks {
    static let vip = SocketAddress(IPAddress(v4: 0x0a09_0909), 80)
    static let hostname = "echo.shop.svc"

    let application = try? Echo()
    let far: ProxyNode
    let gateway: ProxyNode
    let client: ProxyNode

    /// - Parameters:
    ///   - expected: who the client's records say may answer for the service.
    ///   - gatewayAccount: who they say the gateway is.
    init(
        expected: String = "chained", gatewayAccount: String = "cart", policies: [AuthorizationPolicy] = [],
        gatewayKnows: Bool = true, gatewayPort: UInt16? = nil, reachesTarget: Bool = true
    ) throws {
        let application = try #require(application)
        // What the far side and the gateway call themselves; the client's records may say otherwise.
        let farSelf = Workload.peer("far", "web", "chained") { $0.network = "remote" }
        let target = reachesTarget ? application.address.port : 1
        far = try ProxyNode(
            "chained", own: farSelf,
            [.service(.at(Self.vip, hostname: Self.hostname, target: target, endpoints: ["far"]))],
            policies: policies
        ) { $0.network = "remote" }
        let farPort = try far.address(.inbound).port
        let gatewaySelf = Workload.peer("gateway", "shop", "cart") { $0.network = "remote" }
        gateway = try ProxyNode(
            "cart", own: gatewaySelf,
            gatewayKnows
                ? [.service(.at(Self.vip, hostname: Self.hostname, target: farPort, endpoints: ["gateway"]))] : []
        ) { $0.network = "remote" }
        let port = try gatewayPort ?? gateway.address(.inbound).port
        let identity = try SPIFFEID(parsing: "spiffe://cluster.local/ns/web/sa/\(expected)")
        client = try ProxyNode(
            "front", own: .peer("client", "web", "front"),
            [
                .workload(
                    .peer("gateway", "shop", gatewayAccount) { $0.network = "remote" }),
                .workload(
                    .peer("other", "web", "chained") {
                        $0.addresses = []
                        $0.network = "remote"
                        $0.networkGateway = GatewayAddress(
                            destination: .address(NetworkAddress(network: "remote", ip: .loopbackV4)),
                            hboneMTLSPort: port)
                    }),
                .service(
                    .at(Self.vip, hostname: Self.hostname, target: 8080, endpoints: ["other"]) {
                        $0.subjectAltNames = [identity]
                    }),
            ])
    }
}

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("A connection to another network", .serialized)
struct DoubleHBONETests {
    private static func expectReset(_ client: Client) { #expect(client.end() != EAGAIN) }

    @Test("33, 28: goes through two tunnels, and is told by whom the far side says it is")
    func works() throws {
        let mesh = try TwoNetworks()
        let client = try mesh.client.open(TwoNetworks.vip)
        client.send("hello across")
        #expect(client.receive(12) == Array("hello across".utf8))
        // The application's socket, and not the one that joins the two tunnels.
        #expect(mesh.client.metric("istio_tcp_sockets_open", "reporter=\"source\"") == 1)
        client.finish()
        #expect(client.receiveAll().isEmpty)

        let line = try mesh.client.line("connection complete")
        let gatewayAddress = try mesh.gateway.address(.inbound)
        for part in [
            "dst.addr=\(gatewayAddress)", "dst.hbone_addr=echo.shop.svc:80", "dst.service=\"echo.shop.svc\"",
            "dst.workload=\"far-app\"", "dst.namespace=\"web\"",
            "dst.identity=\"spiffe://cluster.local/ns/web/sa/chained\"",
            "src.identity=\"spiffe://cluster.local/ns/web/sa/front\"", "bytes_sent=12", "bytes_recv=12",
        ] { #expect(line.contains(part), "\(part) in \(line)") }
        #expect(!line.contains("error="))
        // One connection, one opened line, and nothing of the tunnel outside.
        #expect(mesh.client.seen.count { $0.contains("connection") } == 2, "\(mesh.client.seen)")
        let labels = [
            "destination_workload=\"far-deployment\"", "destination_service=\"echo.shop.svc\"",
            "destination_principal=\"spiffe://cluster.local/ns/web/sa/chained\"",
            "connection_security_policy=\"mutual_tls\"",
        ]
        for name in ["opened", "closed"] {
            let metric = "istio_tcp_connections_\(name)_total"
            #expect(mesh.client.metric(metric) == 1)
            #expect(mesh.client.metric(metric, labels[0], labels[1]) == 1)
            #expect(mesh.client.metric(metric, labels[2], labels[3]) == 1)
        }
        #expect(mesh.client.metric("istio_tcp_sent_bytes_total", "reporter=\"source\"") == 12)
    }

    @Test("41, 95: the far side hears of another network, and takes the source from the baggage")
    func forwardedNetwork() throws {
        let mesh = try TwoNetworks()
        let client = try mesh.client.open(TwoNetworks.vip)
        client.send("x")
        #expect(client.receive(1).count == 1)
        client.finish()
        _ = client.receiveAll()
        let line = try mesh.far.line("connection complete")
        // By address the source would be the far workload itself, on 127.0.0.1.
        #expect(line.contains("src.workload=\"client-app\""), "\(line)")
        #expect(line.contains("src.identity=\"spiffe://cluster.local/ns/web/sa/front\""))
        #expect(line.contains("dst.hbone_addr=echo.shop.svc:80"))
        // The app of a workload that only baggage tells of is the workload's name, of a record the canonical one.
        let opened = mesh.far.metric(
            "istio_tcp_connections_opened_total", #"source_canonical_service="client-app""#,
            #"source_app="client-deployment""#, #"destination_app="far-app""#)
        #expect(opened == 1)
    }

    @Test("carries much data whole in both directions")
    func bulk() throws {
        let mesh = try TwoNetworks()
        let client = try mesh.client.open(TwoNetworks.vip)
        let total = 12 << 20
        let bytes = (0..<total).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 13) }
        let sender = try KernelThread.start("sender") {
            client.send(bytes)
            client.finish()
        }
        let echoed = client.receiveAll()
        sender.join()
        #expect(echoed.count == total)
        #expect(echoed == bytes)
    }

    @Test("outer tunnels are pooled, inner ones are not; a drain finds nothing left")
    func pooling() throws {
        let mesh = try TwoNetworks()
        for _ in 0..<3 {
            let client = try mesh.client.open(TwoNetworks.vip)
            client.send("x")
            #expect(client.receive(1).count == 1)
            client.finish()
            #expect(client.receiveAll().isEmpty)
        }
        func sources(_ node: ProxyNode) throws -> Set<Substring> {
            try Set(
                (0..<3).map { _ in
                    let line = try node.line("connection complete", "inbound")
                    return try #require(
                        line.split(whereSeparator: { " \t".contains($0) }).first { $0.hasPrefix("src.addr=") })
                })
        }
        #expect(try sources(mesh.gateway).count == 1)
        #expect(try sources(mesh.far).count == 3)
        mesh.client.plane.drain()
        mesh.client.plane.join()
        mesh.far.plane.drain()
        mesh.far.plane.join()
    }

    @Test("34: is refused when the far side is not who the service says")
    func wrongFarSide() throws {
        let mesh = try TwoNetworks(expected: "somebody")
        Self.expectReset(try mesh.client.open(TwoNetworks.vip))
        let line = try mesh.client.line("connection failed")
        #expect(line.contains("tunnel to echo.shop.svc:80 through the network gateway: TLS handshake"), "\(line)")
        #expect(line.contains("sa/chained"))
        #expect(mesh.client.metric("istio_tcp_connections_opened_total") == 0)
    }

    @Test("is refused when the gateway is somebody else")
    func wrongGateway() throws {
        let mesh = try TwoNetworks(gatewayAccount: "somebody")
        Self.expectReset(try mesh.client.open(TwoNetworks.vip))
        let line = try mesh.client.line("connection failed")
        let gatewayAddress = try mesh.gateway.address(.inbound)
        #expect(line.contains("tunnel to network gateway \(gatewayAddress): TLS handshake"), "\(line)")
        #expect(mesh.client.metric("istio_tcp_connections_opened_total") == 0)
    }

    @Test("says what the gateway answered")
    func gatewayRefuses() throws {
        let mesh = try TwoNetworks(gatewayKnows: false)
        Self.expectReset(try mesh.client.open(TwoNetworks.vip))
        let line = try mesh.client.line("connection failed")
        #expect(line.contains("tunnel to network gateway"), "\(line)")
        #expect(line.contains("status 503"))
    }

    @Test("says that the gateway cannot be reached")
    func gatewayGone() throws {
        let unused = try Application()
        Kernel.close(unused.descriptor)
        let mesh = try TwoNetworks(gatewayPort: unused.address.port)
        Self.expectReset(try mesh.client.open(TwoNetworks.vip))
        let line = try mesh.client.line("connection failed")
        #expect(line.contains("tunnel to network gateway \(unused.address): connect"), "\(line)")
    }

    @Test("says what the far side answered")
    func farSideRefuses() throws {
        let nobody = AuthorizationPolicy(
            name: "nobody", namespace: "shop", scope: .namespace, action: .deny, rules: [.init()])
        let mesh = try TwoNetworks(policies: [nobody])
        Self.expectReset(try mesh.client.open(TwoNetworks.vip))
        #expect(try mesh.client.line("connection failed").contains("status 401"))
        #expect(try mesh.far.line("connection complete").contains("shop/nobody"))
    }

    @Test("says that the far application cannot be reached")
    func farApplicationGone() throws {
        let mesh = try TwoNetworks(reachesTarget: false)
        Self.expectReset(try mesh.client.open(TwoNetworks.vip))
        #expect(try mesh.client.line("connection failed").contains("status 503"))
    }

    @Test("ends when the gateway goes, and says so")
    func gatewayStops() throws {
        let mesh = try TwoNetworks()
        let client = try mesh.client.open(TwoNetworks.vip)
        client.send("x")
        #expect(client.receive(1).count == 1)
        mesh.gateway.plane.stop()
        Self.expectReset(client)
        let line = try mesh.client.line("connection complete")
        #expect(line.contains("error=\"tunnel to network gateway"), "\(line)")
        #expect(mesh.client.metric("istio_tcp_connections_failed_total") == 1)
    }

    @Test("ends when the far side goes, and says so")
    func farSideStops() throws {
        let mesh = try TwoNetworks()
        let client = try mesh.client.open(TwoNetworks.vip)
        client.send("x")
        #expect(client.receive(1).count == 1)
        mesh.far.plane.stop()
        Self.expectReset(client)
        #expect(try mesh.client.line("connection complete").contains("error=\""))
    }

    @Test("an application that gives up early leaves nothing behind")
    func givesUp() throws {
        let mesh = try TwoNetworks()
        for _ in 0..<20 { _ = try mesh.client.open(TwoNetworks.vip) }
        mesh.client.plane.drain()
        mesh.client.plane.join()
    }
}
