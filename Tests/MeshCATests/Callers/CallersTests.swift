import Logging
import MeshCore
import MeshTestSupport
import Testing

@testable import MeshCA

@Suite("The callers file")
struct CallersFileTests {
    static let good = ServedAuthority.callers

    func directory(_ text: String, log: RecordedLog = RecordedLog()) throws -> (CallerDirectory, TemporaryFolder) {
        let folder = try TemporaryFolder()
        try folder.write("callers.yaml", text)
        try folder.write("cart.token", "cart-secret\n")
        try folder.write("node.token", "node-secret\r\n")
        try folder.write("empty.token", "\n")
        try folder.write("two.token", "one two")
        let path = folder.file("callers.yaml")
        return (try CallerDirectory(path: path, trustDomain: try domain(), logger: log.logger), folder)
    }

    @Test("tells callers by token and gives each its identities")
    func tokens() throws {
        let (callers, _) = try directory(Self.good)
        let cart = try #require(callers.current.caller(presenting: "cart-secret"))
        #expect(cart.name == "cart")
        #expect(cart.allowed.only == (try identity("shop", "cart")))
        let node = try #require(callers.current.caller(presenting: "node-secret"))
        #expect(node.allowed.only == nil)
        #expect(node.allowed.contains(try identity("web", "x")))
        #expect(node.allowed.contains(try identity("shop", "cart")))
        #expect(!node.allowed.contains(try identity("shop", "other")))
        #expect(callers.current.caller(presenting: "cart-secret\n") == nil)
        #expect(callers.current.caller(presenting: "") == nil)
    }

    @Test("tells callers by certificate; renewal of others can be switched off")
    func certificates() throws {
        let id = "spiffe://cluster.local/ns/a/sa/b"
        let text = "callers:\n  - {name: x, identity: \"\(id)\", identities: [\"spiffe://cluster.local/ns/c/sa/*\"]}\n"
        let (callers, _) = try directory(text)
        #expect(callers.current.caller(identity: try identity("a", "b"))?.name == "x")
        let other = try #require(callers.current.caller(identity: try identity("z", "z")))
        #expect(other.allowed.only == (try identity("z", "z")))
        let (strict, _) = try directory("renewal: false\n" + text)
        #expect(strict.current.caller(identity: try identity("z", "z")) == nil)
    }

    @Test(
        "that is wrong is refused by line and key",
        arguments: [
            ("callers: 1", 1, "callers: expected a list"),
            ("caller: []", 1, "unknown key \"caller\""),
            ("callers:\n- name: a\n  token: x", 3, "callers[0]: unknown key \"token\""),
            ("callers:\n- name: a", 2, "nothing could prove this caller"),
            ("callers:\n- tokenFile: cart.token", 2, "name is missing"),
            ("callers:\n- {name: a, tokenFile: missing}", 2, "no such file"),
            ("callers:\n- {name: a, tokenFile: empty.token}", 2, "is empty"),
            ("callers:\n- {name: a, tokenFile: two.token}", 2, "more than one word"),
            ("callers:\n- {name: a, tokenFile: cart.token}\n- {name: a, tokenFile: node.token}", 3, "is taken"),
            ("callers:\n- {name: a, tokenFile: cart.token}\n- {name: b, tokenFile: cart.token}", 3, "same token"),
            ("callers:\n- name: a\n  identity: \"spiffe://other/ns/a/sa/b\"", 3, "trust domain \"other\" is not"),
            ("callers:\n- name: a\n  identity: \"spiffe://cluster.local/ns/a/sa/*\"", 3, "not a service account"),
            (
                "callers:\n- name: a\n  tokenFile: cart.token\n  identities: [\"spiffe://cluster.local/ns/*/sa/*\"]", 4,
                "identities[0]: \"*\" is not a namespace"
            ),
            (
                "callers:\n- name: a\n  tokenFile: cart.token\n  identities:\n  - spiffe://cluster.local/ns/a/sa/b*", 5,
                "not a service account"
            ),
            (
                "callers:\n- name: a\n  tokenFile: cart.token\n  identities:\n  - spiffe://cluster.local/ns/a/sa/", 5,
                "not a service account"
            ),
            (
                "callers:\n- name: a\n  tokenFile: cart.token\n  identities:\n  - spiffe://Cluster.local/ns/a/sa/b", 5,
                "is not a trust domain"
            ),
        ])
    func wrong(text: String, line: Int, reason: String) throws {
        let error = #expect(throws: YAMLProblem.self) { try directory(text) }
        #expect(error?.line == line)
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test(
        "that is no YAML, or says a key twice, is refused",
        arguments: ["callers: [", "callers: []\ncallers: []", "a\n\tb: c"])
    func notYAML(text: String) { #expect(throws: YAMLProblem.self) { try directory(text) } }

    @Test("counts anew when it or a token changes")
    func changes() throws {
        let (callers, folder) = try directory(Self.good)
        try folder.write("cart.token", "rotated")
        #expect(callers.current.caller(presenting: "cart-secret") == nil)
        #expect(callers.current.caller(presenting: "rotated")?.name == "cart")
        try folder.write("callers.yaml", "callers: []")
        #expect(callers.current.caller(presenting: "rotated") == nil)
    }

    @Test("keeps the earlier callers while it is broken, and says so once")
    func broken() throws {
        let log = RecordedLog()
        let (callers, folder) = try directory(Self.good, log: log)
        try folder.write("callers.yaml", "callers:\n- {name: late, tokenFile: late.token}\n")
        for _ in 0..<3 { #expect(callers.current.caller(presenting: "cart-secret") != nil) }
        let errors = log.lines.filter { $0.level == .error }
        #expect(errors.count == 1)
        #expect(errors.first?.metadata["reason"]?.contains("callers.yaml:2: callers[0].tokenFile") == true)
        // The file that it waits for comes: no other change is needed.
        try folder.write("late.token", "late")
        #expect(callers.current.caller(presenting: "late")?.name == "late")
        #expect(callers.current.caller(presenting: "cart-secret") == nil)
    }
}
