import MeshCore
import MeshPolicy
import MeshTokens

/// What policies and tokens read.
extension Target {
    static let policy = [
        clusterReader,
        logLine,
        Target(
            name: "PathNormalizer",
            seeds: [
                "/a/../b/./c?x=/../y", "/%61%2e%2E/%2f%5C\\x", "//a///b/%00", "/%%36%31/%6%31#f", "/..%2f../a;b=c",
            ],
            check: { bytes in
                for option in PathNormalization.allCases {
                    if let finding = normalized(bytes, option) { return "\(option): \(finding)" }
                }
                return nil
            }),
        Target(
            name: "PathTemplate",
            seeds: [
                "/a/{*}/b/{**}\n/a/x/b/y/z", "/{**}/c\n/a/b/c", "/foo/{*}\n/foo/a|b", "/a*\n/ab", "/{*}/{*}\n/a/b",
            ],
            check: { bytes in
                let (value, path) = halves(bytes)
                guard let text = String(validating: value, as: UTF8.self), let template = try? PathTemplate(text) else {
                    return nil
                }
                if template.matches(path.span, wide: false), !template.matches(path.span, wide: true) {
                    return "narrow, and not wide"
                }
                let filled = text.split(separator: "/", omittingEmptySubsequences: false)
                    .map { $0 == "{*}" ? "x" : $0 == "{**}" ? "y/z" : $0 }.joined(separator: "/")
                return template.matches(Array(filled.utf8).span, wide: false) ? nil : "\(filled) does not match"
            }),
        Target(
            name: "TextPattern",
            seeds: ["*\na", "a*\nabc", "*c\nabc", "abc\nabc", "a*c\nabc", "*a*b*\nxaybz", "**\nab"],
            check: { bytes in
                let (value, text) = halves(bytes)
                guard value.count < 40, text.count < 40, let written = String(validating: value, as: UTF8.self) else {
                    return nil
                }
                if TextPattern(written).matches(text.span) != generic(value, text) { return "text pattern" }
                if WildcardPattern(written).matches(text.span) != wildcard(value[...], text[...]) { return "wildcard" }
                // Divided anywhere; must not trap, whatever it means.
                let claims = TokenClaims([
                    "iss": .string(written), "sub": .string(String(decoding: text, as: UTF8.self)),
                ])
                _ = RequestPrincipalPattern(written).matches(claims)
                return nil
            }),
        Target(
            name: "JSONWebToken",
            seeds: [
                "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJpIiwic3ViIjoicyIsImV4cCI6MTc5NX0.AAAA",
                "eyJhbGciOiJub25lIn0.eyJpc3MiOiJpIn0.", "e30.e30.",
            ],
            check: { bytes in
                guard let token = try? JSONWebToken(parsing: bytes) else { return nil }
                return (try? JSONWebToken(parsing: bytes + [UInt8(ascii: ".")])) == nil && token.expiry >= 0
                    ? nil : "accepted with more behind it"
            }),
        Target(
            name: "JSONText",
            seeds: [
                "{\"a\":[1,-2.5e+3,true,null,\"\\u00e9\\ud83d\\ude00\\n\"],\"b\":{\"c\":{}}}", "[[],[0],{\"x\":\"y\"}]",
                "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}]}",
            ],
            check: { bytes in
                guard (try? JSONText.parse(bytes)) != nil else { return nil }
                for tail in ["x", "}", "]", "\"", ","] where (try? JSONText.parse(bytes + Array(tail.utf8))) != nil {
                    return "accepted with \(tail) behind it"
                }
                return (try? JSONText.parse(bytes + [0x20])) == (try? JSONText.parse(bytes)) ? nil : "a space matters"
            }),
        Target(
            name: "Base64URL", seeds: ["", "AA", "AAA", "AAAA", "-_8", "eyJhbGciOiJFUzI1NiJ9"],
            check: { bytes in
                guard let read = Base64URL.decode(bytes) else { return nil }
                return encoded(read) == bytes ? nil : "\(read) has two texts"
            }),
    ]

    private static func halves(_ bytes: [UInt8]) -> ([UInt8], [UInt8]) {
        guard let cut = bytes.firstIndex(of: 0x0A) else { return (bytes, []) }
        return (Array(bytes[..<cut]), Array(bytes[(cut + 1)...]))
    }

    private static func normalized(_ bytes: [UInt8], _ option: PathNormalization) -> String? {
        var result = bytes
        switch PathNormalizer.normalize(bytes.span, option) {
        case .refused: return nil
        case .unchanged: break
        case .changed(let changed): result = changed
        }
        let again = PathNormalizer.normalize(result.span, option)
        guard again == .unchanged else { return "\(result) changes again" }
        let query = { (text: [UInt8]) in Array(text.drop { $0 != UInt8(ascii: "?") }) }
        guard query(result) == query(bytes) else { return "the query changed" }
        if option == .none { return nil }
        let segments = result.prefix { $0 != UInt8(ascii: "?") }
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if segments.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) {
            return "a dot segment is left"
        }
        return segments.joined().contains(UInt8(ascii: "\\")) ? "a backslash is left" : nil
    }

    private static func generic(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        let star = UInt8(ascii: "*")
        if pattern == [star] { return !text.isEmpty }
        if pattern.first == star { return text.suffix(pattern.count - 1).elementsEqual(pattern.dropFirst()) }
        return pattern.last == star ? text.starts(with: pattern.dropLast()) : pattern == text
    }

    /// By a table of what is reached, so that no pattern takes long.
    private static func wildcard(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var reached = [true] + Array(repeating: false, count: text.count)
        for byte in pattern {
            var next = Array(repeating: false, count: text.count + 1)
            var any = false
            for place in 0...text.count {
                any = any || reached[place]
                if byte == UInt8(ascii: "*") {
                    next[place] = any
                } else if place > 0 {
                    next[place] = reached[place - 1] && text[text.startIndex + place - 1] == byte
                }
            }
            reached = next
        }
        return reached[text.count]
    }

    private static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var (result, bits, count): ([UInt8], UInt32, UInt32) = ([], 0, 0)
        for byte in bytes {
            (bits, count) = (bits << 8 | UInt32(byte), count + 8)
            while count >= 6 {
                count -= 6
                result.append(alphabet[Int(bits >> count & 63)])
            }
            bits &= 0xFF
        }
        if count > 0 { result.append(alphabet[Int(bits << (6 - count) & 63)]) }
        return result
    }
}
