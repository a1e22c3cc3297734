import MeshCore
import MeshPolicy
import Testing

/// CUSTOM policies, answers and explanations. Numbers are those of the cases in the policy reference.
@Suite("CUSTOM policies and answers")
struct CustomPolicyTests {
    static let endpoint = ExtensionProvider.Endpoint(service: "authz.ns.svc.cluster.local", port: 9000)
    static let settings = mesh {
        $0.extensionProviders = [
            ExtensionProvider(name: "http", service: .httpAuthorizer(.init(endpoint: endpoint))),
            ExtensionProvider(name: "grpc", service: .grpcAuthorizer(.init(endpoint: endpoint))),
            ExtensionProvider(name: "zipkin", service: .other("zipkin")),
        ]
    }

    private func step(
        _ policies: SecurityPolicy..., chain: PolicyChain = .http, severalProviders: Bool = false
    ) -> CustomStep {
        RequestPolicySet(policies, settings: Self.settings, chain: chain, severalProviders: severalProviders)
            .customStep(Request().facts)
    }

    private func asked(_ step: CustomStep) -> [String]? {
        guard case .ask(let questions) = step else { return nil }
        return questions.map { "\($0.provider.name) \($0.rule.id)" }
    }

    private func refusal(_ step: CustomStep) -> CustomStep.BadProvider? {
        guard case .deny(_, let reason) = step else { return nil }
        return reason
    }

    @Test("5: without rules nobody is asked; with an empty rule always")
    func always() {
        #expect(asked(step(.make(.custom, provider: "http"))) == nil)
        #expect(asked(step(.make(.custom, provider: "http", SecurityRule()))) == ["http ns[ns]-policy[policy]-rule[0]"])
        #expect(asked(step(.make(.custom, provider: "http", .path("/other")))) == nil)
    }

    @Test("68: a provider that is not known, or is no authorizer, refuses what matches and nothing else")
    func badProvider() {
        #expect(refusal(step(.make(.custom, provider: "none", SecurityRule()))) == .unknown("none"))
        #expect(refusal(step(.make(.custom, provider: "zipkin", SecurityRule()))) == .notAnAuthorizer("zipkin"))
        guard case .none = step(.make(.custom, provider: "none", .path("/other"))) else {
            Issue.record("a request that no rule matches was stopped")
            return
        }
    }

