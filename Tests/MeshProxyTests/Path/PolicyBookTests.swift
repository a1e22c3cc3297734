import MeshCore
import MeshPolicy
import MeshState
import Testing

@testable import MeshProxy

@Suite("Compiled policies of a workload")
struct PolicyBookTests {
    private static func policy(
        _ name: String, in namespace: String = "shop", _ scope: AuthorizationPolicy.Scope = .namespace,
        _ action: AuthorizationPolicy.Action = .deny
    ) -> AuthorizationPolicy {
        AuthorizationPolicy(name: name, namespace: namespace, scope: scope, action: action, rules: [.init()])
    }

    private static func workload(_ policies: [String] = []) -> Workload {
        var fields = Workload.Fields()
        fields.uid = "cart"
        fields.namespace = "shop"
        fields.authorizationPolicies = policies
        return Workload(fields)
    }

    private static let facts = PolicyFacts(
        source: .loopbackV4, destination: SocketAddress(.loopbackV4, 80), peer: nil)

    @Test("are those of the mesh, of its namespace, and those that it names")
    func scopes() {
        for (policy, workload, denied) in [
            (Self.policy("p"), Self.workload(), true), (Self.policy("p", in: "other"), Self.workload(), false),
            (Self.policy("p", in: "istio-system", .global), Self.workload(), true),
            (Self.policy("p", .workloadSelector), Self.workload(), false),
            (Self.policy("p", .workloadSelector), Self.workload(["shop/p"]), true),
        ] {
            var store = MeshStore()
            _ = store.apply([.policy(policy)])
            var book = PolicyBook()
            #expect(book.engine(for: workload, in: store.snapshot).decide(Self.facts).verdict.isAllowed != denied)
        }
    }

    @Test("stay the same until a policy that concerns it changes")
    func reuse() {
        var store = MeshStore()
        _ = store.apply([.policy(Self.policy("p")), .policy(Self.policy("named", .workloadSelector))])
        var book = PolicyBook()
        let workload = Self.workload(["shop/named"])
        var engine = book.engine(for: workload, in: store.snapshot)
        func step(_ change: MeshChange, changes: Bool) {
            _ = store.apply([change])
            let next = book.engine(for: workload, in: store.snapshot)
            #expect(next.isSame(as: engine) != changes)
            engine = next
        }
        step(.workload(Self.workload()), changes: false)
        step(.policy(Self.policy("p", in: "other")), changes: false)
        step(.policy(Self.policy("p")), changes: false)
        step(.policy(Self.policy("unnamed", .workloadSelector)), changes: false)
        step(.policy(Self.policy("p", .namespace, .allow)), changes: true)
        step(.policy(Self.policy("named", .workloadSelector, .allow)), changes: true)
        step(.policy(Self.policy("p", in: "istio-system", .global)), changes: true)
        step(.removePolicy("istio-system/p"), changes: true)
    }

    @Test("are never taken for those of another store that counts alike")
    func otherStore() {
        var (first, second) = (MeshStore(), MeshStore())
        _ = first.apply([.policy(Self.policy("p", .namespace, .allow))])
        _ = second.apply([.policy(Self.policy("p", .namespace, .deny))])
        var book = PolicyBook()
        #expect(book.engine(for: Self.workload(), in: first.snapshot).decide(Self.facts).verdict.isAllowed)
        #expect(!book.engine(for: Self.workload(), in: second.snapshot).decide(Self.facts).verdict.isAllowed)
    }

    @Test("111: names that nobody sent are told")
    func missing() {
        var book = PolicyBook()
        let engine = book.engine(for: Self.workload(["shop/none"]), in: MeshStore().snapshot)
        #expect(engine.missing == ["shop/none"])
    }
}
