import Foundation
import MeshCore
import MeshTestSupport
import Testing

// The failing kernel below conforms to a protocol that only MeshLinux itself uses.
@testable import MeshLinux

@Suite(
    "Redirection in a namespace", .enabled(if: NamespaceWorld.isUsable, "needs root and iproute2"),
    .timeLimit(.minutes(2)))
struct RedirectStateTests {
    let world: NamespaceWorld
    let pod: NamespaceNode

    init() throws {
        world = try NamespaceWorld(prefix: "redirect-state")
        pod = try world.node("pod")
    }

    static func options(
        ipv6: Bool = true, dns: Bool = false, bypassInbound: Bool = false, interfaces: String = ""
    ) throws -> RedirectOptions {
        var options = RedirectOptions()
        (options.ipv6, options.dns, options.bypassInbound) = (ipv6, dns, bypassInbound)
        options.virtualInterfaces = try InterfaceName.list(interfaces)
        return options
    }

    static let kinds = [
        RedirectPlan(.init()),
        RedirectPlan((try? options(dns: true)) ?? .init()),
        RedirectPlan((try? options(ipv6: false, dns: true)) ?? .init()),
        RedirectPlan((try? options(bypassInbound: true)) ?? .init()),
        RedirectPlan((try? options(dns: true, bypassInbound: true, interfaces: "en0ps1, en1ps1")) ?? .init()),
    ]

    /// All rules, routing rules and routes; not what the kernel adds when a link comes up.
    func snapshot() throws -> String {
        let lists = [
            try pod.exec("nft", "-s", "list", "ruleset"), try pod.exec("ip", "rule"), try pod.exec("ip", "-6", "rule"),
            try pod.exec("ip", "route", "show", "table", "all"),
            try pod.exec("ip", "-6", "route", "show", "table", "all"),
        ]
        return lists.joined(separator: "--\n").split(separator: "\n")
            .filter { !$0.contains("fe80") && !$0.contains("ff00") }.sorted().joined(separator: "\n")
    }

    /// What others may have in a pod: rules beside ours, and routes and routing rules of our numbers.
    func addForeign() throws {
        try pod.exec(
            "nft", "-f", "-",
            input: """
                table ip filter {
                    set blocked { type ipv4_addr; elements = { 192.0.2.9 } }
                    chain input { type filter hook input priority 0; policy accept; ip saddr @blocked counter drop; }
                }
                table inet istio-ambient-other {
                    chain output { type nat hook output priority -100; policy accept; }
                }
                """)
        try pod.exec("ip", "rule", "add", "fwmark", "0x5", "pref", "32764", "lookup", "77")
        try pod.exec("ip", "-6", "rule", "add", "from", "2001:db8::/32", "pref", "100", "lookup", "77")
        try pod.exec("ip", "route", "add", "198.51.100.0/24", "dev", "eth0", "table", "100")
        try pod.exec("ip", "route", "add", "blackhole", "203.0.113.0/24")
    }

    @Test("what is applied verifies, and applying again changes nothing", arguments: kinds)
    func idempotent(plan: RedirectPlan) throws {
        let first = try Redirect.apply(plan, in: pod.namespace)
        #expect(!first.isEmpty)
        let state = try snapshot()
        let handles = try pod.exec("nft", "-a", "list", "ruleset")
        let second = try Redirect.apply(plan, in: pod.namespace)
        #expect(second.isEmpty)
        #expect(try snapshot() == state)
        // Not even the same rules written again.
        #expect(try pod.exec("nft", "-a", "list", "ruleset") == handles)
        let found = try Redirect.verify(plan, in: pod.namespace, live: .never)
        #expect(found.exitStatus == 0)
        #expect(found.differences == [])
    }

    @Test("the plan's own commands do the same as applying it", arguments: kinds)
    func byHand(plan: RedirectPlan) throws {
        try pod.exec("nft", "-f", "-", input: plan.transaction.joined(separator: "\n"))
        for command in plan.routeCommands { try pod.exec("sh", "-c", command) }
        let byHand = try snapshot()
        #expect(try Redirect.apply(plan, in: pod.namespace).isEmpty)
        _ = try Redirect.remove(in: pod.namespace)
        _ = try Redirect.apply(plan, in: pod.namespace)
        #expect(try snapshot() == byHand)
    }

