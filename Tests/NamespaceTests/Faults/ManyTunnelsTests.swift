import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Many tunnels")
    struct ManyTunnels {
        static let count = 10_000
        /// Descriptors that a process may have open here. A tunnel costs either proxy one, and its TLS connection another.
        static let descriptorLimit: Int = {
            let limits = (try? String(contentsOfFile: "/proc/self/limits", encoding: .utf8)) ?? ""
            let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
            return line.flatMap { $0.split(separator: " ").dropFirst(4).first }.flatMap { Int($0) } ?? 0
        }()
        /// What a process needs beside its tunnels.
        static let spare = 300

        @Test("10,000 tunnels on pooled connections are open at once, and all of them work then")
        func pooled() throws {
            try #require(
                Self.descriptorLimit >= Self.count + Self.spare,
                "a process may open \(Self.descriptorLimit) files only; raise the hard limit (ulimit -Hn)")
            // A hundred tunnels to a connection; each of the two reactors may have one that is not full.
            try hold(Self.count, connections: 100...110, mostKiB: 6)
        }

        @Test("As many tunnels with a TLS connection each as open files allow, up to 10,000, are held and used too")
        func alone() throws {
            let count = min(Self.count, (Self.descriptorLimit - Self.spare) / 2)
            try hold(
                count, connections: count...count, mostKiB: 40, environment: ["POOL_MAX_STREAMS_PER_CONNECTION": "1"])
        }

        /// Opens tunnels and uses each; when all are open, uses all once more; then has them go.
        ///
        /// - Parameters:
        ///   - connections: how many TLS connections carry them.
        ///   - mostKiB: bound on what one more tunnel may cost each proxy.
        ///   - environment: of the client's proxy.
        private func hold(
            _ count: Int, connections: ClosedRange<Int>, mostKiB: Int, environment: [String: String] = [:]
        ) throws {
            let mesh = try Mesh()
            for pod in ["client", "server"] {
                try mesh.node(pod).exec("sysctl", "-qw", "net.ipv4.ip_local_port_range=2000 65000")
            }
            let client = try mesh.startZtunnel("client", environment: environment)
            let server = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            let target = "\(try mesh.node("server").v4)"
            let application = try mesh.node("server").spawn("python3", Peer.script, "echoes", "7000")
            #expect(application.waitFor("listening"), "\(application.errors)")
            let before = (client.allocatedKiB, server.allocatedKiB)
            let descriptors = (client.openDescriptors, server.openDescriptors)

            let holder = try mesh.start("client", "many", target, "7000", "\(count)")
            #expect(holder.waitFor("open", seconds: 240), "\(holder.errors) \(holder.output)")
            let sockets = try mesh.node("client").exec("ss", "-Htn", "state", "established", "dport", "=", ":15008")
            let carrying = sockets.split(separator: "\n").count
            #expect(connections.contains(carrying), "\(carrying) TLS connections")
            #expect(server.openDescriptors >= descriptors.1 + count, "not all tunnels reach the application")
            let held = (client.allocatedKiB - before.0, server.allocatedKiB - before.1)
            holder.signal(SIGUSR1)
            holder.wait(seconds: 120)

            let result = try Peer.result(of: holder)
            print(
                "\(count) tunnels on \(carrying) connections, opened in \(result.seconds ?? -1) s; KiB per tunnel:",
                "client \(Double(held.0) / Double(count)) (in all \(client.peakKiB)),",
                "server \(Double(held.1) / Double(count)) (\(server.peakKiB))")
            #expect(result.held == count && result.failures == 0, "\(result)")
            #expect(held.0 < mostKiB * count && held.1 < mostKiB * count)
            // The connections stay in the client's pool; when it leaves they go, and their memory with them.
            try server.awaitDescriptors(atMost: descriptors.1 + carrying + 8)
            client.process.signal(SIGTERM)
            #expect(client.process.wait(seconds: 20) == 0, "\(client.process.errors)")
            try server.awaitDescriptors(atMost: descriptors.1)
            _ = try eventually("the memory to be given back") { server.allocatedKiB - before.1 < 16 << 10 ? true : nil }
        }
    }
}
