import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("The authority of a mesh that talks")
    struct Authorities {
        @Test("The root is rotated under live tunnels, and neither a handshake nor a connection breaks")
        func rotation() throws {
            let served = try ServedMesh()
            _ = try served.start(lifetime: "12s")
            let holder = try served.mesh.start("client", "hold", "\(try served.mesh.node("server").v4)", "7000")
            #expect(holder.waitFor("open"), "\(holder.errors)")
            let old = try served.roots()
            #expect(old.count == 1)

            /// Talks until `isDone`: new connections through the tunnels, and a new handshake each time.
            func talk(until what: String, _ isDone: () throws -> Bool) throws {
                _ = try eventually(what, within: 60) {
                    let result = try served.transfer()
                    #expect(result.up == true && result.down == true, "\(what): \(result)")
                    #expect(try !served.serverSerial().isEmpty)
                    return try isDone() ? true : nil
                }
            }

            // Longer than any certificate lives, so that everybody has renewed with both roots in the reply.
            try served.rotate("--overlap", "14s")
            #expect(try served.roots().count == 2)
            try talk(until: "the new root to have signed for both") {
                try served.bothRenewed { $0["reason"] == "root rotation switched" }
            }
            try served.rotate("--advance")
            let new = try served.roots()
            #expect(new.count == 1 && new != old)
            try talk(until: "both to renew without the old root") {
                try served.bothRenewed { $0["reason"] == "root rotation finished" }
            }

            holder.signal(SIGUSR1)
            holder.wait()
            let held = try Peer.result(of: holder)
            #expect(held.end == "eof" && held.asked == true, "\(held)")
            let verified = try Meshctl.run("ca", "audit", "verify", "--dir", served.mesh.path("authority"))
            #expect(verified.status == 0, "\(verified)")
        }

        @Test("Certificates of an authority by another stack carry a mesh as well")
        func foreignAuthority() throws {
            let mesh = try Mesh()
            let node = try mesh.node("ca")
            let script = Meshctl.repository.appendingPathComponent("Tests/Tools/authority_peer.py").path
            let (token, roots) = (UUID().uuidString, mesh.path("foreign-roots.pem"))
            try mesh.write(token, to: "foreign.token")
            chmod(mesh.path("foreign.token"), 0o600)
            let authority = try node.spawn([
                "python3", script, "serve", "--listen", "\(node.v4):15012", "--roots-out", roots, "--trust-domain",
                "cluster.local", "--token", token,
            ])
            #expect(authority.waitFor("listening"), "\(authority.errors)")
            let options = [
                "--ca-address", "https://\(node.v4):15012", "--ca-root", roots, "--token", mesh.path("foreign.token"),
            ]
            let client = try mesh.startZtunnel("client", credentials: options)
            let server = try mesh.startZtunnel("server", credentials: options)
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let result = try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "7000", "1000", "1000")
            #expect(result.up == true && result.down == true, "\(result) \(client.log) \(server.log)")
            #expect(try server.awaitAccess("inbound")["src.identity"] == EndToEnd.clientID)
            #expect(authority.output.contains(EndToEnd.clientID) && authority.output.contains(EndToEnd.serverID))
        }
    }
}
