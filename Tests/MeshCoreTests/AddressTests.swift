import MeshCore
import Testing

@Suite("Addresses")
struct AddressTests {
    @Test(
        "text goes in and comes out",
        arguments: [
            ("1.2.3.4", "1.2.3.4"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
            ("::ffff:1.2.3.4", "1.2.3.4"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ])
    func text(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
        #expect(IPAddress(canonical) == IPAddress(text))
    }

    @Test(
        "refuses text that is no address",
        arguments: [
            "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.00", "1.2.3.0004", "1.2.3.4 ", "1.2.3.٤", "1.2.3.4.", "",
            "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "+1.2.3.4", ":", ":::", "1:2", "1::2::3", "12345::",
            "::1%lo", "g::", "1.2.3.4::9a",
        ])
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("the fast text of a socket address is its description")
    func authority() {
        for v4: UInt32 in [0, 1, 0x0a09_0807, 0x6463_0a01, .max] {
            for port: UInt16 in [0, 7, 80, 443, 8080, 15008, .max] {
                let address = SocketAddress(IPAddress(v4: v4), port)
                #expect(address.authority == address.description)
                #expect(SocketAddress(address.authority) == address)
            }
        }
        #expect(SocketAddress(.loopbackV6, 80).authority == "[::1]:80")
    }

    @Test(
        "blocks hold what they should",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true), ("2001:db8::/65", "2001:db8:0:0:8000::", false), ("1.2.3.4", "1.2.3.4", true),
        ])
    func blocks(block: String, address: String, expected: Bool) throws {
        #expect(try #require(CIDR(block)).contains(try #require(IPAddress(address))) == expected)
    }

    @Test("refuses blocks", arguments: ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "/8", "10.0.0.0/ 8", ""])
    func refusesBlocks(text: String) {
        #expect(CIDR(text) == nil)
    }

    @Test("network addresses and hostnames are keyed by their slash")
    func keys() {
        #expect(NetworkAddress("/10.0.0.1")?.network == "")
        #expect(NetworkAddress("a/b/10.0.0.1")?.network == "a/b")
        #expect(NetworkAddress("10.0.0.1") == nil)
        #expect(NamespacedHostname("a/b")?.hostname == "b")
        for bad in ["a", "/b", "a/", "a/b/c"] { #expect(NamespacedHostname(bad) == nil) }
    }
}

@Suite("SPIFFE ID parsing")
struct SPIFFEIDTests {
    static let refused = [
        ("https://a/ns/b/sa/c", IdentityError.form("https://a/ns/b/sa/c")),
        ("spiffe://a/ns/b/sa/c/d", .form("spiffe://a/ns/b/sa/c/d")),
        ("spiffe://a/xx/b/sa/c", .form("spiffe://a/xx/b/sa/c")),
        ("spiffe://a/ns/b/xx/c", .form("spiffe://a/ns/b/xx/c")),
        ("spiffe:///ns/b/sa/c", .trustDomain("")), ("spiffe://A/ns/b/sa/c", .trustDomain("A")),
        ("spiffe://a/ns//sa/c", .namespace("")), ("spiffe://a/ns/b/sa/", .serviceAccount("")),
        ("spiffe://a/ns/b.c/sa/c", .namespace("b.c")), ("spiffe://a/ns/b/sa/-c", .serviceAccount("-c")),
    ]

    @Test("131: refuses", arguments: refused)
    func refuses(uri: String, because expected: IdentityError) {
        #expect(throws: expected) { try SPIFFEID(parsing: uri) }
    }

    @Test("round trip")
    func roundTrip() throws {
        let text = "spiffe://cluster.local/ns/my-ns/sa/my.account"
        #expect(try SPIFFEID(parsing: text).description == text)
        #expect(try SPIFFEID(parsing: text).principal == "cluster.local/ns/my-ns/sa/my.account")
    }
}
