import Glibc
import MeshCore
import MeshLinux
import MeshState
import Synchronization
import Testing

@testable import MeshProxy

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("A connection to a workload of which only a hostname is known", .serialized)
struct HostnamePathTests {
    private static let vip = SocketAddress(IPAddress(v4: 0x0a09_0909), 80)

    private func node(
        target: UInt16, lookup: @escaping HostResolver.Lookup, configure: (inout ProxyConfig) -> Void = { _ in }
    ) throws -> ProxyNode {
        try ProxyNode(
            "front", own: .peer("client", "web", "front") { $0.addresses = [IPAddress(v4: 0x0a01_0101)] },
            [
                .workload(
                    .peer("outside", "shop", "outside") {
                        $0.addresses = []
                        $0.hostname = "outside.example"
                        $0.tunnelProtocol = .tcp
                    }),
                .service(.at(Self.vip, hostname: "outside.shop", target: target, endpoints: ["outside"])),
            ], resolvers: Resolvers(hosts: HostResolver(lookup: lookup)), configure: configure)
    }

    @Test("42, 43: goes where the hostname leads; a second one is counted too, and not looked up")
    func works() throws {
        let application = try Echo()
        let lookups = Count()
        let node = try node(target: application.address.port) { host in
            lookups.add(1)
            return host == "outside.example" ? .success([.loopbackV6, .loopbackV4]) : .failure(.noAddress)
        }
        for _ in 0..<2 {
            let client = try node.open(Self.vip)
            client.send("hello")
            #expect(client.receive(5) == Array("hello".utf8))
            client.finish()
            #expect(client.receiveAll().isEmpty)
            let line = try node.line("connection complete")
            #expect(line.contains("dst.addr=\(application.address)"), "\(line)")
            #expect(line.contains("dst.service=\"outside.shop\""))
        }
        #expect(lookups.now == 1)
        #expect(node.metric("istio_on_demand_dns_total", "hostname=\"outside.example\"") == 2)
    }

    @Test(
        "42: a hostname without an address, or whose look-up fails, closes the connection, with the reason",
        arguments: [
            (LookupFailure.noAddress, "look up outside.example: it has no address"),
            (.failed("Temporary failure in name resolution"), "Temporary failure in name resolution"),
        ])
    func fails(failure: LookupFailure, text: String) throws {
        let node = try node(target: 1) { _ in .failure(failure) }
        #expect(try node.open(Self.vip).end() != EAGAIN)
        #expect(try node.line("connection failed").contains(text))
        // From memory as well.
        #expect(try node.open(Self.vip).end() != EAGAIN)
        #expect(try node.line("connection failed").contains(text))
        #expect(node.metric("istio_tcp_connections_opened_total") == 0)
    }

    @Test("a resolver that does not answer holds up nobody else, and its connection no longer than a connect")
    func slow() throws {
        let application = try Echo()
        let gate = Count()
        let node = try node(
            target: application.address.port,
            lookup: { _ in
                while gate.now == 0 { usleep(1000) }
                return .success([.loopbackV4])
            }, configure: { $0.connectTimeout = 1 })
        let waiting = try node.open(Self.vip)
        let other = try node.open(application.address)
        other.send("x")
        #expect(other.receive(1).count == 1)
        #expect(waiting.end() != EAGAIN)
        #expect(try node.line("connection failed").contains("look up outside.example: no answer within 1 s"))
        gate.add(1)
    }

    @Test("an application that gives up while it waits is let go; the late answer reaches nobody")
    func givesUp() throws {
        let application = try Echo()
        let gate = Count()
        let node = try node(target: application.address.port) { _ in
            while gate.now == 0 { usleep(1000) }
            return .success([.loopbackV4])
        }
        do {
            let client = try node.open(Self.vip)
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                client.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        }
        // Its end is seen: by another connection's time the reactor has had its turn.
        #expect(try node.line("connection failed").contains("application"))
        gate.add(1)
        let client = try node.open(Self.vip)
        client.send("x")
        #expect(client.receive(1).count == 1)
    }

    @Test("a stop cuts what waits")
    func stop() throws {
        let gate = Count()
        let node = try node(target: 1) { _ in
            while gate.now == 0 { usleep(1000) }
            return .failure(.noAddress)
        }
        let client = try node.open(Self.vip)
        while node.metric("istio_on_demand_dns_total") == 0 { sched_yield() }
        node.plane.stop()
        #expect(client.end() != EAGAIN)
        #expect(try node.line("connection failed").contains("drain"))
        gate.add(1)
    }
}
