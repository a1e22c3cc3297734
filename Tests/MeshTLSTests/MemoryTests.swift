import Foundation
import MeshCore
import MeshTLS
import Testing

@Suite("TLS memory", .serialized)
struct MemoryTests {
    /// Resident bytes of this process.
    private func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(fields.count > 1 ? Int(fields[1]) : nil) * 4096
    }

    @Test("idle sessions are counted, for the record")
    func measuresIdleSessions() throws {
        let (client, server) = try (Fixture.credential("cart"), Fixture.credential("front"))
        let warm = try Pair(client: client, server: server)
        warm.settle()
        let before = try residentBytes()
        var pairs: [Pair] = []
        for _ in 0..<500 {
            let pair = try Pair(client: client, server: server)
            pair.settle()
            #expect(pair.client.seal([1]) == .sealed)
            #expect(pair.server.seal([1]) == .sealed)
            pair.settle()
            pair.client.dropBuffer()
            pair.server.dropBuffer()
            pairs.append(pair)
        }
        let each = try (residentBytes() - before) / (pairs.count * 2)
        print("1000 idle TLS sessions: about \(each) bytes each")
        #expect(pairs.allSatisfy { $0.client.session.isEstablished && $0.server.session.isEstablished })
    }
}
