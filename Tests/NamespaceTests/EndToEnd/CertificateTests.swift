import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Certificates from meshctl ca serve")
    struct Certificates {
        /// A mesh with a CA in a node of its own, and the options that make a pod's ztunnel use it.
        private struct Served {
            let mesh: Mesh
            let authority: NamespaceProcess
            private let address: String

            init() throws {
                let mesh = try Mesh()
                self.mesh = mesh
                try mesh.makeAuthority()
                for pod in ["client", "server"] {
                    try mesh.write("token-of-\(pod)-\(UUID().uuidString)", to: "\(pod).token")
                    chmod(mesh.path("\(pod).token"), 0o600)
                }
                let callers = ["client", "server"].map { pod in
                    """
                      - name: \(pod)
                        tokenFile: \(mesh.path("\(pod).token"))
                        identities: [spiffe://cluster.local/ns/default/sa/\(pod)]
                    """
                }
                let file = try mesh.write("callers:\n" + callers.joined(separator: "\n") + "\n", to: "callers.yaml")
                let node = try mesh.node("ca")
                address = "\(node.v4):15012"
                let process = try node.spawn(
                    Meshctl.path, "ca", "serve", "--dir", mesh.path("authority"), "--listen", address, "--callers", file
                )
                authority = process
                _ = try eventually("the CA to listen: \(process.errors)") {
                    guard process.isRunning else { throw TimedOut(description: "ca serve ended: \(process.errors)") }
                    return try node.exec("ss", "-Htln", "sport", "=", ":15012").isEmpty ? nil : true
                }
            }

            func options(_ pod: String) -> [String] {
                [
                    "--ca-address", "https://\(address)", "--ca-root", mesh.path("authority/root-cert.pem"),
                    "--token", mesh.path("\(pod).token"),
                ]
            }

            func start(lifetime: String = "24h") throws -> (client: Ztunnel, server: Ztunnel) {
                let environment = ["SECRET_TTL": lifetime]
                let pair = (
                    client: try mesh.startZtunnel("client", credentials: options("client"), environment: environment),
                    server: try mesh.startZtunnel("server", credentials: options("server"), environment: environment)
                )
                try mesh.redirect("client", "server")
                try mesh.serve("server")
                return pair
            }

            func transfer() throws -> Peer.Result {
                try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "7000", "1000", "1000")
            }

            /// The serial number of the certificate that the server's ztunnel shows now.
            func serverSerial() throws -> String {
                let client = try mesh.issue("prober")
                let target = "\(try mesh.node("server").v4):15008"
                let shown = try mesh.node("ca").outcome([
                    "bash", "-c",
                    "timeout 10 openssl s_client -connect \(target) -alpn h2 -cert \(client.certificate) "
                        + "-key \(client.key) </dev/null 2>/dev/null | openssl x509 -noout -serial",
                ])
                guard shown.output.hasPrefix("serial=") else { throw TimedOut(description: "no serial: \(shown)") }
                return shown.output
            }
        }

        @Test("Both ztunnels fetch their certificates and talk")
        func fetch() throws {
            let served = try Served()
            let (client, server) = try served.start()
            let result = try served.transfer()
            #expect(result.up == true && result.down == true, "\(result) \(client.log) \(server.log)")
            let line = try server.awaitAccess("inbound")
            #expect(line["src.identity"] == EndToEnd.clientID)
            #expect(line["dst.identity"] == EndToEnd.serverID)
        }

        @Test("Certificates are renewed at half their life, and no connection is dropped meanwhile")
        func renewal() throws {
            let served = try Served()
            _ = try served.start(lifetime: "12s")
            let holder = try served.mesh.start("client", "hold", "\(try served.mesh.node("server").v4)", "7000")
            #expect(holder.waitFor("open"), "\(holder.errors)")

            var serials = [try served.serverSerial()]
            for _ in 0..<2 {
                serials.append(
                    try eventually("the certificate to be renewed", within: 20) {
                        let serial = try served.serverSerial()
                        let result = try served.transfer()
                        #expect(result.up == true && result.down == true, "\(result)")
                        return serial == serials.last ? nil : serial
                    })
            }

            #expect(Set(serials).count == 3)
            holder.signal(SIGUSR1)
            holder.wait()
            let held = try Peer.result(of: holder)
            #expect(held.end == "eof" && held.asked == true, "\(held)")
        }

        @Test("A CA that is gone does not matter while the certificate is valid; when it is back, renewal goes on")
        func authorityGone() throws {
            let served = try Served()
            let (client, server) = try served.start(lifetime: "40s")
            #expect(try served.transfer().up == true)
            let serial = try served.serverSerial()

            served.authority.signal(SIGKILL)
            served.authority.wait()
            // Half of its life passes; a renewal fails and says so.
            _ = try eventually("a complaint about the CA", within: 30) {
                server.log.first { $0["level"] == "warn" || $0["level"] == "warning" || $0["level"] == "error" }
            }

            let result = try served.transfer()
            #expect(result.up == true && result.down == true, "\(result) \(client.log)")
            #expect(try served.serverSerial() == serial)
        }

        @Test(
            "A caller gets no identity that the list does not give it; its ztunnel does not become ready and says why")
        func notAllowed() throws {
            let served = try Served()
            let mesh = served.mesh
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            // The client's token does not entitle to the server's identity: like istiod, the CA issues the caller's own.
            let process = try mesh.node("server").spawn(
                [
                    Meshctl.path, "ztunnel", "run", "--config", configuration, "--workload", "default/server/server",
                    "--packet-mark", "1337", "--log-format", "json",
                ] + served.options("client"))
            let line = try eventually("the refusal in the log") {
                (process.output + process.errors).split(separator: "\n").first {
                    $0.contains("certificate unavailable")
                }
            }
            #expect(line.contains("not for spiffe://cluster.local/ns/default/sa/server"), "\(line)")
            let ready = try mesh.node("server").outcome(
                [
                    "curl", "-s", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}",
                    "http://127.0.0.1:15021/healthz/ready",
                ])
            #expect(ready.output == "500" || ready.output == "503", "\(ready)")
            let token = try String(contentsOfFile: mesh.path("client.token"), encoding: .utf8)
            #expect(
                !(process.output + process.errors + served.authority.output + served.authority.errors).contains(token))
        }
    }
}
