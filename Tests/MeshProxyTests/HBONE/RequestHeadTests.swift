import Testing

@testable import MeshProxy

@Suite("The head of a CONNECT")
struct RequestHeadTests {
    private static func add(_ head: inout RequestHead, _ name: String, _ value: String, limit: Int = 65536) -> Bool {
        Array(name.utf8).withUnsafeBufferPointer { name in
            Array(value.utf8).withUnsafeBufferPointer { value in head.add(name, value, limit: limit) }
        }
    }

    @Test("keeps what HBONE reads and skips the rest")
    func values() {
        var head = RequestHead()
        for (name, value) in [
            (":method", "CONNECT"), (":authority", "10.0.0.1:80"), ("x-other", "1"),
            ("baggage", "k8s.namespace.name=a"),
            ("forwarded", "for=\"1.2.3.4:5\""), ("x-forwarded-network", "n1"),
        ] { #expect(Self.add(&head, name, value)) }
        #expect(head.isConnect)
        #expect(!head.isMalformed)
        #expect(head.authorityText == "10.0.0.1:80")
        #expect(head.baggageText == "k8s.namespace.name=a")
        #expect(head.forwardedNetworkText == "n1")
        head.reset()
        #expect(!head.isConnect)
        #expect(head.authorityText.isEmpty)
        #expect(head.forwardedNetworkText == nil)
    }

    @Test("180: joins baggage that is split over headers")
    func splitBaggage() {
        var head = RequestHead()
        for value in ["k8s.cluster.name=c", "", "service.name=app"] {
            #expect(Self.add(&head, "baggage", value))
            #expect(Self.add(&head, "forwarded", "for=\"1.2.3.4:5\""))
        }
        #expect(head.baggageText == "k8s.cluster.name=c,,service.name=app")
    }

    @Test("tells a CONNECT with a path or scheme from a plain one", arguments: [":path", ":scheme"])
    func malformed(name: String) {
        var head = RequestHead()
        _ = Self.add(&head, ":method", "CONNECT")
        _ = Self.add(&head, name, "/")
        #expect(head.isMalformed)
    }

    @Test("refuses too many headers")
    func count() {
        var head = RequestHead()
        for index in 0..<RequestHead.maxHeaders { #expect(Self.add(&head, "a\(index)", "b")) }
        #expect(!Self.add(&head, "one-more", "b"))
    }

    @Test("refuses a block over the size limit")
    func size() {
        var head = RequestHead()
        #expect(Self.add(&head, "a", String(repeating: "b", count: 900), limit: 1000))
        #expect(!Self.add(&head, "a", String(repeating: "b", count: 900), limit: 1000))
    }
}
