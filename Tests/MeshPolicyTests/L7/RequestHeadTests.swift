import MeshCore
import MeshPolicy
import Testing

/// What is checked before policies. Source: policy reference, section 7.
@Suite("Request heads")
struct RequestHeadTests {
    /// A GET of HTTP/1, with Host unless the headers or HTTP/2 say otherwise.
    private static func head(
        _ target: String, method: String = "GET", version: RequestHead.Version = .http1, authority: String? = nil,
        host: String? = "shop", _ headers: [(String, String)] = []
    ) -> RequestHead {
        let all = (host.map { [("Host", $0)] } ?? []) + headers
        return RequestHead(
            version: version, method: RequestText(method), authority: authority.map { RequestText($0) },
            target: RequestText(target),
            headers: all.map { HeaderField(name: RequestText($0.0), value: RequestText($0.1)) })
    }

    /// What policies see, as `METHOD host target`, or the refusal.
    private static func seen(_ head: RequestHead, _ option: PathNormalization = .base) -> String {
        func text(_ bytes: RequestText) -> String { String(decoding: bytes, as: UTF8.self) }
        do throws(RequestHead.Refusal) {
            let checked = try head.checked(option)
            return "\(text(checked.method)) \(text(checked.host)) \(text(checked.target))"
        } catch {
            return error.details
        }
    }

    static let targets: [(String, String)] = [
        ("/a?b", "GET shop /a?b"), ("/x/../admin", "GET shop /admin"), ("/%61dmin", "GET shop /admin"),
        ("/admin?x", "GET shop /admin?x"), ("/%2561dmin", "GET shop /%2561dmin"),
        // What is not normalized, so that a DENY of /admin does not reach it.
        ("//admin", "GET shop //admin"), ("/Admin", "GET shop /Admin"), ("/admin/", "GET shop /admin/"),
        ("/admin;x=1", "GET shop /admin;x=1"), ("/admin%2f", "GET shop /admin%2f"),
        // Absolute targets: their host wins over Host, and their path is normalized too.
        ("http://other/x/../admin", "GET other /admin"), ("HTTPS://other:8443", "GET other:8443 /"),
        ("http://other?q", "GET other /?q"), ("http://[::1]:80/", "GET [::1]:80 /"),
        ("http://user@other/", "invalid_host"), ("http:///admin", "missing_host"), ("ftp://other/", "invalid_target"),
        ("admin", "invalid_target"), ("http:/admin", "invalid_target"),
        ("/a#b", "path_normalization_failed"), ("/a%00", "path_normalization_failed"),
        ("", "path_normalization_failed"),
        ("/a b", "path_normalization_failed"), ("*", "path_normalization_failed"),
    ]

    @Test("targets of HTTP/1", arguments: targets)
    func target(text: String, expected: String) {
        #expect(Self.seen(Self.head(text)) == expected)
    }

    @Test("a path of HTTP/2 begins with a slash", arguments: ["admin", "http://other/admin", "", "?x", "*"])
    func pathOfHTTP2(text: String) {
        let head = Self.head(text, version: .http2, authority: "shop", host: nil)
        #expect(Self.seen(head) == "path_normalization_failed")
    }

    @Test("OPTIONS may ask for the server itself")
    func asterisk() {
        #expect(Self.seen(Self.head("*", method: "OPTIONS")) == "OPTIONS shop *")
    }

    @Test(
        "a method is a word in upper case; headers that name another one change nothing",
        arguments: [
            ("GET", true), ("M-SEARCH", true), ("PURGE", true), ("get", false), ("Get", false), ("", false),
            ("GE T", false), ("GET\n", false), ("GÉT", false),
        ])
    func method(text: String, isTaken: Bool) {
        let head = Self.head("/", method: text, [("X-HTTP-Method-Override", "DELETE")])
        #expect(Self.seen(head) == (isTaken ? "\(text) shop /" : "invalid_method"))
    }

    @Test("of Host there is one; more are refused, even equal ones")
    func hosts() {
        #expect(Self.seen(Self.head("/", [("HOST", "shop")])) == "invalid_host")
        #expect(Self.seen(Self.head("http://other/", [("host", "x")])) == "invalid_host")
        #expect(Self.seen(Self.head("/", host: nil)) == "missing_host")
        #expect(Self.seen(Self.head("/", host: "")) == "missing_host")
    }

    @Test("in HTTP/2 host and authority must agree")
    func agreement() {
        #expect(Self.seen(Self.head("/", version: .http2, authority: "a", host: nil)) == "GET a /")
        #expect(Self.seen(Self.head("/", version: .http2, authority: "a", host: "a")) == "GET a /")
        #expect(Self.seen(Self.head("/", version: .http2, authority: "a", host: "b")) == "invalid_host")
        #expect(Self.seen(Self.head("/", version: .http2, host: "b")) == "GET b /")
        let twice = Self.head("/", version: .http2, authority: "a", host: "a", [("host", "a")])
        #expect(Self.seen(twice) == "invalid_host")
    }