    @Test("removing leaves exactly what was there before", arguments: kinds)
    func roundTrip(plan: RedirectPlan) throws {
        try addForeign()
        let before = try snapshot()
        _ = try Redirect.apply(plan, in: pod.namespace)
        #expect(try snapshot() != before)
        let removed = try Redirect.remove(in: pod.namespace)
        #expect(!removed.isEmpty)
        #expect(removed.kept == [])
        #expect(try snapshot() == before)
        #expect(try Redirect.remove(in: pod.namespace).isEmpty)
        #expect(try snapshot() == before)
    }

    @Test("equal routes and rules of others are used, and stay")
    func foreignStays() throws {
        try pod.exec("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100")
        try pod.exec("ip", "-6", "rule", "add", "fwmark", "0x111/0xfff", "pref", "32764", "lookup", "100")
        let before = try snapshot()
        let plan = RedirectPlan(.init())
        let applied = try Redirect.apply(plan, in: pod.namespace)
        #expect(applied.steps.count == 3)
        #expect(applied.kept.count == 2)
        #expect(try Redirect.verify(plan, in: pod.namespace, live: .never).exitStatus == 0)
        let removed = try Redirect.remove(in: pod.namespace)
        #expect(removed.kept.count == 2)
        #expect(try snapshot() == before)
    }

    @Test("a rule of another that came after ours stays when ours goes")
    func twinStays() throws {
        _ = try Redirect.apply(RedirectPlan(.init()), in: pod.namespace)
        try pod.exec("ip", "rule", "add", "fwmark", "0x111/0xfff", "pref", "32764", "lookup", "100", "proto", "boot")
        _ = try Redirect.remove(in: pod.namespace)
        let left = try pod.exec("ip", "-d", "rule").split(separator: "\n").filter { $0.contains("32764") }
        #expect(left.count == 1)
        #expect(left.first?.contains("proto boot") == true)
        _ = try Redirect.remove(in: pod.namespace, anyOwner: true)
        #expect(try !pod.exec("ip", "rule").contains("32764"))
    }

    /// As istio-cni writes it: no comment, other spellings, `flush` instead of `delete`.
    func applyAsIstio(_ plan: RedirectPlan) throws {
        let lines = plan.transaction.map {
            $0.replacing(" comment \"meshctl\"", with: "").replacing(
                "ip daddr != 127.0.0.1", with: "ip daddr != 127.0.0.1/32"
            )
            .replacing("meta mark &", with: "mark and")
        }
        try pod.exec("nft", "-f", "-", input: lines.joined(separator: "\n"))
        for command in plan.routeCommands { try pod.exec("sh", "-c", command.replacing(" proto 57", with: "")) }
    }

    @Test("what istio-cni made is recognised, used, and left alone", arguments: kinds)
    func recognisesIstio(plan: RedirectPlan) throws {
        try applyAsIstio(plan)
        let before = try snapshot()
        #expect(try Redirect.verify(plan, in: pod.namespace, live: .never).exitStatus == 0)
        #expect(try Redirect.apply(plan, in: pod.namespace).isEmpty)
        let removed = try Redirect.remove(in: pod.namespace)
        #expect(removed.isEmpty)
        #expect(removed.kept.count == plan.tables.count + 2 * plan.families.count)
        #expect(try snapshot() == before)
        _ = try Redirect.remove(in: pod.namespace, anyOwner: true)
        #expect(try pod.exec("nft", "list", "ruleset") == "")
        #expect(try !pod.exec("ip", "rule").contains("32764"))
    }

    @Test("another's tables that are not as asked are not overwritten unless told so")
    func takeOver() throws {
        try applyAsIstio(RedirectPlan(Self.options(dns: true)))
        let before = try snapshot()
        let plan = RedirectPlan(.init())
        #expect(throws: RedirectError.self) { try Redirect.apply(plan, in: pod.namespace) }
        #expect(try snapshot() == before)
        let taken = try Redirect.apply(plan, in: pod.namespace, takeOver: true)
        #expect(taken.steps.count == 1)
        #expect(try Redirect.verify(plan, in: pod.namespace, live: .never).exitStatus == 0)
        #expect(try !pod.exec("nft", "list", "tables").contains("istio-ambient-raw"))
    }

