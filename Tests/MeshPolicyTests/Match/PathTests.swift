import MeshCore
import MeshPolicy
import Testing

/// Paths before and inside policies. Numbers are those of the cases in the policy reference.
@Suite("Paths")
struct PathTests {
    @Test(
        "45, 46: templates",
        arguments: [
            ("/foo/{*}", "/foo/bar", true), ("/foo/{*}", "/foo/", false), ("/foo/{*}", "/foo/bar/baz", false),
            ("/foo/{*}", "/foo/bar/", false), ("/foo/{**}", "/foo/", true), ("/foo/{**}", "/foo/a/b", true),
            ("/foo/{**}", "/foo", false), ("/foo/{**}/", "/foo/a/", true), ("/foo/{**}/", "/foo//", true),
            ("/foo/{**}/", "/foo/a/b/", true), ("/foo/{**}/", "/foo/a", false), ("/foo/{**}/", "/foo/a/b.txt", false),
            ("/foo/{**}/", "/foo/", false), ("/foo/{*}/bar/{**}", "/foo/x/bar/", true),
            ("/foo/{*}/bar/{**}", "/foo/x/bar/y/z", true), ("/foo/{*}/bar/{**}", "/foo/x/bar", false),
            ("/{*}", "/a=b", true),
            ("/{**}", "/", true), ("/{*}/{*}", "/a/b", true), ("/{*}/{*}", "//b", false), ("/{**}/x", "/x", false),
            ("/{**}/x", "/a/x", true), ("/{**}/x", "//x", true), ("/{*}", "/a|b", false), ("/{**}", "/a/*", false),
        ])
    func templates(template: String, path: String, isMatch: Bool) throws {
        #expect(try PathTemplate(template).matches(Array(path.utf8).span, wide: false) == isMatch)
    }

    @Test("50: wide templates take any byte but the slash")
    func wide() throws {
        let template = try PathTemplate("/a/{*}/c")
        for byte in UInt8.min ... .max {
            let path = Array("/a/".utf8) + [byte] + Array("/c".utf8)
            #expect(template.matches(path.span, wide: true) == (byte != UInt8(ascii: "/")))
        }
    }

    @Test(
        "47 to 49: what is no template",
        arguments: [
            ("/{**}/x/{*}", PathTemplate.Problem.operatorAfterDoubleStar), ("/{**}/{**}", .operatorAfterDoubleStar),
            ("/foo/{*}.txt", .braces(segment: "{*}.txt")), ("/foo/{*}/b*r", .character(segment: "b*r")),
            ("/foo/{*}/b?r", .character(segment: "b?r")), ("/a//{*}", .emptySegment),
            ("/a/{x}", .braces(segment: "/a/{x}")),
            ("/a/{", .braces(segment: "/a/{")), ("/a/{*}/{x}", .braces(segment: "{x}")),
        ])
    func badTemplates(path: String, problem: PathTemplate.Problem) {
        #expect(PathTemplate.problem(in: path) == problem)
    }

    @Test("what is a path or a template", arguments: ["/a", "/a/{*}", "/{**}/", "*", "/a*", "/a|b", "/", "{*}"])
    func goodPaths(path: String) {
        #expect(PathTemplate.problem(in: path) == nil)
    }

    // MARK: Normalisation

