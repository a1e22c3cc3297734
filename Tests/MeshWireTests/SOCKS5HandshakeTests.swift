import MeshCore
import MeshWire
import Testing

@Suite("A SOCKS5 handshake")
struct SOCKS5HandshakeTests {
    private static let greeting: [UInt8] = [5, 1, 0]
    private static let v4: [UInt8] = [5, 1, 0, 1, 10, 0, 0, 1, 0x1f, 0x90]
    private static let v6: [UInt8] = [5, 1, 0, 4, 0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1, 0, 80]
    private static func named(_ name: String) -> [UInt8] {
        [5, 1, 0, 3, UInt8(truncatingIfNeeded: name.utf8.count)] + name.utf8 + [0, 80]
    }

    /// Feeds bytes as a proxy reads them, at most `chunk` at a time; what it made of them, and what it left.
    private func run(
        _ bytes: [UInt8], chunk: Int = .max
    ) throws(SOCKS5Error) -> (events: [SOCKS5Handshake.Event], left: Int) {
        var handshake = SOCKS5Handshake()
        var events: [SOCKS5Handshake.Event] = []
        var rest = bytes[...]
        while handshake.wanted > 0, !rest.isEmpty {
            let part = Array(rest.prefix(min(handshake.wanted, chunk)))
            rest = rest.dropFirst(part.count)
            if let event = try handshake.take(part.span) { events.append(event) }
        }
        return (events, rest.count)
    }

    private static let targets: [([UInt8], SOCKS5Handshake.Target)] = [
        (v4, .address(SocketAddress(IPAddress(v4: 0x0a00_0001), 8080))),
        (v6, .address(SocketAddress(IPAddress(high: 0x2001_0db8_0000_0000, low: 1), 80))),
        (named("echo.shop.svc"), .hostname("echo.shop.svc", port: 80)),
        (named("10.0.0.1"), .address(SocketAddress(IPAddress(v4: 0x0a00_0001), 80))),
        (named("::1"), .address(SocketAddress(.loopbackV6, 80))),
        (named(String(repeating: "a", count: 255)), .hostname(String(repeating: "a", count: 255), port: 80)),
    ]

    @Test("reads each kind of target, however the bytes come, and leaves what follows", arguments: [1, 2, 3, 7, .max])
    func targets(chunk: Int) throws {
        for (request, target) in Self.targets {
            let result = try run(Self.greeting + request + Array("GET /".utf8), chunk: chunk)
            #expect(result.events == [.greeted, .connect(target)])
            #expect(result.left == 5)
        }
    }

    @Test("every truncation asks for more")
    func truncations() throws {
        for (request, _) in Self.targets {
            let whole = Self.greeting + request
            for length in whole.indices {
                let result = try run(Array(whole[..<length]))
                #expect(result.events == (length >= 3 ? [.greeted] : []))
            }
        }
    }

    @Test("method 0 may be any of 255")
    func methods() throws {
        let methods = (1...254).map { UInt8($0) } + [0]
        #expect(try run([5, 255] + methods + Self.v4).events.count == 2)
    }

    @Test(
        "refuses as soon as it can be told, with the reply of the reference",
        arguments: [
            ([4, 1], SOCKS5Error.version(4), 7), ([5, 0], .noCommonMethod, 0xff),
            ([5, 2, 1, 2], .noCommonMethod, 0xff),
            (greeting + [4], .version(4), 7), (greeting + [5, 2], .command(2), 7),
            (greeting + [5, 3], .command(3), 7), (greeting + [5, 1, 0, 2], .addressType(2), 7),
            (greeting + [5, 1, 0, 3, 0], .name, 4), (greeting + named("a b"), .name, 4),
            (greeting + named("a\0b"), .name, 4), (greeting + named("é"), .name, 4),
        ] as [([UInt8], SOCKS5Error, UInt8)])
    func refuses(bytes: [UInt8], error: SOCKS5Error, reply: UInt8) {
        for chunk in [1, .max] {
            #expect(throws: error) { try run(bytes, chunk: chunk) }
        }
        #expect(error.reply[0] == 5)
        #expect(error.reply[1] == reply)
        #expect(error.reply.count == (reply == 0xff ? 2 : 10))
    }

    @Test("never wants more than the limit of a read, nor anything when it is over")
    func limits() throws {
        var handshake = SOCKS5Handshake()
        for byte in Self.greeting + Self.named(String(repeating: "a", count: 255)) {
            #expect((1...SOCKS5Handshake.readLimit).contains(handshake.wanted))
            _ = try handshake.take([byte].span)
        }
        #expect(handshake.wanted == 0)
        var refused = SOCKS5Handshake()
        _ = try? refused.take([4 as UInt8].span)
        #expect(refused.wanted == 0)
    }
}