    @Test("69: two providers refuse what matches, unless several are switched on")
    func twoProviders() {
        let first = SecurityPolicy.make(.custom, named: "a", provider: "http", SecurityRule())
        let second = SecurityPolicy.make(.custom, named: "b", provider: "grpc", SecurityRule())
        #expect(refusal(step(first, second)) == .several(["grpc", "http"]))
        #expect(
            asked(step(first, second, severalProviders: true))
                == ["grpc ns[ns]-policy[b]-rule[0]", "http ns[ns]-policy[a]-rule[0]"])
    }

    @Test("a TCP connection has nothing to show to an HTTP provider")
    func tcp() {
        #expect(asked(step(.make(.custom, provider: "http", SecurityRule()), chain: .tcp)) == nil)
        #expect(asked(step(.make(.custom, provider: "grpc", .path("/a")), chain: .tcp)) != nil)
    }

    @Test("72: CUSTOM does not count as ALLOW or DENY")
    func separate() {
        let custom = SecurityPolicy.make(.custom, named: "c", provider: "http", SecurityRule())
        #expect(RequestPolicySet([custom], settings: Self.settings).decide(Request().facts).verdict.isAllowed)
        let deny = SecurityPolicy.make(.deny, SecurityRule())
        #expect(!RequestPolicySet([custom, deny], settings: Self.settings).decide(Request().facts).verdict.isAllowed)
    }

    // MARK: Answers

    private func denial(_ policy: SecurityPolicy, isGRPC: Bool = false) -> LocalAnswer? {
        guard case .deny(let reason) = decide(policy).verdict else { return nil }
        return .denied(reason, isGRPC: isGRPC)
    }

    @Test("a refusal is 403 with 19 bytes of text, and names the policy in the details")
    func httpAnswer() {
        let answer = denial(.make(.deny, named: "no way", SecurityRule()))
        #expect(answer?.status == 403)
        #expect(answer?.body.utf8.count == 19)
        #expect(answer?.headers == [.init("content-type", "text/plain")])
        #expect(answer?.details == "rbac_access_denied_matched_policy[ns[ns]-policy[no_way]-rule[0]]")
        #expect(denial(.make(.allow))?.details == "rbac_access_denied_matched_policy[none]")
    }

    @Test("106: to gRPC a refusal is 200 with status 7 in trailers")
    func grpcAnswer() {
        let answer = denial(.make(.allow), isGRPC: true)
        #expect(answer?.status == 200)
        #expect(answer?.body == "")
        #expect(
            answer?.headers == [
                .init("content-type", "application/grpc"), .init("grpc-status", "7"),
                .init("grpc-message", "RBAC: access denied"),
            ])
    }

    @Test(
        "HTTP to gRPC status",
        arguments: [
            (400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (502, 14), (503, 14), (504, 14), (500, 2), (418, 2),
        ])
    func grpcStatus(http: Int, grpc: Int) {
        #expect(LocalAnswer.grpcStatus(forHTTP: http) == grpc)
    }

    @Test(
        "content types of gRPC",
        arguments: [
            ("application/grpc", true), ("application/grpc+proto", true), ("application/json", false), ("", false),
        ])
    func contentType(text: String, expected: Bool) {
        #expect(LocalAnswer.isGRPC(contentType: Array(text.utf8).span) == expected)
    }

    // MARK: Explanations

    @Test("an explanation names for each rule the first clause that fails, what was seen and what was wanted")
    func explanation() {
        let condition = SecurityRule.when("request.headers[X-A]", ["v"])
        var rule = SecurityRule.from(
            { $0.namespaces = Criterion(["b", "c"]) }, { $0.principals = Criterion([], not: ["*"]) })
        rule.from[1].position = FilePosition(file: "p.yaml", line: 7, column: 9)
        let set = RequestPolicySet(
            [.make(.allow, rule.and(condition), condition, .to { $0.ports = Criterion([81]) })],
            settings: MeshSettings())
        let explained = set.explain(Request().facts)
        guard case .notMatched(let misses)? = explained.first?.outcome else {
            Issue.record("\(explained)")
            return
        }
        #expect(
            misses.map(\.description) == [
                "rule 0: from[0].source.namespaces is \"a\", wanted one of \"b\", \"c\"",
                "rule 0: from[1].source.notPrincipals is \"cluster.local/ns/a/sa/one\", wanted none of \"*\"",
                "rule 1: when[0] request.headers[X-A] is nothing, wanted one of \"v\"",
                "rule 2: to[0].operation.ports is \"80\", wanted one of \"81\"",
            ])
        #expect(misses[1].position.description == "p.yaml:7:9")
        #expect(misses[1].isNegative)
    }

    @Test("an explanation of a match names the rule")
    func explainedMatch() {
        let set = RequestPolicySet([.make(.deny, .path("/x"), .path("/"))], settings: MeshSettings())
        guard case .matched(rule: 1)? = set.explain(Request().facts).first?.outcome else {
            Issue.record("the second rule matches")
            return
        }
    }

    // MARK: Attachment

    static let waypoint = PolicyAttachment(
        rootNamespace: "root", gatewayNamespace: "ns", gatewayName: "way",
        service: .init(namespace: "apps", name: "web"))

    @Test(
        "73 to 77: targets of a policy, for a service behind the waypoint and for its workloads",
        arguments: [
            ("apps", [TargetReference(kind: .service, name: "web")], true, false),
            ("apps", [TargetReference(kind: .service, name: "other")], false, false),
            ("ns", [TargetReference(kind: .service, name: "web")], false, false),
            ("apps", [TargetReference(kind: .serviceEntry, name: "web")], false, false),
            ("ns", [TargetReference(kind: .gateway, name: "way")], true, true),
            ("apps", [TargetReference(kind: .gateway, name: "way")], false, false),
            ("root", [TargetReference(kind: .gatewayClass, name: "istio-waypoint")], true, true),
            ("ns", [TargetReference(kind: .gatewayClass, name: "istio-waypoint")], false, false),
            ("root", [TargetReference(kind: .gatewayClass, name: "istio")], false, false), ("ns", [], false, false),
            ("root", [], false, false),
            (
                "apps", [TargetReference(kind: .service, name: "x"), TargetReference(kind: .service, name: "web")],
                true,
                false
            ),
        ])
    func attachment(namespace: String, targets: [TargetReference], forService: Bool, forWorkload: Bool) {
        let workload = PolicyAttachment(rootNamespace: "root", gatewayNamespace: "ns", gatewayName: "way", service: nil)
        #expect(Self.waypoint.reason(namespace: namespace, targets: targets).isAttached == forService)
        #expect(workload.reason(namespace: namespace, targets: targets).isAttached == forWorkload)
    }

    @Test("75: labels attach nothing to a waypoint, and the reason says so")
    func selector() {
        let policy = SecurityPolicy.make(.deny, selector: .labels(["app": "way"]), SecurityRule())
        #expect(Self.waypoint.attached([policy]).isEmpty)
        #expect(Self.waypoint.reason(namespace: "ns", targets: []) == .noTargets)
        let misplaced = [TargetReference(kind: .gatewayClass, name: "istio-waypoint")]
        #expect(Self.waypoint.reason(namespace: "ns", targets: misplaced) == .classOutsideRoot)
    }

    @Test("attached policies come oldest first, once each")
    func order() {
        let targets = [TargetReference(kind: .gateway, name: "way"), TargetReference(kind: .gateway, name: "way")]
        var (old, new) = (
            SecurityPolicy.make(named: "z", targets: targets), SecurityPolicy.make(named: "a", targets: targets)
        )
        (old.identity.createdAt, new.identity.createdAt) = (1, 2)
        let unknown = SecurityPolicy.make(named: "b", targets: targets)
        #expect(Self.waypoint.attached([unknown, new, old]).map(\.identity.name) == ["z", "a", "b"])
    }
}
