import MeshCore
import MeshPolicy
import Testing

/// Operations and conditions. Numbers are those of the cases in the policy reference.
@Suite("Layer 7 operations and conditions")
struct RequestFieldTests {
    @Test(
        "35 to 38: hosts",
        arguments: [
            ("Example.com", "example.COM", true), ("example.com", "example.com:8080", false),
            ("example.com:*", "example.com:8080", true), ("*.example.com", "example.com", false),
            ("*.example.com", "A.EXAMPLE.com", true), ("*", "", false), ("*", "x", true),
        ])
    func hosts(value: String, host: String, isMatch: Bool) {
        #expect(matches(.to { $0.hosts = Criterion([value]) }, Request.with { $0.host = host }) == isMatch)
    }

    @Test(
        "39: methods are as written",
        arguments: [("get", false), ("GET", true), ("G*", true), ("*", true), ("POST", false)])
    func methods(value: String, isMatch: Bool) {
        #expect(matches(.to { $0.methods = Criterion([value]) }) == isMatch)
    }

    @Test(
        "40 to 44: paths",
        arguments: [
            ("/a*", "/a", true), ("/a*", "/ab", true), ("/a*", "/a/b", true), ("/a*", "/b", false),
            ("*/x", "/y/x", true), ("*/x", "/y/x/z", false), ("*", "/", true), ("/a", "/a?b=c", true),
            ("/a", "/a/", false), ("/a", "/A", false), ("/a*b", "/a*b", true), ("/a*b", "/axb", false),
            ("/a", "/a#f", true), ("/b", "/a?x=/b", false), ("*b", "/a?x=/b", false),
        ])
    func paths(value: String, target: String, isMatch: Bool) {
        #expect(matches(.path(value), Request.with { $0.target = target }) == isMatch)
    }

    @Test(
        "50: what a template would not take is denied all the same, and allowed to nobody",
        arguments: ["|", "[", "*", "\u{e9}"])
    func strangeBytes(_ text: String) {
        let facts = Request.with { $0.target = "/foo/a\(text)b" }
        let rule = SecurityRule.path("/foo/{*}")
        #expect(!decide(.make(.deny, rule), of: facts).verdict.isAllowed)
        #expect(!matches(rule, facts))
        let except = SecurityRule.to { $0.paths = Criterion([], not: ["/foo/{*}"]) }
        #expect(!matches(except, facts))
        #expect(!decide(.make(.deny, except), of: facts).verdict.isAllowed)
    }

    @Test("51, 52: ports and destination addresses are those that the client used")
    func destination() {
        #expect(matches(.to { $0.ports = Criterion([80]) }))
        #expect(!matches(.to { $0.ports = Criterion([8080]) }))
        #expect(matches(.when("destination.port", ["80"])))
        #expect(matches(.when("destination.ip", ["10.96.0.0/12"])))
        #expect(!matches(.when("destination.ip", ["10.0.0.1"])))
    }

    @Test("53: a repeated header is one text with commas, and not its parts")
    func repeatedHeader() {
        let facts = Request.with { $0.headers = [("x-a", "a"), ("other", "c"), ("x-a", "b")] }
        for (value, isMatch) in [
            ("a,b", true), ("a", false), ("b", false), ("a,*", true), ("*,b", true), ("*a,b", true), ("a*", true),
            ("*b", true), ("*x,a,b", false), ("a,bc", false), ("*", true), ("a,b*", true), ("ab", false),
        ] {
            #expect(matches(.when("request.headers[X-A]", [value]), facts) == isMatch, "\(value)")
        }
    }

