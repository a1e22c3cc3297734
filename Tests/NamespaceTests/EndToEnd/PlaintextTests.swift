import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Plain TCP at the edge of the mesh")
    struct Plaintext {
        @Test("A pod of the mesh reaches a server outside it in plain TCP")
        func outwards() throws {
            let mesh = try Mesh(pods: ["client"])
            let client = try mesh.startZtunnel("client")
            try mesh.redirect("client")
            try mesh.serve("outsider")

            let result = try mesh.call(
                "client", "transfer", "\(try mesh.node("outsider").v4)", "7000", "5000000", "5000000")

            #expect(result.up == true && result.down == true, "\(result) \(client.log)")
            let line = try client.awaitAccess("outbound")
            #expect(line["dst.identity"] == nil)
            #expect(line["error"] == nil)
            #expect(
                try client.metric("istio_tcp_connections_opened_total", "connection_security_policy=\"unknown\"") == 1)
        }

        @Test("A client outside the mesh reaches a pod in plain TCP, over either family")
        func inwards() throws {
            let mesh = try Mesh(pods: ["server"])
            let server = try mesh.startZtunnel("server")
            try mesh.redirect("server")
            try mesh.serve("server")
            let pod = try mesh.node("server")

            for address in pod.addresses {
                let result = try mesh.call("outsider", "transfer", "\(address)", "7000", "5000000", "5000000")
                #expect(result.up == true && result.down == true, "\(result) \(server.log)")
            }

            let line = try server.awaitAccess("inbound")
            #expect(line["src.identity"] == nil)
            #expect(line["dst.addr"]?.hasSuffix(":7000") == true)
            #expect(
                try server.metric("istio_tcp_connections_opened_total", "connection_security_policy=\"unknown\"") == 2)
        }

        @Test("A workload that does not speak HBONE is reached in plain TCP")
        func plainWorkload() throws {
            let mesh = try Mesh(pods: ["client"])
            mesh.document.addWorkload(try mesh.node("legacy"), protocolName: "TCP")
            let client = try mesh.startZtunnel("client")
            try mesh.redirect("client")
            try mesh.serve("legacy")

            let result = try mesh.call("client", "transfer", "\(try mesh.node("legacy").v4)", "7000", "1000", "1000")

            #expect(result.up == true && result.down == true, "\(result) \(client.log)")
            #expect(try client.awaitAccess("outbound")["dst.workload"] == "legacy")
        }

        @Test("A port on which nobody listens is refused, and the log says so")
        func nobodyListens() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()

            let result = try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "7999", "10", "10")

            #expect(result.up != true)
            let inbound = try server.awaitAccess("inbound")
            #expect(inbound["error"]?.lowercased().contains("refused") == true, "\(inbound)")
            #expect(try client.awaitAccess("outbound")["error"]?.contains("503") == true)
            #expect(
                try server.metric("istio_tcp_connections_failed_total", "response_flags=\"CONNECT\"") == 1)
        }
    }
}
