import Testing

@testable import MeshLinux

@Suite("Routing tables")
struct RouteSocketTests {
    @Test("routes and rules read as `ip` takes them")
    func selectors() {
        #expect(RedirectPlan.route(.v4).selector == "local 0.0.0.0/0 dev lo table 100")
        #expect(RedirectPlan.rule(.v6).selector == "fwmark 0x111/0xfff pref 32764 lookup 100")
        let route = PolicyRoute(
            family: .v4, table: 7, type: 1, destination: "10.0.0.0/8", device: "eth0", gateway: "192.0.2.1", metric: 0,
            origin: 3)
        #expect(route.selector == "10.0.0.0/8 via 192.0.2.1 dev eth0 table 7")
        let hole = PolicyRoute(
            family: .v6, table: 7, type: 6, destination: "::/0", device: nil, gateway: nil, metric: 0, origin: 3)
        #expect(hole.selector == "blackhole ::/0 table 7")
    }

    @Test("the tables of our own namespace can be read without privilege")
    func reads() throws {
        let local = try RouteSocket().routes(.v4, table: 255)
        #expect(local.allSatisfy { $0.table == 255 })
        #expect(try RouteSocket().rules(.v4).allSatisfy { $0.mark.value != 0 })
    }

    @Test("errors say what was tried")
    func errors() {
        let denied = NetlinkError(code: -28, operation: "add route x")
        #expect(denied.code == 28)
        #expect(denied.isDenied)
        #expect(denied.description == "add route x: operation not permitted (netlink error 28)")
        #expect(
            RedirectError.netlink(denied).description
                == "add route x: not permitted; run as root, or with CAP_NET_ADMIN in the namespace")
    }
}