    @Test("54: a header that is empty is not present")
    func emptyHeader() {
        #expect(!matches(.when("request.headers[X-A]", ["*"]), Request.with { $0.headers = [("x-a", "")] }))
        #expect(
            matches(.when("request.headers[X-A]", ["*"]), Request.with { $0.headers = [("x-a", ""), ("x-a", "")] }))
    }

    @Test("55: what is absent passes notValues and fails values")
    func absentHeader() {
        for key in [
            "request.headers[X-A]", "request.auth.claims[a]", "request.auth.audiences", "request.auth.presenter",
        ] {
            #expect(matches(.when(key, not: ["v"])))
            #expect(!matches(.when(key, ["v"])))
            #expect(!matches(.when(key, ["*"])))
        }
    }

    @Test("the parts of a request can be named as headers")
    func pseudoHeaders() {
        let facts = Request.with { $0.target = "/a?b" }
        for (name, value) in [
            (":method", "GET"), (":path", "/a?b"), (":authority", "example.com"), ("Host", "example.com"),
        ] {
            #expect(matches(.when("request.headers[\(name)]", [value]), facts))
        }
    }

    @Test("connection.sni is a text")
    func serverName() {
        #expect(matches(.when("connection.sni", ["*.example.com"]), Request.with { $0.serverName = "a.example.com" }))
        #expect(!matches(.when("connection.sni", ["*"])))
    }

    // MARK: Claims

    static let claims: [String: ClaimValue] = [
        "iss": .string("https://i.example/x"), "sub": .string("sub"), "azp": .string("app"),
        "a": .object(["b": .string("deep")]), "list": .list([.string("x"), .string("y"), .number("5")]),
        "number": .number("5"), "yes": .bool(true), "scope": .string("read write"), "roles": .string("admin dev"),
        "aud": .list([.string("one"), .string("two")]), "a.b][": .string("odd"),
    ]

    @Test(
        "56 to 60: claims",
        arguments: [
            ("request.auth.claims[a][b]", "deep", true), ("request.auth.claims[a]", "deep", false),
            ("request.auth.claims[list]", "y", true), ("request.auth.claims[list]", "5", false),
            ("request.auth.claims[number]", "5", false), ("request.auth.claims[yes]", "true", false),
            ("request.auth.claims[scope]", "write", true), ("request.auth.claims[scope]", "read write", false),
            ("request.auth.claims[roles]", "dev", true), ("request.auth.claims[none]", "*", false),
            ("request.auth.claims[a][b][c]", "*", false), ("request.auth.claims[azp]", "a*", true),
            ("request.auth.audiences", "two", true), ("request.auth.audiences", "three", false),
            ("request.auth.presenter", "app", true),
        ])
    func claims(key: String, value: String, isMatch: Bool) {
        let facts = Request.with {
            $0.claims = Self.claims
            $0.spaceDelimited = ["roles"]
        }
        #expect(matches(.when(key, [value]), facts) == isMatch)
    }

    @Test(
        "keys of claims",
        arguments: [
            ("request.auth.claims[a]", ["a"]), ("request.auth.claims[a][b]", ["a", "b"]),
            ("request.auth.claims[a[b]]", ["a[b]"]), ("request.auth.claims[a]b[c]", ["a]b[c"]),
            ("request.auth.claims[a][][b]", ["a][][b"]), ("request.auth.claims[https://x/y]", ["https://x/y"]),
        ])
    func claimKeys(key: String, path: [String]) {
        #expect(ConditionAttribute(key: key) == .claim(path))
    }

    @Test(
        "63: keys that nobody knows",
        arguments: [
            "", "source", "request.auth.claims", "request.auth.claims[]", "request.headers[]", "request.headers[x",
            "x[y]",
            "destination.name", "destination.labels[a]", "experimental.envoy.filters.a[b]", "request.headers [x]",
        ])
    func unknownKeys(key: String) {
        #expect(ConditionAttribute(key: key) == nil)
    }

    // MARK: Request principals

    @Test(
        "61, 62: request principals",
        arguments: [
            ("*", "i", "s", true), ("*", "i", nil, false), ("*", "i", "", false), ("i/s", "i", "s", true),
            ("https://i.example/x/sub", "https://i.example/x", "sub", true),
            ("https://i.example/x/sub", "https://i.example", "x/sub", false), ("i/*", "i", "anything", true),
            ("i/*", "i", "", false), ("i/s*", "i", "sub", true), ("i/s*", "i", "x", false),
            ("is*", "issuer", "x", true),
            ("https://i*", "https://i", "x", false), ("https://i*", "https:/", "ix", true), ("*/s", "any", "s", true),
            ("*/s", "any", "t", false), ("*x/s", "max", "s", true), ("*x/*", "max", "s", false),
            ("*x/*", "max", "*", true),
            ("*s", "any", "ends", true), ("i", "i", "", true), ("i", "i", "s", false), ("*/s", "", "s", false),
        ])
    func requestPrincipals(value: String, issuer: String, subject: String?, isMatch: Bool) {
        let facts = Request.with {
            $0.claims = ["iss": .string(issuer)]
            if let subject { $0.claims?["sub"] = .string(subject) }
        }
        #expect(matches(.from { $0.requestPrincipals = Criterion([value]) }, facts) == isMatch)
        #expect(matches(.when("request.auth.principal", [value]), facts) == isMatch)
    }

    @Test("a subject that is no text is no subject")
    func subjectNumber() {
        let facts = Request.with { $0.claims = ["iss": .string("i"), "sub": .number("5")] }
        #expect(!matches(.from { $0.requestPrincipals = Criterion(["*"]) }, facts))
    }
}
