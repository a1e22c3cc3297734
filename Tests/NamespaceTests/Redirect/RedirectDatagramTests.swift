import Foundation
import MeshCore
import MeshLinux
import MeshTestSupport
import Testing

@Suite(
    "Redirected datagrams", .enabled(if: NamespaceWorld.isUsable, "needs root and iproute2"), .timeLimit(.minutes(2)))
struct RedirectDatagramTests {
    static let families = AddressFamily.allCases

    let world: NamespaceWorld
    let pod: NamespaceNode
    let client: NamespaceNode

    init() throws {
        world = try NamespaceWorld(prefix: "redirect-udp")
        (pod, client) = (try world.node("pod"), try world.node("client"))
        var options = RedirectOptions()
        options.dns = true
        _ = try Redirect.apply(RedirectPlan(options), in: pod.namespace)
    }

    @Test("UDP other than DNS is left alone both ways", arguments: families)
    func udp(family: AddressFamily) throws {
        let inbound = try pod.answerDatagram(SocketAddress(pod.address(family), 5000), "pod")
        #expect(try client.askDatagram(SocketAddress(pod.address(family), 5000)) == "pod")
        inbound.wait()
        let outbound = try client.answerDatagram(SocketAddress(client.address(family), 5000), "client")
        #expect(try pod.askDatagram(SocketAddress(client.address(family), 5000)) == "client")
        outbound.wait()
    }

    @Test("ICMP is left alone both ways", arguments: families)
    func icmp(family: AddressFamily) throws {
        #expect(try client.ping(pod.address(family)))
        #expect(try pod.ping(client.address(family)))
    }

    @Test("an application's DNS goes to the proxy, whatever resolver it asks", arguments: families)
    func dnsOfApplication(family: AddressFamily) throws {
        let loopback = family == .v4 ? IPAddress.loopbackV4 : .loopbackV6
        let done = try pod.answerDatagram(SocketAddress(loopback, 15053), "proxy", mark: 0x539)
        let resolver = try #require(SocketAddress(family == .v4 ? "192.0.2.53:53" : "[2001:db8::53]:53"))
        // The socket is connected, so the answer has to come from the resolver's address.
        #expect(try pod.askDatagram(resolver) == "proxy")
        done.wait()
    }

    @Test("the proxy's own DNS leaves the pod, in its own conntrack zone", arguments: families)
    func dnsOfProxy(family: AddressFamily) throws {
        let resolver = SocketAddress(client.address(family), 53)
        let done = try client.answerDatagram(resolver, "upstream")
        #expect(try pod.askDatagram(resolver, mark: 0x539) == "upstream")
        done.wait()
        let raw = try pod.exec("nft", "list", "table", "inet", "istio-ambient-raw").split(separator: "\n")
        let zoned = raw.filter { $0.contains("ct zone set 1") }
        #expect(zoned.count == 2)
        #expect(zoned.allSatisfy { !$0.contains("packets 0") })
    }

    @Test("DNS over TCP goes to the proxy too, except the proxy's own", arguments: families)
    func dnsOverTCP(family: AddressFamily) throws {
        let (proxy, resolver) = (try Proxy(pod, dns: true), try App(client, port: 53))
        defer { end(proxy, resolver) }
        let target = SocketAddress(client.address(family), 53)
        #expect(try pod.ask(target) == "15053")
        #expect(try pod.ask(target, mark: 0x539) == "app saw \(pod.address(family))")
    }
}
