import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Leaks")
    struct Leaks {
        /// Ports of the server: enough that closed connections' ports need not be used again at once.
        static let ports = "7000-7009"

        private func churn(_ mesh: Mesh, _ count: Int) throws -> Peer.Result {
            try mesh.call(
                "client", "churn", "\(try mesh.node("server").v4)", Self.ports, "\(count)", "32", within: 600)
        }

        @Test("100,000 connections leave no descriptor and no memory behind")
        func hundredThousand() throws {
            let mesh = try Mesh()
            for pod in ["client", "server"] {
                try mesh.node(pod).exec(
                    "sysctl", "-qw", "net.ipv4.ip_local_port_range=2000 65000", "net.ipv4.tcp_tw_reuse=1")
            }
            let (client, server) = try mesh.startPair()
            try mesh.serve("server", ports: Self.ports)
            #expect(try churn(mesh, 10_000).failures == 0)
            let ztunnels = [client, server]
            let descriptors = try ztunnels.map { try settledDescriptors($0) }
            // Not pages of files: code that runs for the first time would count.
            let memory = ztunnels.map(\.allocatedKiB)

            let result = try churn(mesh, 100_000)

            #expect(result.failures == 0, "\(result)")
            for (ztunnel, before) in zip(ztunnels, descriptors) {
                let after = try settledDescriptors(ztunnel)
                // A few tunnels more or fewer may be open to the peer.
                #expect(after <= before + 8, "\(ztunnel.node.name): \(before) descriptors before, \(after) after")
            }
            for (ztunnel, before) in zip(ztunnels, memory) {
                // 4 MiB in 100,000 connections: less than 42 bytes each.
                let after = ztunnel.allocatedKiB
                #expect(after - before < 4 << 10, "\(ztunnel.node.name): \(before) KiB before, \(after) KiB after")
            }
            #expect(try server.metric("istio_tcp_connections_opened_total", "reporter=\"destination\"") == 110_000)
            #expect(try server.metric("istio_tcp_connections_closed_total", "reporter=\"destination\"") == 110_000)
        }

        /// How many descriptors are open once that number stands still.
        private func settledDescriptors(_ ztunnel: Ztunnel) throws -> Int {
            try eventually("descriptors to settle", within: 20) {
                let before = ztunnel.openDescriptors
                usleepMilliseconds(500)
                return ztunnel.openDescriptors == before ? before : nil
            }
        }

        @Test("Connections that die abruptly leave nothing behind either")
        func resets() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let ztunnels = [client, server]
            let script = """
                import socket, struct
                for i in range(3000):
                    s = socket.create_connection(("\(try mesh.node("server").v4)", 7000))
                    s.sendall(b"flood\\n")
                    if i % 3: s.recv(1)
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.close()
                """
            #expect(try mesh.node("client").outcome(["python3", "-c", script]).status == 0)
            let descriptors = try ztunnels.map { try settledDescriptors($0) }
            #expect(try mesh.node("client").outcome(["python3", "-c", script]).status == 0)
            for (ztunnel, before) in zip(ztunnels, descriptors) {
                let after = try settledDescriptors(ztunnel)
                #expect(after <= before + 8, "\(ztunnel.node.name): \(before) descriptors before, \(after) after")
            }
        }
    }
}
