import MeshCore
import MeshState
import MeshWire
import Testing

@testable import MeshProxy

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("A waypoint with an application tunnel", .serialized)
struct ApplicationTunnelTests {
    private static let vip = SocketAddress(IPAddress(v4: 0x0a09_0909), 80)

    /// A connection to a service whose waypoint delivers to an application that sends back what it gets.
    private func connect(
        _ kind: ApplicationTunnel.Kind, _ body: (_ client: Client, _ waypoint: ProxyNode) throws -> Void
    ) throws {
        let echo = try Echo()
        func service(_ change: (inout Service.Fields) -> Void) -> MeshChange {
            .service(.at(Self.vip, hostname: "echo.shop", target: 8080, change))
        }
        let waypoint = try ProxyNode(
            "cart",
            own: .peer("way", "shop", "cart") {
                $0.applicationTunnel = ApplicationTunnel(kind: kind, port: echo.address.port)
            }, [service { _ in }])
        let port = try waypoint.address(.inbound).port
        let client = try ProxyNode(
            "front", own: .peer("client", "web", "front") { $0.addresses = [IPAddress(v4: 0x0a01_0101)] },
            [
                .workload(.peer("way", "shop", "cart")),
                service {
                    $0.waypoint = GatewayAddress(
                        destination: .address(NetworkAddress(network: "", ip: .loopbackV4)), hboneMTLSPort: port)
                },
            ])
        try body(try client.open(Self.vip), waypoint)
    }

    @Test("82, 84: is told the source, the address that was asked for and the identity, before the first byte")
    func proxyHeader() throws {
        try connect(.proxy) { client, waypoint in
            client.send("hello")
            client.finish()
            let bytes = client.receiveAll()
            let parsed = try ProxyHeader.parse(bytes.span)
            let read = try #require(parsed)
            let line = try waypoint.line("connection complete", "inbound")
            let source = line.split(whereSeparator: { " \t".contains($0) }).first { $0.hasPrefix("src.addr=") }
            #expect(source == "src.addr=\(read.header.source)")
            #expect(read.header.destination == Self.vip)
            #expect(read.header.identity == "spiffe://cluster.local/ns/web/sa/front")
            #expect(bytes[read.byteCount...].elementsEqual("hello".utf8))
            // The header is no payload of the client's.
            #expect(line.contains(" bytes_sent=\(bytes.count) bytes_recv=5 "), "\(line)")
            #expect(line.contains(" dst.hbone_addr=\(Self.vip) "))
        }
    }

    @Test("85: without PROXY gets the client's bytes alone")
    func none() throws {
        try connect(.none) { client, _ in
            client.send("hello")
            client.finish()
            #expect(client.receiveAll() == Array("hello".utf8))
        }
    }
}