    @Test(
        "a host is a name or an address, with perhaps a port",
        arguments: [
            ("a.example:8080", true), ("A_b", true), ("[2001:db8::1]:1", true), ("1.2.3.4", true), ("a.", true),
            ("a:", false), ("a:b", false), ("a:65536", false), ("a/b", false), ("a b", false), ("u@a", false),
            ("[::1", false), ("[a]", false), ("a%2f", false), ("a,b", true), ("a?b", false), (":80", false),
            (String(repeating: "a", count: 262), false),
        ])
    func hostForm(text: String, isTaken: Bool) {
        #expect(Self.seen(Self.head("/", host: text)) == (isTaken ? "GET \(text) /" : "invalid_host"))
    }

    @Test(
        "header names have no space, and values no control character",
        arguments: [
            ("x-a", "v", "GET shop /"), ("x a", "v", "invalid_header_name"), ("x-a ", "v", "invalid_header_name"),
            ("", "v", "invalid_header_name"), (":path", "/", "invalid_header_name"),
            ("x\ta", "v", "invalid_header_name"),
            ("x-a", "a\tb", "GET shop /"), ("x-a", "a\r\nb", "invalid_header_value"),
            ("x-a", "a\0", "invalid_header_value"), ("x-a", "ä", "GET shop /"),
        ])
    func headers(name: String, value: String, expected: String) {
        #expect(Self.seen(Self.head("/", [(name, value)])) == expected)
    }

    @Test("names come out in lower case, without host")
    func lowered() throws {
        let head = Self.head("/", [("X-A", "V"), ("x-b", "w")])
        let fields = try head.checked(.base).headers
        #expect(fields.map { String(decoding: $0.name, as: UTF8.self) } == ["x-a", "x-b"])
        #expect(fields.map { String(decoding: $0.value, as: UTF8.self) } == ["V", "w"])
    }

    @Test("CONNECT names its host and no path; an extended one has a path that policies see")
    func connect() {
        #expect(Self.seen(Self.head("shop:443", method: "CONNECT", host: "x")) == "CONNECT shop:443 ")
        #expect(Self.seen(Self.head("/admin", method: "CONNECT")) == "invalid_host")
        #expect(
            Self.seen(Self.head("", method: "CONNECT", version: .http2, authority: "shop:443", host: nil))
                == "CONNECT shop:443 "
        )
        #expect(
            Self.seen(Self.head("/x/../admin", method: "CONNECT", version: .http2, authority: "shop", host: nil))
                == "CONNECT shop /admin")
    }

    @Test("a WebSocket upgrade is a request like others")
    func upgrade() throws {
        let head = Self.head("/x/../admin", [("Upgrade", "websocket"), ("Connection", "Upgrade")])
        let checked = try head.checked(.base)
        var facts = Request().facts
        (facts.method, facts.target, facts.headers) = (checked.method, checked.target, checked.headers)
        #expect(!decide(.make(.deny, .path("/admin")), of: facts).verdict.isAllowed)
    }

    @Test("108: what is normalized further is denied too")
    func further() {
        #expect(Self.seen(Self.head("//admin"), .mergeSlashes) == "GET shop /admin")
        #expect(Self.seen(Self.head("/x/%2e%2e%2fadmin"), .decodeAndMergeSlashes) == "GET shop /admin")
    }

    @Test("every refusal is 400, to gRPC status 13, and says nothing but that")
    func answers() {
        let answer = RequestHead.Refusal.severalHosts.answer(isGRPC: false)
        #expect(answer.status == 400 && answer.body.isEmpty)
        let grpc = RequestHead.Refusal.method("get").answer(isGRPC: true)
        #expect(grpc.headers.contains(.init("grpc-status", "13")))
    }

    @Test("a head survives every truncation of its parts")
    func truncations() {
        let whole = Self.head("http://other:80/x/../y?z", [("x-a", "b")])
        for part in 0..<4 {
            let text = [whole.method, whole.target, whole.headers[0].value, whole.headers[1].name][part]
            for end in text.indices {
                var head = whole
                let cut = text[..<end]
                switch part {
                case 0: head.method = cut
                case 1: head.target = cut
                case 2: head.headers[0] = HeaderField(name: head.headers[0].name, value: cut)
                default: head.headers[1] = HeaderField(name: cut, value: head.headers[1].value)
                }
                // The method may be a shorter word; what is left of the others is judged by the tables above.
                #expect(!Self.seen(head).isEmpty)
            }
        }
    }
}
