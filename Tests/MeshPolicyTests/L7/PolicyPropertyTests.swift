import Foundation
import MeshCore
import MeshPolicy
import Testing

/// The compiled engine against the naive one, over policies and requests drawn at random.
///
/// `MESHCTL_POLICY_PAIRS` is how many pairs of a policy and a request are judged in all; default 1,000,000.
@Suite("Layer 7 engine against the naive one")
struct PolicyPropertyTests {
    static let worlds = 40
    static let policiesPerWorld = 25
    static let pairs = ProcessInfo.processInfo.environment["MESHCTL_POLICY_PAIRS"].flatMap(Int.init) ?? 1_000_000

    /// What the naive engine says: verdict, the smallest id of each kind.
    struct Expectation: Equatable {
        var isAllowed = true
        var deciding: String?
        var audit: String?
        var dryRunAllow: String?
        var dryRunDeny: String?

        init(_ policies: [SecurityPolicy], _ request: Request, _ settings: MeshSettings) {
            func smallest(_ action: SecurityPolicy.Action, dryRun: Bool = false) -> String? {
                policies.filter { $0.action == action && $0.dryRun == dryRun }.flatMap { policy in
                    policy.rules.enumerated().filter { _, rule in
                        var alone = policy
                        alone.rules = [rule]
                        return NaivePolicy(policy: alone, request: request, settings: settings).firstMatch != nil
                    }.map { "ns[\(policy.identity.namespace)]-policy[\(policy.identity.name)]-rule[\($0.offset)]" }
                }.min()
            }
            audit = smallest(.audit)
            dryRunAllow = smallest(.allow, dryRun: true)
            dryRunDeny = smallest(.deny, dryRun: true)
            deciding = smallest(.deny)
            if deciding != nil {
                isAllowed = false
            } else {
                deciding = smallest(.allow)
                isAllowed = deciding != nil || !policies.contains { $0.action == .allow && !$0.dryRun }
            }
        }

        init(_ decision: RequestDecision) {
            isAllowed = decision.verdict.isAllowed
            deciding = decision.verdict.rule?.id
            audit = decision.audit?.id
            if case .matched(let rule) = decision.dryRunAllow { dryRunAllow = rule.id }
            if case .matched(let rule) = decision.dryRunDeny { dryRunDeny = rule.id }
        }
    }

    @Test("agree on verdict, audit, dry run and the rule that decided", arguments: 0..<worlds)
    func agree(seed: Int) {
        var random = RandomPolicies(seed: seed)
        let settings = mesh {
            $0.trustDomain = seed % 2 == 0 ? "td1" : "cluster.local"
            $0.trustDomainAliases = seed % 3 == 0 ? ["x.corp"] : []
        }
        var policies: [SecurityPolicy] = []
        // Some worlds are small, so that few rules are scanned and not looked up.
        let count = seed % 5 == 0 ? 4 : Self.policiesPerWorld
        for number in 0..<count { policies.append(random.policy(number)) }
        let set = RequestPolicySet(policies, settings: settings)
        for _ in 0..<(Self.pairs / Self.worlds / count + 1) {
            let request = random.request()
            let decision = set.decide(request.facts)
            let expected = Expectation(policies, request, settings)
            if expected != Expectation(decision) {
                Issue.record("seed \(seed): \(expected), not \(Expectation(decision)); \(request) \(policies)")
                return
            }
        }
    }

    /// A comparison proves little where one outcome hardly ever happens.
    @Test("every outcome is drawn often")
    func outcomes() {
        var counts: [String: Int] = [:]
        for seed in 0..<40 {
            var random = RandomPolicies(seed: seed)
            var policies: [SecurityPolicy] = []
            for number in 0..<4 { policies.append(random.policy(number)) }
            let set = RequestPolicySet(policies, settings: MeshSettings())
            for _ in 0..<100 {
                let decision = set.decide(random.request().facts)
                let kind =
                    switch decision.verdict {
                    case .allow(.matched): "allowed"
                    case .allow(.noAllowPolicies): "not denied"
                    case .deny(.matched): "denied"
                    case .deny(.noneAllowed): "not allowed"
                    }
                counts[kind, default: 0] += 1
                if decision.audit != nil { counts["audit", default: 0] += 1 }
                if case .matched = decision.dryRunAllow { counts["dry run", default: 0] += 1 }
                if case .matched = decision.dryRunDeny { counts["dry run", default: 0] += 1 }
            }
        }
        for kind in ["allowed", "not denied", "denied", "not allowed", "audit", "dry run"] {
            #expect(counts[kind, default: 0] > 100, "\(kind)")
        }
    }
}
