import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("A configuration that changes while the proxy runs")
    struct Reload {
        /// A connection from client to server that stays open, and says when it is cut.
        static func hold(_ mesh: Mesh) throws -> NamespaceProcess {
            let held = try mesh.node("client").spawn(
                "python3", "-c",
                """
                import socket
                s = socket.create_connection(("\(try mesh.node("server").v4)", 7000))
                s.sendall(b"flood\\n"); s.recv(1); print("open", flush=True)
                try:
                    while s.recv(1 << 16): pass
                    print("ended", flush=True)
                except ConnectionError: print("reset", flush=True)
                """)
            guard held.waitFor("open") else { throw TimedOut(description: "no connection: \(held.errors)") }
            return held
        }

        @Test("A policy that comes later cuts what it refuses, and its removal lets new connections in")
        func policies() throws {
            let mesh = try Mesh()
            let (_, server) = try mesh.startPair()
            try mesh.serve("server")
            let held = try Self.hold(mesh)

            mesh.document.addPolicy("stop", action: "Deny", principal: "cluster.local/ns/default/sa/client")
            try mesh.write(mesh.document.yaml, to: "mesh-server.yaml")

            #expect(held.waitFor("reset"), "\(held.output) \(server.log)")
            let cut = try server.awaitAccess("inbound") { $0["error"]?.contains("stop") == true }
            #expect(cut["src.identity"] == EndToEnd.clientID)
            let target = "\(try mesh.node("server").v4)"
            #expect(try mesh.call("client", "transfer", target, "7000", "10", "10").up != true)

            mesh.document.policies = []
            try mesh.write(mesh.document.yaml, to: "mesh-server.yaml")
            _ = try eventually("connections to pass again") {
                try mesh.call("client", "transfer", target, "7000", "10", "10").up == true ? true : nil
            }
        }

        @Test("A broken file changes nothing, is told with its line, and can be mended")
        func brokenFile() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let target = "\(try mesh.node("server").v4)"

            try mesh.write("workloads:\n  - namespce: default\n", to: "mesh-server.yaml")

            let told = try eventually("the complaint") {
                server.log.first { $0["message"]?.contains("local configuration is unusable") == true }
            }
            #expect(told["reason"]?.contains("mesh-server.yaml:2") == true, "\(told)")
            let result = try mesh.call("client", "transfer", target, "7000", "1000", "1000")
            #expect(result.up == true && result.down == true, "\(client.log.suffix(3))")

            try mesh.write(mesh.document.yaml, to: "mesh-server.yaml")
            _ = try eventually("the all-clear") {
                server.log.first { $0["message"]?.contains("usable again") == true }
            }
        }

        @Test("A proxy whose own record is gone takes nothing new and says so; with it, it serves again")
        func ownRecord() throws {
            let mesh = try Mesh()
            let (_, server) = try mesh.startPair()
            try mesh.serve("server")
            let whole = mesh.document.yaml
            let target = "\(try mesh.node("server").v4)"

            mesh.document.workloads.removeLast()
            try mesh.write(mesh.document.yaml, to: "mesh-server.yaml")
            _ = try eventually("the complaint") {
                server.log.first { $0["reason"]?.contains("no workload default/server/server") == true }
            }
            #expect(try mesh.call("client", "transfer", target, "7000", "10", "10").up != true)

            try mesh.write(whole, to: "mesh-server.yaml")
            _ = try eventually("connections to pass again") {
                try mesh.call("client", "transfer", target, "7000", "10", "10").up == true ? true : nil
            }
        }
    }
}
