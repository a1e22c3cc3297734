import MeshCore
import MeshPolicyCheck
import Testing

@Suite("Numbers of rules")
struct RuleNumberTests {
    static let policy = Shop.policy(
        """
        {selector: {matchLabels: {app: web}}, rules: [{to: [{operation: {methods: [GET]}}]},
          {from: [{source: {namespaces: [other]}}]}, {from: [{source: {namespaces: [shop]}}]}]}
        """)

    @Test("a rule behind one that is left out is named as it was written, wherever it is named")
    func named() throws {
        let judge = Shop.judge(Self.policy)
        let hop = try #require(try Shop.report(judge, "shop/cart", "shop/web:8000").hops.first)
        #expect(hop.allowed)
        #expect(hop.decidedBy?.rule == 2)
        #expect(hop.decidedBy?.line == 19)
        #expect(hop.reason == "allowed by policy shop/p, rule 2")
        #expect(hop.policies.first?.why == ["rule 2 matches"])
        let refused = try #require(try Shop.report(judge, "none", "shop/web:8000").hops.first)
        #expect(refused.policies.first?.why.map { String($0.prefix(6)) } == ["rule 1", "rule 2"])
        #expect(judge.matrix().cells.contains { $0.reason == "allowed by policy shop/p, rule 2" })
    }

    @Test("what is sent says which rule each one was")
    func translated() {
        let numbers = TranslationReport(Shop.judge(Self.policy)).ruleNumbers
        #expect(numbers.map(\.sent) == [0, 1])
        #expect(numbers.map(\.written) == [1, 2])
    }
}
