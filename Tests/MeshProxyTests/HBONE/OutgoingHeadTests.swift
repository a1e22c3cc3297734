import CNghttp2
import MeshCore
import Testing

@testable import MeshProxy

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("The head of a CONNECT that we send")
struct OutgoingHeadTests {
    private func lines(_ head: OutgoingHead) -> [String] {
        var lines: [String] = []
        _ = head.withHeaders { headers, count in
            for header in UnsafeBufferPointer(start: headers, count: count) {
                let name = String(
                    decoding: UnsafeBufferPointer(start: header.name, count: header.namelen), as: UTF8.self)
                let value = UnsafeBufferPointer(start: header.value, count: header.valuelen)
                lines.append("\(name): \(String(decoding: value, as: UTF8.self))")
            }
            return 0
        }
        return lines
    }

    @Test("41: names our network in a tunnel inside another one, also the default one, and in no other")
    func forwardedNetwork() throws {
        let mesh = try LoopbackMesh()
        mesh.announce("k8s.namespace.name=shop")
        var head = mesh.reactor.outgoingHead("echo:80", service: nil, source: SocketAddress(.loopbackV4, 9))
        let traceparent = "traceparent: \(head.traceparent)"
        let usual = [
            ":method: CONNECT", ":authority: echo:80", "baggage: k8s.namespace.name=shop",
            "forwarded: for=\"127.0.0.1:9\"", traceparent,
        ]
        #expect(lines(head) == usual)
        head.forwardedNetwork = "home"
        #expect(lines(head) == usual + ["x-forwarded-network: home"])
        head.forwardedNetwork = ""
        #expect(lines(head) == usual + ["x-forwarded-network: "])
    }
}