    @Test("a rule that is there in one family does not hide that it is missing in the other")
    func familiesApart() throws {
        try pod.exec("ip", "rule", "add", "fwmark", "0x111/0xfff", "pref", "32764", "lookup", "100")
        _ = try Redirect.apply(RedirectPlan(.init()), in: pod.namespace)
        #expect(try pod.exec("ip", "-6", "rule").contains("32764:\tfrom all fwmark 0x111/0xfff lookup 100"))
    }

    @Test("where lo has IPv6 disabled there is no route of it, and no error")
    func noV6OnLoopback() throws {
        try pod.run { try Data("1".utf8).write(to: URL(fileURLWithPath: "/proc/sys/net/ipv6/conf/lo/disable_ipv6")) }
        let plan = RedirectPlan(.init())
        _ = try Redirect.apply(plan, in: pod.namespace)
        #expect(try pod.exec("ip", "-6", "rule").contains("32764"))
        #expect(try !pod.exec("ip", "-6", "route", "show", "table", "all").contains("table 100"))
        #expect(try Redirect.apply(plan, in: pod.namespace).isEmpty)
        #expect(try Redirect.verify(plan, in: pod.namespace, live: .never).exitStatus == 0)
    }

    @Test("options that change take away what they no longer want")
    func optionsChange() throws {
        _ = try Redirect.apply(RedirectPlan(Self.options(dns: true)), in: pod.namespace)
        #expect(try pod.exec("nft", "list", "tables").contains("istio-ambient-raw"))
        let plan = RedirectPlan(try Self.options(ipv6: false))
        let outcome = try Redirect.apply(plan, in: pod.namespace)
        #expect(outcome.steps.count == 3)
        #expect(try !pod.exec("nft", "list", "tables").contains("istio-ambient-raw"))
        #expect(try !pod.exec("ip", "-6", "rule").contains("32764"))
        #expect(try Redirect.verify(plan, in: pod.namespace, live: .never).exitStatus == 0)
    }

    @Test("mangle output is of type route, or routing would not see the mark")
    func routeType() throws {
        _ = try Redirect.apply(RedirectPlan(.init()), in: pod.namespace)
        let chain = try pod.exec("nft", "list", "chain", "inet", "istio-ambient-mangle", "output")
        #expect(chain.contains("type route hook output priority mangle; policy accept;"))
    }

    static let damages: [(String, RedirectDifference.Kind)] = [
        ("nft flush chain inet istio-ambient-nat istio-output", .missing),
        ("nft insert rule inet istio-ambient-nat istio-output tcp dport 22 accept", .extra),
        ("nft add rule inet istio-ambient-nat output counter", .extra),
        ("nft add chain inet istio-ambient-nat mine", .extra),
        ("nft 'add set inet istio-ambient-nat mine { type ipv4_addr; }'", .extra),
        ("nft delete table inet istio-ambient-mangle", .missing),
        ("nft add table inet istio-ambient-raw", .extra),
        (
            "nft 'delete table inet istio-ambient-mangle; add table inet istio-ambient-mangle; "
                + "add chain inet istio-ambient-mangle output { type filter hook output priority -150; }'", .different
        ),
        ("nft 'add chain inet istio-ambient-nat output { policy drop; }'", .different),
        ("ip rule del pref 32764", .missing),
        ("ip -6 route flush table 100", .missing),
    ]

    @Test("verification names what differs, and applying mends it", arguments: damages)
    func mends(damage: String, kind: RedirectDifference.Kind) throws {
        let plan = RedirectPlan(.init())
        _ = try Redirect.apply(plan, in: pod.namespace)
        try pod.exec("sh", "-c", damage)
        let found = try Redirect.verify(plan, in: pod.namespace, live: .never)
        #expect(found.exitStatus == 1)
        #expect(found.differences.contains { $0.kind == kind })
        // A table that is empty or only has chains without rules has no mark of ours left.
        _ = try Redirect.apply(plan, in: pod.namespace, takeOver: true)
        #expect(try Redirect.verify(plan, in: pod.namespace, live: .never).exitStatus == 0)
    }

