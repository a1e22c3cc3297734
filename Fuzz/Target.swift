import MeshCore
import MeshWire

/// A parser under test: seeds to start from, and a check that must hold for any bytes.
struct Target: Sendable {
    let name: String
    let seeds: [String]
    /// Seeds that are no text.
    var byteSeeds: [[UInt8]] = []
    /// What is wrong with how the bytes were read; `nil` when all is well. A trap is a finding too.
    let check: @Sendable ([UInt8]) -> String?

    static let all = wire + policy + certificates + authority + calls

    private static let wire = [
        Target(
            name: "HBONEAuthority",
            seeds: [
                "1.2.3.4:80", "[2001:db8::1]:8080", "[::ffff:1.2.3.4]:1", "svc.ns.svc.cluster.local:443",
                "[1:2:3:4:5:6:7:8]:9",
            ],
            check: { bytes in
                guard let read = HBONEAuthority(parsing: bytes.span) else { return nil }
                if HBONEAuthority(read.description) != read { return "\(read) is not read back" }
                guard let text = String(validating: bytes, as: UTF8.self), case .address(let address) = read else {
                    return nil
                }
                return SocketAddress(text) == address ? nil : "\(text) is read as \(address)"
            }),
        Target(
            name: "Forwarded",
            seeds: [
                "for=\"1.2.3.4:80\";host=a.example", "for=\"[::1]:80\"", "host=\"a\\\"b\" ; for=x, host=c",
                "proto=http;by=\"a;b\"",
            ],
            check: { bytes in
                guard let read = Forwarded(parsing: bytes.span) else { return nil }
                return Forwarded(read.headerValue) == read ? nil : "\(read) is not read back"
            }),
        Target(
            name: "Baggage",
            seeds: [
                "k8s.cluster.name=c,k8s.namespace.name=ns,k8s.job.name=w,service.name=app,service.version=v1,cloud.region=r",
                "service.name=a=b,,cloud.availability_zone=z",
            ],
            check: { bytes in
                var read = Baggage()
                guard read.add(parsing: bytes.span) else { return nil }
                let sent = Baggage(read.headerValue)
                return sent?.headerValue == read.headerValue ? nil : "\(read) is not stable"
            }),
        Target(
            name: "Traceparent", seeds: ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            check: { bytes in
                guard let read = Traceparent(parsing: bytes.span) else { return nil }
                return Traceparent(read.description) == read ? nil : "\(read) is not read back"
            }),
        Target(
            name: "ProxyHeader",
            seeds: [
                "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{0c}abcdefghABCD",
                "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{10}abcdefghABCD\u{04}\0\u{01}x",
                "\r\n\r\n\0\r\nQUIT\n\u{21}\u{21}\0\u{24}abcdefghijklmnopABCDEFGHIJKLMNOP1234",
            ],
            check: { bytes in
                guard let (header, count) = try? ProxyHeader.parse(bytes.span) else { return nil }
                if count > bytes.count { return "\(count) bytes used of \(bytes.count)" }
                let again = try? ProxyHeader.parse(header.encoded.span)
                return again?.header == header ? nil : "\(header) is not read back"
            }),
        Target(
            name: "SOCKS5",
            seeds: [
                "\u{5}\u{1}\0\u{5}\u{1}\0\u{1}\u{0a}\0\0\u{1}\0\u{50}",
                "\u{5}\u{2}\u{1}\0\u{5}\u{1}\0\u{3}\u{9}echo.shop\0\u{50}",
                "\u{5}\u{1}\0\u{5}\u{1}\0\u{4}abcdefghijklmnop\0\u{50}",
            ],
            check: { bytes in
                let (whole, alone) = (socks5(bytes, chunk: .max), socks5(bytes, chunk: 1))
                return whole == alone ? nil : "read as \(whole), byte by byte as \(alone)"
            }),
        dnsMessage,
        postHandshake,
        .yaml,
        .localConfig,
        .watchLines,
    ]

    /// What a handshake makes of bytes that come in pieces of at most `chunk`, and how many it took.
    private static func socks5(_ bytes: [UInt8], chunk: Int) -> String {
        var handshake = SOCKS5Handshake()
        var events: [SOCKS5Handshake.Event] = []
        var taken = 0
        do throws(SOCKS5Error) {
            while handshake.wanted > 0, taken < bytes.count {
                let part = min(handshake.wanted, chunk, bytes.count - taken)
                if part > SOCKS5Handshake.readLimit { return "it wants \(part) bytes" }
                if let event = try handshake.take(bytes.span.extracting(taken..<taken + part)) { events.append(event) }
                taken += part
            }
        } catch {
            return "\(events), \(error)"
        }
        return "\(events) after \(taken)"
    }
}
