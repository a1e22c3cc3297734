import MeshCore
import Testing

@testable import MeshDNS

@Suite("resolv.conf")
struct ResolvConfTests {
    @Test("reads what Kubernetes writes")
    func kubernetes() {
        let conf = ResolvConf(
            parsing: """
                search ns1.svc.cluster.local svc.cluster.local Cluster.Local.
                nameserver 10.96.0.10
                options ndots:5

                """)
        #expect(conf.servers.map(\.description) == ["10.96.0.10:53"])
        #expect(conf.searchDomains == ["ns1.svc.cluster.local", "svc.cluster.local", "cluster.local"])
        #expect(conf.ndots == 5)
        #expect(conf.timeout == .seconds(5) && conf.attempts == 2)
        #expect(conf.ignored.isEmpty)
    }

    @Test("the last domain or search counts; comments, indented lines and unknown words do not")
    func lines() {
        let conf = ResolvConf(
            parsing: "# nameserver 1.1.1.1\n; x\n nameserver 2.2.2.2\ndomain a.example\nsearch b.example\tc.example\n"
                + "nameserver\t::1   # trailing\nsortlist 1.2.3.4\r\noptions rotate timeout:1 attempts:3\nnameserver")
        #expect(conf.servers.map(\.description) == ["[::1]:53"])
        #expect(conf.searchDomains == ["b.example", "c.example"])
        #expect(conf.timeout == .seconds(1) && conf.attempts == 3)
        #expect(conf.ignored == ["nameserver"])
    }

    @Test("values are held within limits; what is no number is passed over")
    func limits() {
        let conf = ResolvConf(
            parsing: "options timeout:900 attempts:0 ndots:99\noptions timeout:x attempts:-1\n"
                + (1...5).map { "nameserver 10.0.0.\($0)\n" }.joined() + "nameserver fe80::1%eth0\n")
        #expect(conf.timeout == .seconds(30) && conf.attempts == 1 && conf.ndots == 15)
        #expect(conf.servers.count == 3)
        #expect(conf.ignored.count == 3)
        #expect(ResolvConf(parsing: "") == ResolvConf())
    }

    static let loops: [(String, String, Bool)] = [
        ("127.0.0.1:53", "127.0.0.1:53", true), ("127.0.0.1:53", "127.0.0.1:15053", false),
        ("127.0.0.53:53", "127.0.0.1:53", false), ("127.0.0.53:53", "0.0.0.0:53", true),
        ("127.0.0.53:53", "[::]:53", true), ("[::1]:53", "[::]:53", true), ("[::1]:53", "0.0.0.0:53", false),
        ("0.0.0.0:53", "127.0.0.1:53", true), ("10.0.0.1:53", "0.0.0.0:53", false),
    ]

    @Test("tells a server that is a listener", arguments: loops)
    func loop(server: String, listener: String, isLoop: Bool) throws {
        var conf = ResolvConf()
        conf.servers = [try #require(Address(server))]
        #expect((conf.firstLoop(with: [try #require(Address(listener))]) != nil) == isLoop)
    }
}
