import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Other networks", .enabled(if: EnvoyPeer.isUsable, "needs Envoy, as the gateway"))
    struct OtherNetwork {
        private static let hostname = "echo.default.svc.cluster.local"

        /// A client that knows the server only by its service, and the gateway of its network.
        private func clientRecords(_ mesh: Mesh, serviceAccount: String) throws -> MeshDocument {
            let gateway = try mesh.node("gateway").v4
            var document = MeshDocument()
            document.addWorkload(try mesh.node("client"))
            document.workloads += [
                """
                  - uid: test//Pod/default/gateway
                    name: gateway
                    namespace: default
                    serviceAccount: gateway
                    network: remote
                    workloadIps: ["\(gateway)"]
                    protocol: HBONE
                    services: {}
                """,
                """
                  - uid: remote//Pod/default/server
                    name: server
                    namespace: default
                    serviceAccount: server
                    network: remote
                    workloadIps: ["198.51.100.9"]
                    networkGateway: {destination: "remote/\(gateway)", hboneMtlsPort: 15008}
                    protocol: HBONE
                    services: {"default/\(Self.hostname)": {80: 7000}}
                """,
            ]
            document.services.append(
                """
                  - name: echo
                    namespace: default
                    hostname: \(Self.hostname)
                    vips: ["/10.96.0.10"]
                    ports: {80: 7000}
                    subjectAltNames: ["spiffe://cluster.local/ns/default/sa/\(serviceAccount)"]
                """)
            return document
        }

        /// Client, gateway and server, each knowing what its own network tells it.
        private func start(expecting serviceAccount: String) throws -> (mesh: Mesh, client: Ztunnel, server: Ztunnel) {
            let mesh = try Mesh(pods: [])
            mesh.document = try clientRecords(mesh, serviceAccount: serviceAccount)
            let client = try mesh.startZtunnel("client")
            mesh.document = MeshDocument()
            mesh.document.addWorkload(try mesh.node("server"), services: ["default/\(Self.hostname)": (80, 7000)])
            mesh.document.addService("echo", addresses: ["10.96.0.10"], port: 80, target: 7000)
            let server = try mesh.startZtunnel("server", environment: ["NETWORK": "remote"])
            try EnvoyPeer.startGateway(
                mesh, "gateway", try mesh.issue("gateway"), authority: "\(Self.hostname):80",
                to: "\(try mesh.node("server").v4)", 15008)
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            return (mesh, client, server)
        }

        @Test("33: a service of another network is reached through its gateway, and both sides know each other")
        func throughGateway() throws {
            let (mesh, client, server) = try start(expecting: "server")

            let result = try mesh.call("client", "transfer", "10.96.0.10", "80", "5000000", "5000000")

            #expect(result.up == true && result.down == true, "\(result) \(client.log) \(server.log)")
            let outbound = try client.awaitAccess("outbound")
            #expect(outbound["dst.addr"] == "\(try mesh.node("gateway").v4):15008")
            #expect(outbound["dst.hbone_addr"] == "\(Self.hostname):80")
            #expect(outbound["dst.identity"] == EndToEnd.serverID)
            #expect(outbound["dst.service"] == Self.hostname)
            #expect(outbound["error"] == nil)
            #expect(client.accessLog("outbound").count == 1)
            #expect(try client.metric("istio_tcp_connections_opened_total") == 1)
            let inbound = try server.awaitAccess("inbound")
            #expect(inbound["src.identity"] == EndToEnd.clientID)
            #expect(inbound["dst.hbone_addr"] == "\(Self.hostname):80")
        }

        @Test("34: a server behind the gateway that is somebody else gets nothing, and the log names it")
        func impostor() throws {
            let (mesh, client, _) = try start(expecting: "somebody")

            let result = try mesh.call("client", "transfer", "10.96.0.10", "80", "10", "10")

            #expect(result.up != true)
            let line = try client.awaitAccess("outbound")
            #expect(line["error"]?.contains("through the network gateway") == true, "\(line)")
            #expect(line["error"]?.contains(EndToEnd.serverID) == true, "\(line)")
        }
    }
}