    private func normalize(_ target: String, _ option: PathNormalization) -> String {
        switch PathNormalizer.normalize(Array(target.utf8).span, option) {
        case .unchanged: target
        case .changed(let bytes): String(decoding: bytes, as: UTF8.self)
        case .refused(let reason): "400 \(reason)"
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let target: String
        let base: String
        let merge: String
        let decode: String
        init(_ target: String, base: String, merge: String? = nil, decode: String? = nil) {
            self.target = target
            self.base = base
            self.merge = merge ?? base
            self.decode = decode ?? merge ?? base
        }
        var testDescription: String { target }
    }

    static let rows = [
        Row("/", base: "/"), Row("/a", base: "/a"), Row("/a/./b", base: "/a/b"), Row("/a/../b", base: "/b"),
        Row("/a/..", base: "/"), Row("/a/b/..", base: "/a/"), Row("/a/.", base: "/a/"), Row("/..", base: "/"),
        Row("/../../a", base: "/a"), Row("/x/../admin", base: "/admin"), Row("/x/%2e%2E/admin", base: "/admin"),
        Row("/x/.%2e/admin", base: "/admin"), Row("/%61dmin", base: "/admin"), Row("/%2561dmin", base: "/%2561dmin"),
        Row("/a\\b", base: "/a/b"), Row("/x\\..\\admin", base: "/admin"),
        Row("//admin", base: "//admin", merge: "/admin"),
        Row("/a///b//", base: "/a///b//", merge: "/a/b/"), Row("/a//../b", base: "/a/b"),
        Row("/a/..//b", base: "//b", merge: "/b"), Row("/admin%2f", base: "/admin%2f", decode: "/admin/"),
        Row("/a%2F..%2Fb", base: "/a%2F..%2Fb", decode: "/b"), Row("/a%5Cb", base: "/a%5Cb", decode: "/a/b"),
        Row("/a%5c..%5cb", base: "/a%5c..%5cb", decode: "/b"), Row("/a%2f%2fb", base: "/a%2f%2fb", decode: "/a/b"),
        Row("/Admin", base: "/Admin"), Row("/admin/", base: "/admin/"), Row("/admin;x=1", base: "/admin;x=1"),
        Row("/admin?x=/../%61", base: "/admin?x=/../%61"), Row("/a/../b?c/../d", base: "/b?c/../d"),
        Row("/a%20b", base: "/a%20b"), Row("/%7Euser%2D", base: "/~user-"), Row("/a%", base: "/a%"),
        Row("/a%zz", base: "/a%zz"),
        Row("/%%361dmin", base: "/%%361dmin"), Row("/%6%31dmin", base: "/%6%31dmin"), Row("/.../a", base: "/.../a"),
        Row("/.a/..b/c..", base: "/.a/..b/c.."),
    ]

    @Test("107 to 109: options", arguments: rows)
    func options(_ row: Row) {
        #expect(normalize(row.target, .none) == row.target)
        #expect(normalize(row.target, .base) == row.base)
        #expect(normalize(row.target, .mergeSlashes) == row.merge)
        #expect(normalize(row.target, .decodeAndMergeSlashes) == row.decode)
    }

    @Test(
        "110: refused, whatever the option",
        arguments: [
            ("", PathNormalizer.Refusal.empty), ("a", .notAbsolute), ("*", .notAbsolute), ("http://h/a", .notAbsolute),
            ("/a#f", .fragment), ("/a?b#f", .fragment), ("/a b", .control(0x20)), ("/a\0", .control(0)),
            ("/a\u{7f}", .control(0x7f)), ("/a?\n", .control(0x0A)),
        ])
    func refused(target: String, reason: PathNormalizer.Refusal) {
        for option in PathNormalization.allCases {
            #expect(PathNormalizer.normalize(Array(target.utf8).span, option) == .refused(reason))
        }
    }

    @Test("110: an encoded NUL is refused where paths are decoded")
    func encodedNUL() {
        for option in PathNormalization.allCases {
            let isRefused = PathNormalizer.normalize(Array("/a%00b".utf8).span, option) == .refused(.encodedNUL)
            #expect(isRefused == (option != .none))
        }
        #expect(normalize("/a?%00", .base) == "/a?%00")
    }

    @Test("the asterisk of OPTIONS is taken where it is asked for")
    func asterisk() {
        #expect(PathNormalizer.normalize(Array("*".utf8).span, .base, asterisk: true) == .unchanged)
        #expect(PathNormalizer.normalize(Array("*x".utf8).span, .base, asterisk: true) == .refused(.notAbsolute))
    }

    /// DENY `/admin` against ways to write it: what the default options catch, and what they do not.
    @Test(
        "pitfalls of DENY /admin",
        arguments: [
            ("/admin", true), ("/admin?x", true), ("/x/../admin", true), ("/%61dmin", true), ("/./admin", true),
            ("/admin/", false), ("/Admin", false), ("//admin", false), ("/admin;x=1", false), ("/admin%2f", false),
            ("/%2561dmin", false),
        ])
    func pitfalls(target: String, isDenied: Bool) {
        let facts = Request.with { $0.target = normalize(target, .base) }
        #expect(decide(.make(.deny, .path("/admin")), of: facts).verdict.isAllowed == !isDenied)
    }

    @Test("108: merged slashes are denied")
    func merged() {
        let facts = Request.with { $0.target = normalize("//admin", .mergeSlashes) }
        #expect(!decide(.make(.deny, .path("/admin")), of: facts).verdict.isAllowed)
    }

    @Test(
        "names of the options",
        arguments: [("DEFAULT", PathNormalization.base), ("NONE", PathNormalization.none), ("base", nil)])
    func names(name: String, expected: PathNormalization?) {
        #expect(PathNormalization(option: name) == expected)
    }
}
