import MeshCore
import MeshWire
import Testing

@Suite("HBONE authority")
struct HBONEAuthorityTests {
    @Test(
        "reads addresses and names, and writes them back",
        arguments: [
            "1.2.3.4:80", "[2001:db8::1]:8080", "[::1]:1", "svc.ns.svc.cluster.local:65535", "a:1", "*.example.com:443",
            "[1:2:3:4:5:6:7:8]:9", "255.255.255.255:15008", "0.0.0.0:1", "1.2.3:80", "1.2.3.4.5:80", "01.2.3.4:80",
        ])
    func roundTrip(text: String) {
        #expect(HBONEAuthority(text)?.description == text)
    }

    @Test("an IPv4-mapped address is the IPv4 address")
    func mapped() {
        #expect(HBONEAuthority("[::ffff:1.2.3.4]:80") == .address(SocketAddress(IPAddress(v4: 0x0102_0304), 80)))
    }

    @Test(
        "refuses",
        arguments: [
            "", ":", ":80", "a", "a:", "1.2.3.4", "[::1]", "::1:80", "[::1]80", "[::1:80", "::1]:80", "[]:80",
            "[1.2.3.4]:80",
            "a:0", "a:65536", "a:+80", "a:-1", "a: 80", "a:80 ", "a b:80", "a/b:80", "a@b:80", "ä:80", "[::1%eth0]:80",
            "[::12345]:80", "[1::2::3]:80", "[1:2:3:4:5:6:7]:80", "[1:2:3:4:5:6:7:8:9]:80", "[:1]:80", "[1:]:80",
            "a:000080",
        ])
    func refuses(text: String) {
        #expect(HBONEAuthority(text) == nil)
    }

    @Test("a host of 255 bytes is read, one of 256 is not")
    func limits() {
        #expect(HBONEAuthority(String(repeating: "a", count: 255) + ":65535") != nil)
        #expect(HBONEAuthority(String(repeating: "a", count: 256) + ":1") == nil)
    }

    @Test(
        "every truncation of an address is refused or another authority", arguments: ["1.2.3.4:80", "[2001:db8::1]:80"])
    func truncations(text: String) {
        for count in 0..<text.count {
            let part = String(text.prefix(count))
            if let read = HBONEAuthority(part) { #expect(read.description == part) }
        }
    }

    @Test("addresses are read as the address type reads them", arguments: 0..<20)
    func agrees(seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func roll(_ sides: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(sides))
        }
        let alphabet = Array("0123456789abcf:::...")
        for _ in 0..<2000 {
            let text = String((0..<1 + roll(16)).map { _ in alphabet[roll(alphabet.count)] })
            let isColon = text.contains(":")
            let read = HBONEAuthority(isColon ? "[\(text)]:1" : "\(text):1")
            var ip: IPAddress?
            if case .address(let address)? = read { ip = address.ip }
            #expect(ip == IPAddress(text), "\(text)")
        }
        let ip = IPAddress(high: UInt64(roll(3)) << UInt64(roll(64)), low: UInt64(roll(3)) << UInt64(roll(64)))
        #expect(HBONEAuthority(SocketAddress(ip, 80).description) == .address(SocketAddress(ip, 80)))
    }

    @Test("reads bytes that a library lends")
    func lent() {
        let bytes = Array("1.2.3.4:80".utf8)
        #expect(bytes.withUnsafeBufferPointer { HBONEAuthority(bytes: $0) }?.description == "1.2.3.4:80")
        #expect(HBONEAuthority(bytes: UnsafeBufferPointer(start: nil, count: 0)) == nil)
    }
}
