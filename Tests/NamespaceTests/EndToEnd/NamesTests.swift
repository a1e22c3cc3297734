import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Names of the mesh")
    struct Names {
        private static let hostname = "web.default.svc.cluster.local"

        /// Client and server; the server is behind a service that has a name.
        private func startNamed(_ environment: [String: String] = [:]) throws -> (mesh: Mesh, client: Ztunnel) {
            let mesh = try Mesh(pods: ["client"])
            mesh.document.addService("web", addresses: ["10.96.0.10"], port: 80, target: 8080)
            mesh.document.addWorkload(
                try mesh.node("server"), services: ["default/\(Self.hostname)": (port: 80, target: 8080)])
            let client = try mesh.startZtunnel("client", environment: environment)
            try mesh.startZtunnel("server")
            try mesh.redirect("server")
            return (mesh, client)
        }

        @Test("An application's question for a service is answered by the proxy, whatever resolver it asks")
        func question() throws {
            let (mesh, client) = try startNamed()
            let applied = try Meshctl.run("redirect", "apply", "--dns", "--netns", mesh.node("client").netns)
            #expect(applied.status == 0, "\(applied.errors)")

            for transport in ["+notcp", "+tcp"] {
                let asked = try mesh.node("client").outcome([
                    "dig", "+short", "+time=2", "+tries=2", transport, "@192.0.2.53", Self.hostname,
                ])
                #expect(asked.output == "10.96.0.10\n", "\(asked) \(client.log.suffix(3))")
            }
            let counted = try client.metric("istio_dns_requests_total", "request_query_type=\"a\"")
            #expect(counted == 2)
        }

        @Test("SOCKS5 takes the name of a service, and the connection goes through HBONE")
        func socks() throws {
            let (mesh, client) = try startNamed(["UNSTABLE_ENABLE_SOCKS5": "true"])
            let web = try mesh.node("server").spawn(
                ["python3", "-u", "-m", "http.server", "8080", "--bind", "::", "--directory", mesh.folder.path])
            #expect(web.waitFor("Serving"))
            try mesh.write("through SOCKS5", to: "page.txt")

            let asked = try mesh.node("client").outcome([
                "curl", "-sS", "-m", "10", "--socks5-hostname", "127.0.0.1:15080", "http://\(Self.hostname)/page.txt",
            ])

            #expect(asked.output == "through SOCKS5", "\(asked) \(client.log.suffix(3))")
            let line = try client.awaitAccess("outbound")
            #expect(line["dst.identity"] == EndToEnd.serverID)
            #expect(line["dst.service"] == Self.hostname)
        }
    }
}
