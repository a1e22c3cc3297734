import MeshCore
import MeshWire
import Testing

@Suite("PROXY header")
struct ProxyHeaderTests {
    private static let v4 = SocketAddress(IPAddress(v4: 0x0a00_0001), 1234)
    private static let v4b = SocketAddress(IPAddress(v4: 0x0a00_0002), 80)
    private static let v6 = SocketAddress(IPAddress(high: 0x2001_0db8_0000_0000, low: 1), 443)

    private func parse(_ bytes: [UInt8]) throws -> (header: ProxyHeader, byteCount: Int)? {
        try ProxyHeader.parse(bytes.span)
    }

    @Test("84: the bytes for IPv4 with an identity")
    func bytes() throws {
        let identity = try SPIFFEID(parsing: "spiffe://td/ns/a/sa/b")
        let header = ProxyHeader(source: Self.v4, destination: Self.v4b, identity: identity)
        let expected: [UInt8] =
            [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]  // signature
            + [0x21, 0x11, 0x00, 12 + 3 + 21]  // v2 PROXY, TCP over IPv4, length
            + [10, 0, 0, 1, 10, 0, 0, 2, 0x04, 0xd2, 0x00, 0x50]  // addresses, ports
            + [0xD0, 0x00, 21] + Array("spiffe://td/ns/a/sa/b".utf8)
        #expect(header.encoded == expected)
    }

    @Test("round trip", arguments: [(v4, v4b), (v6, v6)])
    func roundTrip(source: SocketAddress, destination: SocketAddress) throws {
        var header = ProxyHeader(source: source, destination: destination, serviceName: "svc.example")
        header.identity = "spiffe://td/ns/a/sa/b"
        let read = try #require(try parse(header.encoded + [1, 2, 3]))
        #expect(read.header == header)
        #expect(read.byteCount == header.encoded.count)
    }

    @Test("Deviation: mixed families keep their addresses")
    func mixed() throws {
        let header = ProxyHeader(source: Self.v4, destination: Self.v6)
        #expect(header.encoded[13] == 0x21)
        #expect(try parse(header.encoded)?.header == header)
    }

    @Test("every truncation asks for more; byte by byte it comes to the same")
    func truncations() throws {
        let header = ProxyHeader(source: Self.v6, destination: Self.v6, serviceName: "x")
        for count in 0..<header.encoded.count { #expect(try parse(Array(header.encoded.prefix(count))) == nil) }
    }

    @Test("refuses what cannot be a header, as soon as it can be told")
    func refuses() throws {
        var bytes = ProxyHeader(source: Self.v4, destination: Self.v4b, serviceName: "x").encoded
        #expect(throws: ProxyHeaderError.signature) { try parse(Array("GET / HTTP/1.1".utf8)) }
        #expect(throws: ProxyHeaderError.version(0x20)) { try parse(Array(bytes[..<12]) + [0x20]) }
        #expect(throws: ProxyHeaderError.family(0x31)) { try parse(Array(bytes[..<13]) + [0x31]) }
        #expect(throws: ProxyHeaderError.truncatedBody) { try parse(Array(bytes[..<14]) + [0, 11]) }
        #expect(throws: ProxyHeaderError.tooLong(4097)) { try parse(Array(bytes[..<14]) + [0x10, 0x01]) }
        bytes[bytes.count - 2] = 200  // the length of the TLV
        #expect(throws: ProxyHeaderError.truncatedBody) { try parse(bytes) }
    }

    @Test("a body of the limit is read")
    func limit() throws {
        let base = ProxyHeader(source: Self.v4, destination: Self.v4b).encoded
        let padding = ProxyHeader.bodyLimit - 12 - 3
        let bytes =
            Array(base[..<14]) + [0x10, 0x00] + Array(base[16...])
            + [0x04, UInt8(padding >> 8), UInt8(padding & 255)] + [UInt8](repeating: 0, count: padding)
        #expect(try parse(bytes)?.byteCount == bytes.count)
    }
}
