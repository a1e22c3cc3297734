import Foundation
import MeshCore
import MeshKubernetes
import MeshPolicyCheck
import Testing

@Suite("Files of policy tests")
struct PolicyTestFileTests {
    let issuer = Issuer()

    /// Runs the tests in a folder of their own, next to the shop and what is added to it.
    private func run(_ tests: String, policies: String = "") async throws -> PolicyTestReport {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in [("shop.yaml", Shop.base + policies), ("keys.json", issuer.jwks), ("tests.yaml", tests)] {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        let file = try PolicyTests(reading: folder.appendingPathComponent("tests.yaml").path)
        file.judge.tokens.now = try TokenSettings.time(file.now ?? "0", doing: "test")
        try file.judge.tokens.readKeys(file.jwks, for: file.judge.cluster.requestAuthentications, doing: "test")
        return try file.run()
    }

    static let authentication = Shop.policy(
        "{targetRefs: [{kind: Service, name: cart}], jwtRules: [{issuer: 'https://i.example', jwksUri: 'https://i.example/k'}]}",
        name: "r", kind: "RequestAuthentication")
    static let requirement = Shop.policy(
        "{targetRefs: [{kind: Service, name: cart}], rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}")

    @Test("a token is judged at the time and by the keys that the file names")
    func tokens() async throws {
        let token = try issuer.token("{\"iss\":\"https://i.example\",\"sub\":\"s\",\"exp\":1795392000}")
        let head = "given: [shop.yaml]\njwks: ['https://i.example=keys.json']\n"
        let tests = """
            tests:
            - {name: good, from: shop/web, to: 'shop/cart:80', request: {token: \(token)}, expect: allow}
            - {name: none, from: shop/web, to: 'shop/cart:80', request: {path: /}, expect: deny, status: 403}
            """
        let before = try await run(
            head + "now: '2026-11-22T23:59:00Z'\n" + tests, policies: Self.authentication + Self.requirement)
        #expect(before.failures == 0, "\(before.cases)")
        let after = try await run(
            head + "now: '2026-11-23T00:02:00Z'\n"
                + tests.replacing("expect: allow", with: "expect: deny, status: 401"),
            policies: Self.authentication + Self.requirement)
        #expect(after.failures == 0, "\(after.cases)")
    }

    @Test("a provider answers as the test says, in that test alone")
    func providers() async throws {
        let custom = """
            ---
            {apiVersion: v1, kind: ConfigMap, metadata: {name: istio, namespace: istio-system}, data: {mesh:
              "extensionProviders: [{name: authz, envoyExtAuthzHttp: {service: authz.shop, port: 8000}}]"}}

            """
            + Shop.policy(
                "{targetRefs: [{kind: Service, name: cart}], action: CUSTOM, provider: {name: authz}, rules: [{}]}")
        let report = try await run(
            """
            given: [shop.yaml]
            tests:
            - {name: a, from: shop/web, to: 'shop/cart:80', providers: {authz: 302}, expect: deny, status: 302}
            - {name: b, from: shop/web, to: 'shop/cart:80', expect: allow}
            - {name: c, from: shop/web, to: 'shop/cart:80', providers: {authz: timeout}, expect: deny, status: 403}
            """, policies: custom)
        #expect(report.failures == 0, "\(report.cases)")
    }

    @Test("a test that expects another verdict, policy or status fails, and says what was found")
    func failures() async throws {
        let report = try await run(
            """
            given: [shop.yaml]
            tests:
            - {name: verdict, from: shop/web, to: 'shop/cart:80', expect: deny}
            - {name: policy, from: none, to: 'shop/web:8000', expect: allow, policy: shop/other}
            - {name: status, from: shop/web, to: 'shop/cart:80', request: {path: 'a'}, expect: deny, status: 403}
            """)
        #expect(report.failures == 3)
        #expect(report.cases[0].reason.hasPrefix("expected deny, but allowed: "))
        #expect(report.cases[1].reason.hasPrefix("expected policy shop/other to decide, but none did"))
        #expect(report.cases[2].reason.hasPrefix("expected the answer 403, but it is 400: "))
        #expect(report.cases.map(\.line) == [3, 4, 5])
    }

    @Test(
        "a file that is no file of tests is refused",
        arguments: [
            "", "tests: []", "given: [shop.yaml]", "given: []\ntests: [{name: a}]", "given: [shop.yaml]\ntest: [a]",
            "given: [shop.yaml]\ntests: [{name: a, from: shop/web, to: 'shop/cart:80', expect: maybe}]",
            "given: [shop.yaml]\ntests: [{name: a, from: shop/wbe, to: 'shop/cart:80', expect: deny}]",
            "given: [shop.yaml]\ntests: [{name: a, from: none, to: 'shop/cart:80', providers: {a: b}, expect: deny}]",
            "given: [shop.yaml]\ntests: [{name: a, from: none, to: 'shop/cart:80', request: {claims: {}, token: x}, expect: deny}]",
        ])
    func refused(text: String) async {
        await #expect(throws: MeshFailure.self) { try await run(text) }
    }
}
