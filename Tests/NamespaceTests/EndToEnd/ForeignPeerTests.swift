import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite(
        "Envoy on the other side",
        .enabled(if: EnvoyPeer.isUsable, "needs Envoy: name its binary in ENVOY, or run scripts/test"))
    struct ForeignPeer {
        @Test("Our client speaks HBONE to Envoy")
        func envoyServer() throws {
            let mesh = try Mesh()
            let client = try mesh.startZtunnel("client")
            try mesh.redirect("client")
            try EnvoyPeer.startServer(mesh, "server", mesh.issue("server"), ports: [7000])
            try mesh.serve("server")

            for address in try mesh.node("server").addresses {
                let bulk = try mesh.call("client", "transfer", "\(address)", "7000", "100000000", "100000000")
                #expect(bulk.up == true && bulk.down == true, "\(bulk) \(client.log.suffix(2))")
            }
            let target = "\(try mesh.node("server").v4)"
            let late = try mesh.call("client", "late", target, "7000", "1000000", "1000000")
            #expect(late.up == true && late.down == true, "half-close: \(late)")
            let many = try mesh.call("client", "tunnels", target, "7000", "300")
            #expect(many.held == 300 && many.failures == 0, "\(many)")
            let line = try client.awaitAccess("outbound")
            #expect(line["dst.identity"] == EndToEnd.serverID)
        }

        @Test("Our server speaks HBONE to Envoy")
        func envoyClient() throws {
            let mesh = try Mesh()
            let server = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            let target = "\(try mesh.node("server").v4)"
            try EnvoyPeer.startClient(mesh, "client", mesh.issue("client"), to: target)
            try mesh.serve("server")

            let bulk = try mesh.call("client", "transfer", target, "7000", "100000000", "100000000")
            #expect(bulk.up == true && bulk.down == true, "\(bulk) \(server.log.suffix(2))")
            let late = try mesh.call("client", "late", target, "7000", "1000000", "1000000")
            #expect(late.up == true && late.down == true, "half-close: \(late)")
            let many = try mesh.call("client", "tunnels", target, "7000", "300")
            #expect(many.held == 300 && many.failures == 0, "\(many)")
            let line = try server.awaitAccess("inbound")
            #expect(line["src.identity"] == EndToEnd.clientID)
            #expect(line["dst.identity"] == EndToEnd.serverID)
        }

        @Test("Our client refuses a server with another identity than the address belongs to, and names it")
        func impostor() throws {
            let mesh = try Mesh()
            let client = try mesh.startZtunnel("client")
            try mesh.redirect("client")
            try EnvoyPeer.startServer(mesh, "server", mesh.issue("impostor"), ports: [7000])
            try mesh.serve("server")

            let result = try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "7000", "10", "10")

            #expect(result.up != true)
            let line = try client.awaitAccess("outbound")
            #expect(line["error"]?.contains("sa/impostor") == true, "\(line)")
        }

        @Test("Envoy without the right certificate is refused by our server")
        func strangeEnvoy() throws {
            let mesh = try Mesh()
            let server = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            let target = "\(try mesh.node("server").v4)"
            var stranger = try mesh.issue("client", by: "other-authority")
            stranger.roots = try mesh.issue("server").roots
            try EnvoyPeer.startClient(mesh, "client", stranger, to: target)
            try mesh.serve("server")

            let result = try mesh.call("client", "transfer", target, "7000", "10", "10")

            #expect(result.up != true)
            #expect(try server.awaitAccess("inbound")["error"]?.isEmpty == false)
        }
    }
}
