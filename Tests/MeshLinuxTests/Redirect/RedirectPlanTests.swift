import MeshCore
import Testing

@testable import MeshLinux

@Suite("Redirection plans")
struct RedirectPlanTests {
    private func plan(
        ipv6: Bool = true, dns: Bool = false, ingress: Bool = false, interfaces: String = ""
    ) throws -> RedirectPlan {
        var options = RedirectOptions()
        (options.ipv6, options.dns, options.bypassInbound) = (ipv6, dns, ingress)
        options.virtualInterfaces = try InterfaceName.list(interfaces)
        return RedirectPlan(options)
    }

    private func rules(_ plan: RedirectPlan, _ chain: String, table: Int = 0) -> [String] {
        plan.tables[table].chains.first { $0.name == chain }?.rules.map(\.description) ?? []
    }

    @Test("the second family differs from the first in addresses alone")
    func families() throws {
        let one = try plan(ipv6: false, dns: true)
        let both = try plan(ipv6: true, dns: true)
        for chain in ["istio-prerouting", "istio-output"] {
            let first = Set(rules(one, chain))
            #expect(first.isSubset(of: rules(both, chain)))
            let second = Set(rules(both, chain)).subtracting(first)
            let mapped = second.map {
                $0.replacing("ip6 ", with: "ip ").replacing("::1 ", with: "127.0.0.1 ")
                    .replacing("fd16:9254:7127:1337:ffff:ffff:ffff:ffff", with: "169.254.7.127")
            }
            #expect(Set(mapped).isSubset(of: first))
        }
        #expect(both.families == [.v4, .v6])
        #expect(one.families == [.v4])
    }

    @Test("DNS adds a table and the rules of port 53, and nothing else")
    func dns() throws {
        let (off, on) = (try plan(), try plan(dns: true))
        #expect(off.tables.map(\.name) == ["istio-ambient-nat", "istio-ambient-mangle"])
        #expect(on.tables.map(\.name) == RedirectPlan.tableNames)
        #expect(off.unwantedTables == ["istio-ambient-raw"])
        let added = Set(rules(on, "istio-output")).subtracting(rules(off, "istio-output"))
        #expect(added.count == 3)
        #expect(added.allSatisfy { $0.contains("dport 53") && $0.hasSuffix("redirect to :15053") })
    }

    @Test("an ingress gateway keeps the answers to probes, and an empty chain for what comes in")
    func ingress() throws {
        let plan = try plan(ipv6: false, ingress: true)
        #expect(rules(plan, "istio-prerouting") == [])
        #expect(rules(plan, "prerouting") == ["jump istio-prerouting"])
        #expect(rules(plan, "istio-output").first == "meta l4proto tcp ip daddr 169.254.7.127 counter accept")
    }

    @Test("interfaces come first, a pair each, in the order given")
    func interfaces() throws {
        let plan = try plan(ipv6: false, interfaces: "en1ps1, en0ps1")
        #expect(
            rules(plan, "istio-prerouting").prefix(5) == [
                "iifname \"en1ps1\" meta l4proto tcp counter redirect to :15001",
                "iifname \"en1ps1\" meta l4proto tcp counter return",
                "iifname \"en0ps1\" meta l4proto tcp counter redirect to :15001",
                "iifname \"en0ps1\" meta l4proto tcp counter return",
                "meta l4proto tcp ip saddr 169.254.7.127 counter accept",
            ])
    }

    @Test("fifty plans built at once are the same")
    func parallel() async throws {
        let expected = try plan(dns: true, interfaces: "a,b").transaction
        await withTaskGroup(of: [String]?.self) { group in
            for _ in 0..<50 { group.addTask { try? self.plan(dns: true, interfaces: "a,b").transaction } }
            for await built in group { #expect(built == expected) }
        }
    }

    @Test(
        "interface names that mean something else in a rule are refused",
        arguments: [
            "", ".", "..", "a b", "a\tb", "a/b", "a:b", "a;b", "a\"b", "a'b", "eth*", "a\\b", "-a", "!a", "a{", "a#",
            "sixteen-bytes-xx", "é", "a\nb",
        ])
    func badNames(name: String) {
        #expect(throws: RedirectError.self) { try InterfaceName(parsing: name) }
    }

    @Test("interface lists are trimmed, and empty entries dropped")
    func lists() throws {
        #expect(try InterfaceName.list("x,   ").map(\.description) == ["x"])
        #expect(try InterfaceName.list(" en0ps1 ,, en1.2@x ").map(\.description) == ["en0ps1", "en1.2@x"])
        #expect(try InterfaceName.list("") == [])
        #expect(try InterfaceName(parsing: "fifteen-bytes-x").description == "fifteen-bytes-x")
    }

    static let annotations: [(node: Bool, text: String, dns: Bool)] = [
        (false, "true", true), (true, "false", false), (true, "F", false), (false, "1", true),
        (true, "tweedledum", true), (false, "tweedledum", false), (true, "", true), (false, "TrUe", false),
    ]

    @Test("a pod's annotation wins over the node's DNS setting when it can be read", arguments: annotations)
    func dnsAnnotation(node: Bool, text: String, dns: Bool) throws {
        var options = RedirectOptions()
        options.dns = node
        #expect(try options.overridden(byAnnotations: ["ambient.istio.io/dns-capture": text]).dns == dns)
    }

    @Test("an unreadable ingress annotation is as none")
    func otherAnnotations() throws {
        let options = try RedirectOptions().overridden(byAnnotations: [
            "ambient.istio.io/bypass-inbound-capture": "tweedledee",
            "istio.io/reroute-virtual-interfaces": "tap0, tap1",
        ])
        #expect(!options.bypassInbound)
        #expect(options.flags == ["--virtual-interface tap0", "--virtual-interface tap1"])
        #expect(throws: RedirectError.self) {
            try options.overridden(byAnnotations: ["istio.io/reroute-virtual-interfaces": "a b"])
        }
    }
}
