/// What a peer speaks instead of TLS, judged by the first bytes that it sent.
enum ForeignProtocol {
    /// The bytes looked at.
    static let limit = 16

    private static let greetings: [(prefix: String, name: String)] = [
        ("PRI * HTTP/2", "HTTP/2 without TLS"), ("HTTP/1.", "an HTTP/1 response"), ("GET ", "an HTTP/1 request"),
        ("HEAD ", "an HTTP/1 request"), ("POST ", "an HTTP/1 request"), ("PUT ", "an HTTP/1 request"),
        ("PATCH ", "an HTTP/1 request"), ("DELETE ", "an HTTP/1 request"), ("OPTIONS ", "an HTTP/1 request"),
        ("TRACE ", "an HTTP/1 request"), ("CONNECT ", "an HTTP/1 request"), ("SSH-", "SSH"),
        ("PROXY ", "the PROXY protocol"), ("\r\n\r\n\0\r\nQUIT\n", "the PROXY protocol version 2"),
        ("220 ", "an SMTP or FTP greeting"), ("220-", "an SMTP or FTP greeting"), ("+OK", "a POP3 or Redis reply"),
        ("* OK", "an IMAP greeting"),
    ]

    /// Whether bytes can begin a TLS connection: a handshake or alert record of major version 3.
    static func isTLS(_ first: Span<UInt8>) -> Bool {
        guard first.count > 0 else { return true }
        return (first[0] == 22 || first[0] == 21) && (first.count < 2 || first[1] == 3)
    }

    /// Such as `an HTTP/1 request ("GET / HTTP/1.1\r\n")`.
    static func describe(_ first: Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        for index in 0..<min(first.count, limit) { bytes.append(first[index]) }
        let match = greetings.first { greeting in bytes.starts(with: greeting.prefix.utf8) }
        let name = match?.name ?? (looksLikeHTTP2Frame(bytes) ? "HTTP/2 without TLS" : "something else")
        return "\(name) (\(quote(bytes)))"
    }

    /// A server's SETTINGS frame: 24-bit length, type 4, no flags or ACK, stream 0. Source: RFC 9113 section 4.1.
    private static func looksLikeHTTP2Frame(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 9 && bytes[0] == 0 && bytes[3] == 4 && bytes[4] <= 1 && bytes[5..<9].allSatisfy { $0 == 0 }
    }

    private static func quote(_ bytes: [UInt8]) -> String {
        let isText = bytes.allSatisfy { (32..<127).contains($0) || $0 == 13 || $0 == 10 }
        if isText {
            let text = String(decoding: bytes, as: UTF8.self)
            return text.debugDescription
        }
        return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(separator: " ")
    }
}
