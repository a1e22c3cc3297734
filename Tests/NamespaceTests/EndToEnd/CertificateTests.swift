import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Certificates from meshctl ca serve")
    struct Certificates {
        @Test("Both ztunnels fetch their certificates and talk")
        func fetch() throws {
            let served = try ServedMesh()
            let (client, server) = try served.start()
            let result = try served.transfer()
            #expect(result.up == true && result.down == true, "\(result) \(client.log) \(server.log)")
            let line = try server.awaitAccess("inbound")
            #expect(line["src.identity"] == EndToEnd.clientID)
            #expect(line["dst.identity"] == EndToEnd.serverID)
        }

        @Test("Certificates are renewed at half their life, and no connection is dropped meanwhile")
        func renewal() throws {
            let served = try ServedMesh()
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
            let served = try ServedMesh()
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
            let served = try ServedMesh()
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
