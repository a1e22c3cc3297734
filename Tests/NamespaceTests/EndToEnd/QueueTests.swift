import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("What bulk leaves waiting")
    struct Queues {
        /// Bytes that a bounded socket may hold, as the kernel tells: twice what it was asked for.
        static let short = 2 * 272 << 10

        /// Room of the sockets between these ports while bulk goes from the client to the server, for both proxies.
        private func room(
            environment: [String: String] = [:]
        ) throws -> (application: [Int], tunnel: [Int]) {
            let mesh = try Mesh()
            try mesh.startZtunnel("client", environment: environment)
            try mesh.startZtunnel("server", environment: environment)
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let pour = try mesh.start("client", "pour", "\(try mesh.node("server").v4)", "7000")
            defer { pour.signal(SIGKILL) }
            func sockets(_ pod: String, _ filter: String...) throws -> [Int] {
                let text = try mesh.node(pod).outcome(["ss", "-Htmn", "state", "established"] + filter).output
                return text.split(whereSeparator: { " (,\n".contains($0) }).filter { $0.hasPrefix("rb") }
                    .compactMap { Int($0.dropFirst(2)) }
            }
            return try eventually("bulk to flow") {
                guard
                    try mesh.node("server").outcome(["ss", "-Htin", "sport", "=", ":7000"]).output
                        .split(whereSeparator: \.isWhitespace)
                        .contains(where: { $0.hasPrefix("bytes_received:") && $0.count > "bytes_received:".count + 7 })
                else { return nil }
                // The client's proxy reads from the application at port 15001, the server's from the tunnel.
                return (
                    application: try sockets("client", "sport", "=", ":15001")
                        + sockets("server", "dport", "=", ":7000"),
                    tunnel: try sockets("server", "sport", "=", ":15008")
                )
            }
        }

        @Test("is little where the sender is near")
        func near() throws {
            var seen: [(application: [Int], tunnel: [Int])] = []
            // On a machine that is busy with other things every round trip of a handshake may take too long.
            while seen.count < 3, seen.last?.tunnel != [Self.short] { seen.append(try room()) }
            #expect(seen.allSatisfy { $0.application == [Self.short, Self.short] }, "\(seen)")
            #expect(seen.last?.tunnel == [Self.short], "\(seen)")
        }

        @Test("is left to the kernel with MESHCTL_SHORT_QUEUES=false")
        func off() throws {
            let room = try room(environment: ["MESHCTL_SHORT_QUEUES": "false"])
            #expect(room.application.count == 2 && room.tunnel.count == 1, "\(room)")
            #expect(!(room.application + room.tunnel).contains(Self.short), "\(room)")
        }

        @Test("Buffers that bulk has used are given back when it is over")
        func buffers() throws {
            let mesh = try Mesh()
            let options = ["--threads", "1"]
            let proxies = [
                try mesh.startZtunnel("client", options: options), try mesh.startZtunnel("server", options: options),
            ]
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let target = "\(try mesh.node("server").v4)"
            // Whatever the first connection needs is there.
            _ = try mesh.call("client", "transfer", target, "7000", "1000", "1000")
            usleepMilliseconds(500)
            let before = proxies.map(\.allocatedKiB)
            let pour = try mesh.start("client", "pour", target, "7000")
            // Stage, ciphertext and plaintext are half a MiB each, and what one side uses the other does not.
            _ = try eventually("buffers to be used") {
                zip(proxies, before).allSatisfy { $0.allocatedKiB > $1 + 768 } ? true : nil
            }
            pour.signal(SIGKILL)
            do {
                _ = try eventually("memory to be given back") {
                    // The server's has up to 256 blocks for its slow reader, which keep a page each.
                    zip(proxies, zip(before, [256, 1280])).allSatisfy { $0.allocatedKiB < $1.0 + $1.1 } ? true : nil
                }
            } catch {
                Issue.record("\(before) KiB before, \(proxies.map(\.allocatedKiB)) after, and still 10 s later")
            }
            // And they serve again.
            let result = try mesh.call("client", "transfer", target, "7000", "30000000", "30000000")
            #expect(result.up == true && result.down == true)
        }
    }
}
