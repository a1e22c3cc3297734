import Foundation
import MeshCore
import MeshLinux
import MeshTestSupport
import Testing

@Suite(
    "Redirected packets", .enabled(if: NamespaceWorld.isUsable, "needs root and iproute2"), .timeLimit(.minutes(2)))
struct RedirectPacketTests {
    static let families = AddressFamily.allCases

    /// A pod with redirection in place, and a client outside.
    struct Setting {
        let world: NamespaceWorld
        let pod: NamespaceNode
        let client: NamespaceNode

        init(_ options: RedirectOptions = .init()) throws {
            world = try NamespaceWorld(prefix: "redirect")
            (pod, client) = (try world.node("pod"), try world.node("client"))
            _ = try Redirect.apply(RedirectPlan(options), in: pod.namespace)
        }
    }

    @Test("plaintext from outside goes through the proxy, and the application sees the client", arguments: families)
    func inbound(family: AddressFamily) throws {
        let setting = try Setting()
        let (proxy, app) = (try Proxy(setting.pod), try App(setting.pod))
        defer { end(proxy, app) }
        let target = SocketAddress(setting.pod.address(family), app.port)
        let client = setting.client.address(family)
        #expect(try setting.client.ask(target) == "15006 to \(target) from \(client): app saw \(client)")
    }

    @Test("without the routing rule, the application's answer does not find the proxy", arguments: families)
    func withoutRule(family: AddressFamily) throws {
        let setting = try Setting()
        let (proxy, app) = (try Proxy(setting.pod), try App(setting.pod))
        defer { end(proxy, app) }
        try setting.pod.exec("ip", family == .v4 ? "-4" : "-6", "rule", "del", "pref", "32764")
        let target = SocketAddress(setting.pod.address(family), app.port)
        #expect(try setting.client.ask(target).hasSuffix("no answer"))
    }

    @Test("probes from the host go straight to the application", arguments: families)
    func probes(family: AddressFamily) throws {
        let setting = try Setting()
        let (proxy, app) = (try Proxy(setting.pod), try App(setting.pod))
        defer { end(proxy, app) }
        let options = RedirectOptions()
        let source = family == .v4 ? options.probeSourceV4 : options.probeSourceV6
        let block = "\(source)/\(family == .v4 ? 32 : 128)"
        try setting.client.exec("ip", "addr", "add", block, "dev", "eth0")
        try setting.pod.exec("ip", "route", "add", block, "dev", "eth0")
        let target = SocketAddress(setting.pod.address(family), app.port)
        #expect(try setting.client.ask(target, from: source) == "app saw \(source)")
    }

    @Test("HBONE reaches the proxy's own listener", arguments: families)
    func hbone(family: AddressFamily) throws {
        let setting = try Setting()
        let proxy = try Proxy(setting.pod)
        defer { proxy.end() }
        #expect(try setting.client.ask(SocketAddress(setting.pod.address(family), 15008)) == "15008")
    }

