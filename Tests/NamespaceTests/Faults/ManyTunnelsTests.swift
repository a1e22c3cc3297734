import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Many tunnels")
    struct ManyTunnels {
        /// 10,000, or what the limit of open files allows: a proxy has two for each.
        static let count: Int = {
            let limits = (try? String(contentsOfFile: "/proc/self/limits", encoding: .utf8)) ?? ""
            let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
            let hard = line.flatMap { $0.split(separator: " ").dropFirst(4).first }.flatMap { Int($0) } ?? 20_200
            return min(10_000, (hard - 200) / 2)
        }()
        /// Bounds on what an open tunnel of its own TLS connection may cost each proxy, in KiB.
        static let most = 40

        @Test("10,000 tunnels, each a TLS connection of its own, are open at once and all of them work")
        func tenThousand() throws {
            let mesh = try Mesh()
            for pod in ["client", "server"] {
                try mesh.node(pod).exec("sysctl", "-qw", "net.ipv4.ip_local_port_range=2000 65000")
            }
            let client = try mesh.startZtunnel("client", environment: ["POOL_MAX_STREAMS_PER_CONNECTION": "1"])
            let server = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            let target = "\(try mesh.node("server").v4)"
            let application = try mesh.node("server").spawn("python3", Peer.script, "echoes", "7000")
            #expect(application.waitFor("listening"), "\(application.errors)")
            let before = (client.allocatedKiB, server.allocatedKiB)
            let descriptors = (client.openDescriptors, server.openDescriptors)

            let holder = try mesh.start("client", "many", target, "7000", "\(Self.count)")
            #expect(holder.waitFor("open", seconds: 90), "\(holder.errors) \(holder.output)")
            let sockets = try mesh.node("client").exec("ss", "-Htn", "state", "established", "dport", "=", ":15008")
            #expect(sockets.split(separator: "\n").count == Self.count)
            let held = (client.allocatedKiB - before.0, server.allocatedKiB - before.1)
            holder.signal(SIGUSR1)
            holder.wait(seconds: 60)

            let result = try Peer.result(of: holder)
            print(
                "\(Self.count) tunnels opened in \(result.seconds ?? -1) s; KiB per tunnel:",
                "client \(held.0 / Self.count) (in all \(client.peakKiB)), server \(held.1 / Self.count) (\(server.peakKiB))"
            )
            #expect(result.held == Self.count && result.failures == 0, "\(result)")
            #expect(held.0 / Self.count < Self.most)
            #expect(held.1 / Self.count < Self.most)
            try server.awaitDescriptors(atMost: descriptors.1 + Self.count + 8)
            // Idle tunnels stay in the client's pool; when it leaves they go, and their memory with them.
            client.process.signal(SIGTERM)
            #expect(client.process.wait(seconds: 20) == 0, "\(client.process.errors)")
            try server.awaitDescriptors(atMost: descriptors.1)
            _ = try eventually("the memory to be given back") { server.allocatedKiB - before.1 < 16 << 10 ? true : nil }
        }
    }
}