    @Test("a difference that other options explain is explained")
    func hint() throws {
        _ = try Redirect.apply(RedirectPlan(Self.options(dns: true)), in: pod.namespace)
        let found = try Redirect.verify(RedirectPlan(.init()), in: pod.namespace, live: .never)
        #expect(found.notes == ["all is as planned with --dns: was it applied so?"])
    }

    @Test("removing where nothing was applied is fine")
    func removeNothing() throws {
        try addForeign()
        let before = try snapshot()
        #expect(try Redirect.remove(in: pod.namespace).isEmpty)
        #expect(try snapshot() == before)
    }

    @Test("a dry run says the same steps and changes nothing")
    func dryRun() throws {
        let before = try snapshot()
        let plan = RedirectPlan(.init())
        let dry = try Redirect.apply(plan, in: pod.namespace, dryRun: true)
        #expect(try snapshot() == before)
        let done = try Redirect.apply(plan, in: pod.namespace)
        #expect(dry.steps == done.steps)
        let applied = try snapshot()
        #expect(try Redirect.remove(in: pod.namespace, dryRun: true).steps.count == 5)
        #expect(try snapshot() == applied)
    }

    @Test("a route that stands where ours belongs is reported before anything is done")
    func routeTaken() throws {
        try pod.exec("ip", "-6", "route", "add", "default", "dev", "eth0", "table", "100")
        let before = try snapshot()
        #expect(throws: RedirectError.routeTaken("::/0 dev eth0 table 100")) {
            try Redirect.apply(RedirectPlan(.init()), in: pod.namespace)
        }
        #expect(try snapshot() == before)
    }

    @Test("a step that fails takes back those before it", arguments: 0..<5)
    func undo(failing: Int) throws {
        try addForeign()
        _ = try Redirect.apply(RedirectPlan(Self.options(ipv6: false, dns: true)), in: pod.namespace)
        try pod.exec("ip", "rule", "del", "pref", "32764", "proto", "57")
        try pod.exec("ip", "route", "del", "local", "0.0.0.0/0", "table", "100")
        let before = try snapshot()
        let steps = try Redirect.apply(RedirectPlan(.init()), in: pod.namespace, dryRun: true).steps
        #expect(steps.count == 5)
        let error = RedirectError.nft(.refused("no more"))
        try pod.run {
            #expect(throws: error) { try Redirect.perform(steps, FailingKernel(after: failing, error)) }
        }
        #expect(try snapshot() == before)
    }

    @Test("the host's namespace is refused")
    func host() throws {
        let own = try NetworkNamespace(.own)
        #expect(throws: RedirectError.self) { try Redirect.apply(RedirectPlan(.init()), in: own, dryRun: true) }
        #expect(throws: RedirectError.self) { try Redirect.remove(in: own, dryRun: true) }
    }
}

/// The kernel of the calling thread's namespace, until it has been changed so many times.
private final class FailingKernel: RedirectKernel {
    private let inner = NamespaceKernel()
    private var left: Int
    private let error: RedirectError
    private var failed = false

    init(after count: Int, _ error: RedirectError) {
        left = count
        self.error = error
    }

    /// Fails once: taking back must work.
    private func step() throws(RedirectError) {
        left -= 1
        guard left < 0, !failed else { return }
        failed = true
        throw error
    }

    func tables() throws(RedirectError) -> [NftTable] { try inner.tables() }
    func dump(table: String) throws(RedirectError) -> String { try inner.dump(table: table) }
    func transact(_ commands: String) throws(RedirectError) {
        try step()
        try inner.transact(commands)
    }
    func routes(_ family: AddressFamily) throws(RedirectError) -> [PolicyRoute] { try inner.routes(family) }
    func add(_ route: PolicyRoute) throws(RedirectError) {
        try step()
        try inner.add(route)
    }
    func delete(_ route: PolicyRoute) throws(RedirectError) {
        try step()
        try inner.delete(route)
    }
    func rules(_ family: AddressFamily) throws(RedirectError) -> [PolicyRule] { try inner.rules(family) }
    func add(_ rule: PolicyRule) throws(RedirectError) {
        try step()
        try inner.add(rule)
    }
    func delete(_ rule: PolicyRule) throws(RedirectError) {
        try step()
        try inner.delete(rule)
    }
    func loopbackTakesV6() -> Bool { inner.loopbackTakesV6() }
}
