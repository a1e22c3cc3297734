import MeshWire
import Testing

@Suite("DNS names")
struct DNSNameTests {
    @Test("text and back", arguments: ["a", "www.Example.test", "*.wild.card", "_dns.x-y.1"])
    func text(text: String) throws {
        let name = try #require(DNSName(text))
        #expect(name.description == text)
        #expect(name.hostname == text.lowercased())
        #expect(DNSName(text + ".") == name)
        #expect(DNSName(text.uppercased()) == name)
        #expect(Set([DNSName(text.uppercased()), name]).count == 1)
    }

    @Test(
        "refuses empty and too long labels and names",
        arguments: [
            "", ".", "a..b", ".a", "a..", String(repeating: "x", count: 64), String(repeating: "abc.", count: 64),
        ])
    func refused(text: String) {
        #expect(DNSName(text) == nil)
    }

    @Test("a label of 63 bytes and a name of 255 are the longest")
    func longest() throws {
        let label = String(repeating: "x", count: 63)
        let longest = [label, label, label, String(repeating: "x", count: 61)].joined(separator: ".")
        #expect(DNSName(longest)?.wire.count == 255)
        #expect(DNSName(longest + "x") == nil)
    }

    @Test("a dot or an unseen byte inside a label is escaped in text, and makes no hostname")
    func escaped() throws {
        let bytes =
            DNSVectors.bytes("000001000001000000000000") + [4] + Array("a.b".utf8) + [7, 1, 0x5c, 0, 0, 1, 0, 1]
        let name = try #require(try DNSMessage.parse(bytes.span).questions.first?.name)
        #expect(name.description == "a\\.b\\007.\\\\")
        #expect(name.hostname == nil)
        #expect(DNSName.root.description == ".")
        #expect(DNSName.root.hostname == nil)
    }
}
