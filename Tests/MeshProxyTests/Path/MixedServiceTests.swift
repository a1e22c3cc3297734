import MeshCore
import MeshLinux
import MeshState
import Testing

@testable import MeshProxy

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Connections to services and ports", .serialized)
struct MixedServiceTests {
    @Test("54: of two pods of a service one speaks HBONE: both are reached, and the metrics tell them apart")
    func mixed() throws {
        let vip = SocketAddress(IPAddress(v4: 0x0a09_0909), 80)
        let (inMesh, plain) = (try Echo(), try Echo(on: IPAddress(v4: 0x7f00_0002)))
        let server = try ProxyNode("cart", own: .peer("meshed", "shop", "cart"), [])
        let hbonePort = try server.address(.inbound).port
        var service = Service.Fields()
        service.name = "echo"
        service.namespace = "shop"
        service.hostname = "echo.shop"
        service.vips = [NetworkAddress(network: "", ip: vip.ip)]
        service.ports = [80: 0]
        for (uid, application) in [("meshed", inMesh), ("plain", plain)] {
            service.endpoints[uid] = Endpoint(
                workloadUID: uid, ports: [80: application.address.port], status: .healthy)
        }
        let client = try ProxyNode(
            "front", own: .peer("client", "web", "front") { $0.addresses = [IPAddress(v4: 0x0a01_0101)] },
            [
                .workload(.peer("meshed", "shop", "cart")),
                .workload(
                    .peer("plain", "shop", "plain") {
                        $0.addresses = [IPAddress(v4: 0x7f00_0002)]
                        $0.tunnelProtocol = .tcp
                    }),
                .service(Service(service)),
            ]
        ) { $0.hbonePort = hbonePort }
        for _ in 0..<50 {
            let connection = try client.open(vip)
            connection.send("x")
            #expect(connection.receive(1).count == 1)
            connection.finish()
            #expect(connection.receiveAll().isEmpty)
        }
        let opened = "istio_tcp_connections_opened_total"
        let tunnelled = client.metric(
            opened, "destination_workload=\"meshed-deployment\"", "connection_security_policy=\"mutual_tls\"")
        let bare = client.metric(
            opened, "destination_workload=\"plain-deployment\"", "connection_security_policy=\"unknown\"")
        #expect(tunnelled > 0 && bare > 0)
        #expect(tunnelled + bare == 50)
    }

    @Test("101: plaintext to a port of the proxy itself is closed, and not counted")
    func illegalPort() throws {
        let node = try ProxyNode("cart", own: .peer("cart", "shop", "cart"), []) {
            $0.inboundPlaintext = SocketAddress(.loopbackV4, 0)
        }
        let client = try node.connect(.inboundPlaintext)
        #expect(client.end() != 11)
        #expect(try node.line("connection failed").contains("belongs to the proxy itself"))
        #expect(node.metric("istio_tcp_connections_opened_total") == 0)
    }
}