    @Test("what the application sends goes through the proxy once, and comes from the pod", arguments: families)
    func outbound(family: AddressFamily) throws {
        let setting = try Setting()
        let (proxy, app) = (try Proxy(setting.pod), try App(setting.client))
        defer { end(proxy, app) }
        let target = SocketAddress(setting.client.address(family), app.port)
        let pod = setting.pod.address(family)
        #expect(try setting.pod.ask(target) == "15001 to \(target) from \(pod): app saw \(pod)")
        // The proxy's own mark is not captured.
        #expect(try setting.pod.ask(target, mark: 0x539) == "app saw \(pod)")
        // The proxy sees the address that was asked for, here one where nobody is.
        let nobody = SocketAddress(family == .v4 ? "192.0.2.7:80" : "[2001:db8::7]:80")
        let answer = try setting.pod.ask(try #require(nobody))
        #expect(answer.hasPrefix("15001 to \(try #require(nobody)) from \(pod)"))
    }

    @Test(
        "what the application sends to its own pod stays there",
        arguments: ["10.77.0.1", "127.0.0.1", "127.0.0.2", "fd77::1", "::1"])
    func ownPod(address: String) throws {
        let setting = try Setting()
        let (proxy, app) = (try Proxy(setting.pod), try App(setting.pod))
        defer { end(proxy, app) }
        let ip = try #require(IPAddress(address[...]))
        let seen = try setting.pod.ask(SocketAddress(ip, app.port))
        // From 127.0.0.2 the kernel answers as 127.0.0.1 or itself; neither is the proxy.
        #expect(seen.hasPrefix("app saw "))
    }

    @Test("without a proxy nothing gets through: connections are refused", arguments: families)
    func failsClosed(family: AddressFamily) throws {
        let setting = try Setting()
        let (inside, outside) = (try App(setting.pod), try App(setting.client))
        defer { end(inside, outside) }
        let refused = Conversation.Broken(code: ECONNREFUSED)
        #expect(throws: refused) { try setting.client.ask(SocketAddress(setting.pod.address(family), inside.port)) }
        #expect(throws: refused) { try setting.pod.ask(SocketAddress(setting.client.address(family), outside.port)) }
    }

    @Test("an ingress gateway gets its traffic directly", arguments: families)
    func ingress(family: AddressFamily) throws {
        var options = RedirectOptions()
        options.bypassInbound = true
        let setting = try Setting(options)
        let app = try App(setting.pod)
        defer { app.end() }
        let target = SocketAddress(setting.pod.address(family), app.port)
        #expect(try setting.client.ask(target) == "app saw \(setting.client.address(family))")
    }

    @Test("TCP that arrives on a virtual interface counts as outbound", arguments: families)
    func virtualInterface(family: AddressFamily) throws {
        var options = RedirectOptions()
        options.virtualInterfaces = [try InterfaceName(parsing: "eth0")]
        let setting = try Setting(options)
        let (proxy, app) = (try Proxy(setting.pod), try App(setting.pod))
        defer { end(proxy, app) }
        let target = SocketAddress(setting.pod.address(family), app.port)
        #expect(try setting.client.ask(target).hasPrefix("15001 to \(target)"))
    }

    @Test("verification proves it with packets, and sees when it is not so")
    func live() throws {
        let setting = try Setting()
        let plan = RedirectPlan(.init())
        let good = try Redirect.verify(plan, in: setting.pod.namespace, live: .always)
        #expect(good.exitStatus == 0)
        #expect(good.checks.filter { $0.name.hasSuffix("live") }.map(\.outcome) == [.ok, .ok])

        let none = try Redirect.verify(plan, in: setting.client.namespace, live: .always)
        #expect(none.exitStatus == 1)
        #expect(none.checks.filter { $0.name.hasSuffix("live") }.map(\.outcome) == [.differs, .differs])

        let proxy = try Proxy(setting.pod)
        defer { proxy.end() }
        let busy = try Redirect.verify(plan, in: setting.pod.namespace, live: .whenPossible)
        #expect(busy.exitStatus == 0)
        #expect(busy.checks.filter { $0.outcome == .skipped }.count == 2)
        #expect(try Redirect.verify(plan, in: setting.pod.namespace, live: .always).exitStatus == 2)
    }

    @Test("a mark that does not keep the proxy's packets out is found")
    func proxyCaptured() throws {
        let setting = try Setting()
        // Before our chain of the same hook: captures whatever the mark is.
        try setting.pod.exec(
            "nft", "-f", "-",
            input: """
                table inet other {
                    chain output { type nat hook output priority -110; meta l4proto tcp redirect to :15001; }
                }
                """)
        let found = try Redirect.verify(RedirectPlan(.init()), in: setting.pod.namespace, live: .always)
        #expect(found.exitStatus == 1)
        #expect(found.differences.isEmpty)
    }

    @Test("without a route the live part is skipped, and says so")
    func noRoute() throws {
        let setting = try Setting()
        try setting.pod.exec("ip", "route", "del", "default")
        try setting.pod.exec("ip", "-6", "route", "del", "default")
        let found = try Redirect.verify(RedirectPlan(.init()), in: setting.pod.namespace)
        #expect(found.exitStatus == 0)
        #expect(found.checks.filter { $0.outcome == .skipped }.allSatisfy { $0.detail.contains("no route") })
        #expect(found.checks.filter { $0.outcome == .skipped }.count == 2)
    }
}
