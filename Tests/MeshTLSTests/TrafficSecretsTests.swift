import MeshCore
import Testing

@testable import MeshTLS

@Suite("The key log of libssl")
struct TrafficSecretsTests {
    static let secret = String(repeating: "ab", count: 32)

    private func isComplete(_ lines: String...) -> Bool {
        var secrets = TrafficSecrets()
        for line in lines { line.withCString { secrets.note($0) } }
        return secrets.areComplete
    }

    @Test("two secrets make it whole, and anything else is passed over")
    func reads() {
        let (client, server) = (
            "CLIENT_TRAFFIC_SECRET_0 00ff \(Self.secret)", "SERVER_TRAFFIC_SECRET_0 00ff \(Self.secret)"
        )
        #expect(isComplete(client, server))
        #expect(isComplete(server, "EXPORTER_SECRET 00 \(Self.secret)", client))
        #expect(!isComplete(client))
        #expect(!isComplete(server, server))
        #expect(!isComplete(server, "CLIENT_TRAFFIC_SECRET_1 00ff \(Self.secret)"))
        #expect(!isComplete(server, "CLIENT_HANDSHAKE_TRAFFIC_SECRET 00ff \(Self.secret)"))
    }

    @Test(
        "a malformed line gives no secret",
        arguments: [
            "", "CLIENT", "CLIENT_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0 ", "CLIENT_TRAFFIC_SECRET_0 00",
            "CLIENT_TRAFFIC_SECRET_0 00 a", "CLIENT_TRAFFIC_SECRET_0 00 abx", "CLIENT_TRAFFIC_SECRET_0 00 gg",
            "CLIENT_TRAFFIC_SECRET_0 00 " + String(repeating: "ab", count: 65),
        ])
    func refuses(line: String) {
        #expect(!isComplete("SERVER_TRAFFIC_SECRET_0 00ff \(Self.secret)", line))
    }

    @Test("secrets of another length than the hash's make no records")
    func refusesLength() {
        var secrets = TrafficSecrets()
        for side in ["CLIENT", "SERVER"] {
            "\(side)_TRAFFIC_SECRET_0 00 \(Self.secret)".withCString { secrets.note($0) }
        }
        let records = secrets.records(.aes256GCM, .libcrypto, role: .client)
        #expect(records == nil)
        let areComplete = secrets.areComplete
        #expect(!areComplete)
    }
}
