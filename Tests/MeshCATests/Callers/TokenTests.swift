import Testing

@testable import MeshCA

@Suite("A bearer token")
struct TokenTests {
    @Test(
        "loses line ends at its end, and nothing else",
        arguments: [
            ("abc", "abc"), ("abc\n", "abc"), ("abc\r\n\n", "abc"), ("a.b-c_d~+/=", "a.b-c_d~+/="),
        ])
    func trimmed(text: String, token: String) throws { #expect(try TokenFile.token(of: text) == token) }

    @Test(
        "that cannot be is refused",
        arguments: [
            ("", TokenError.empty), ("\n", .empty), (" abc", .form), ("abc ", .form), ("a\nb", .form),
            ("a\u{e9}", .form),
            ("a\0", .form),
        ])
    func refused(text: String, because expected: TokenError) {
        #expect(throws: expected) { try TokenFile.token(of: text) }
    }

    @Test("is recognised by its digest alone")
    func digests() {
        #expect(TokenDigest(of: "abc").matches(TokenDigest(of: "abc")))
        for other in ["abd", "ab", "", "abcabc"] { #expect(!TokenDigest(of: "abc").matches(TokenDigest(of: other))) }
    }
}
