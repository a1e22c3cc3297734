import Foundation
import MeshCore
import MeshTestSupport
import MeshTokens
import Testing

/// Texts that are nearly tokens. Each is signed, where it can be, so that only the form can refuse it.
@Suite("Malformed tokens")
struct MalformedTokenTests {
    static let signer = Signer()

    @Test(
        "payloads",
        arguments: [
            ("{\"iss\":\"i\",\"exp\":1.5}", TokenFailure.claimNotInteger("exp")),
            ("{\"iss\":\"i\",\"exp\":1e99}", .claimNotInteger("exp")),
            ("{\"iss\":\"i\",\"exp\":\"1\"}", .claimNotInteger("exp")),
            ("{\"iss\":\"i\",\"exp\":-1}", .claimNotInteger("exp")),
            ("{\"iss\":\"i\",\"exp\":99999999999999999999}", .claimNotInteger("exp")),
            ("{\"iss\":\"i\",\"nbf\":true}", .claimNotInteger("nbf")),
            ("{\"iss\":\"i\",\"iat\":null}", .claimNotInteger("iat")),
            ("{\"iss\":5}", .claimNotText("iss")), ("{\"iss\":\"i\",\"sub\":[]}", .claimNotText("sub")),
            ("{\"iss\":\"i\",\"jti\":1}", .claimNotText("jti")), ("{\"iss\":\"i\",\"aud\":5}", .audienceForm),
            ("{\"iss\":\"i\",\"aud\":[\"a\",5]}", .audienceForm), ("{\"iss\":\"i\",\"iss\":\"j\"}", .payloadJSON),
            ("{\"iss\":\"i\",\"\\u0069ss\":\"j\"}", .payloadJSON),
            ("{\"a\":{\"b\":1,\"b\":2},\"iss\":\"i\"}", .payloadJSON),
            ("{\"iss\":\"i\"}x", .payloadJSON), ("{\"iss\":\"i\"}{}", .payloadJSON), ("{\"iss\":\"i\",}", .payloadJSON),
            ("[]", .payloadJSON), ("", .payloadJSON), ("{\"iss\":\"\\ud800\"}", .payloadJSON),
            ("{\"n\":01}", .payloadJSON),
            ("{'iss':'i'}", .payloadJSON), ("{\"iss\":\"i\" /**/}", .payloadJSON), ("{\"n\":NaN}", .payloadJSON),
            (String(repeating: "[", count: 100), .payloadJSON),
            ("{\"a\":" + String(repeating: "[", count: 40) + String(repeating: "]", count: 40) + "}", .payloadJSON),
        ])
    func payloads(text: String, expected: TokenFailure) {
        #expect(Self.signer.rules().failure(Self.signer.token(text)) == expected)
    }

    @Test(
        "headers",
        arguments: [
            ("{\"alg\":\"ES256\",\"kid\":5}", TokenFailure.keyID), ("{\"alg\":[\"ES256\"]}", .algorithm),
            ("{}", .algorithm),
            ("{\"alg\":\"ES256\",\"alg\":\"none\"}", .headerJSON), ("{\"alg\":\"ES256\"", .headerJSON),
            ("5", .headerJSON),
            ("{\"alg\":\"ES256\",\"crit\":[\"x\"],\"x\":1}", .headerJSON), ("{\"alg\":\"es256\"}", .algorithm),
        ])
    func headers(text: String, expected: TokenFailure) {
        #expect(Self.signer.rules().failure(Self.signer.token(header: text)) == expected)
    }

    @Test("the form, and the encoding of each part")
    func encoding() {
        let (rules, token) = (Self.signer.rules(), Self.signer.token())
        let parts = token.split(separator: ".").map(String.init)
        #expect(rules.failure("\(parts[0]).\(parts[1])") == .form)
        #expect(rules.failure("\(token).x") == .form)
        #expect(rules.failure("") == .form)
        #expect(rules.failure(token + " ") == .signatureEncoding)
        #expect(rules.failure(token + "\n") == .signatureEncoding)
        #expect(rules.failure(token + "=") == .signatureEncoding)
        #expect(rules.failure("\(parts[0])=.\(parts[1]).\(parts[2])") == .headerEncoding)
        #expect(rules.failure("\(parts[0]).+\(parts[1].dropFirst()).\(parts[2])") == .payloadEncoding)
        #expect(rules.failure("\(parts[0]).a.\(parts[2])") == .payloadEncoding)
        #expect(rules.failure(String(repeating: "a", count: JSONWebToken.sizeLimit + 1)) == .tooLong)
    }

    @Test("a text that is cut off anywhere is refused")
    func truncation() {
        let (rules, token) = (Self.signer.rules(), Self.signer.token())
        for count in 0..<token.count { #expect(rules.failure(String(token.prefix(count))) != nil, "\(count)") }
        #expect(rules.failure(token) == nil)
    }

    @Test(
        "base64 has one text for each value",
        arguments: [
            ("", []), ("AA", [0]), ("AB", nil), ("AAA", [0, 0]), ("AAB", nil), ("A", nil), ("AAAA", [0, 0, 0]),
            ("AA==", nil),
            ("-_8", [0xFB, 0xFF]), ("+/8", nil), ("AAAAA", nil), ("A A", nil),
        ] as [(String, [UInt8]?)])
    func base64Forms(text: String, expected: [UInt8]?) {
        #expect(Base64URL.decode(Array(text.utf8)) == expected)
    }

    @Test("base64 agrees with another implementation for every length")
    func base64Lengths() {
        for length in 0..<70 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + length) }
            #expect(Base64URL.decode(Array(base64URL(bytes).utf8)) == bytes)
        }
    }

    @Test("JSON is read as it is written")
    func json() throws {
        let text = " {\"a\" : [1, -2.5e+3, true, false, null, \"\\u00e9\\ud83d\\ude00\\n\\/\"], \"b\":{}}\n"
        #expect(
            try JSONText.parse(Array(text.utf8))
                == .object([
                    "a": .list([.number("1"), .number("-2.5e+3"), .bool(true), .bool(false), .null, .string("é😀\n/")]),
                    "b": .object([:]),
                ]))
        for count in 0..<(text.utf8.count - 2) {
            #expect(throws: (any Error).self) { try JSONText.parse(Array(text.utf8.prefix(count))) }
        }
        #expect(throws: JSONText.Problem.form(at: 0)) { try JSONText.parse([0x22, 0xFF, 0x22]) }
        let many = "[" + String(repeating: "1,", count: 10_000) + "1]"
        #expect(throws: JSONText.Problem.tooMany) { try JSONText.parse(Array(many.utf8)) }
    }
}
