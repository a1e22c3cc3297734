import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Policies of Kubernetes manifests")
    struct Manifests {
        private static let pods = """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Pod, metadata: {name: client, namespace: default, labels: {app: client}}}
            - {apiVersion: v1, kind: Pod, metadata: {name: server, namespace: default, labels: {app: server}}}

            """

        private static func denyClient(of app: String) -> String {
            """
            apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: {name: no-client, namespace: default}
            spec:
              selector: {matchLabels: {app: \(app)}}
              action: DENY
              rules:
              - from: [{source: {principals: [cluster.local/ns/default/sa/client]}}]

            """
        }

        /// A mesh with a folder `policies`, in which the labels of its pods stand.
        private func makeMesh() throws -> Mesh {
            let mesh = try Mesh()
            try FileManager.default.createDirectory(
                atPath: mesh.path("policies"), withIntermediateDirectories: false)
            try mesh.write(Self.pods, to: "policies/pods.yaml")
            return mesh
        }

        private func start(_ mesh: Mesh) throws -> (client: Ztunnel, server: Ztunnel) {
            let pair = (
                client: try mesh.startZtunnel("client"),
                server: try mesh.startZtunnel("server", options: ["--manifests", mesh.path("policies")])
            )
            try mesh.redirect("client", "server")
            return pair
        }

        private func passes(_ mesh: Mesh, _ pod: String, _ port: Int = 7000) throws -> Bool {
            try mesh.call(pod, "transfer", "\(try mesh.node("server").v4)", "\(port)", "10", "10").up == true
        }

        @Test("Under STRICT plaintext is refused but on the port that is exempt, and the mesh gets in")
        func strict() throws {
            let mesh = try makeMesh()
            try mesh.write(
                """
                apiVersion: security.istio.io/v1
                kind: PeerAuthentication
                metadata: {name: server, namespace: default}
                spec:
                  selector: {matchLabels: {app: server}}
                  mtls: {mode: STRICT}
                  portLevelMtls: {7001: {mode: PERMISSIVE}}

                """, to: "policies/strict.yaml")
            let (_, server) = try start(mesh)
            try mesh.serve("server", ports: "7000-7001")

            #expect(try !passes(mesh, "outsider"))
            let refused = try server.awaitAccess("inbound") { $0["error"] != nil }
            #expect(
                refused["error"]?.contains("default/converted_peer_authentication_server") == true, "\(refused)")
            #expect(try passes(mesh, "outsider", 7001), "\(server.log)")
            #expect(try passes(mesh, "client"), "\(server.log)")
        }

        @Test("A policy that comes to the folder cuts the open connection that it denies, and its file says why")
        func live() throws {
            let mesh = try makeMesh()
            let (_, server) = try start(mesh)
            try mesh.serve("server")
            let held = try Reload.hold(mesh)

            // Of others first: it is read, and cuts nothing.
            try mesh.write(Self.denyClient(of: "other"), to: "policies/deny.yaml")
            _ = try eventually("the policy to be read") {
                server.log.first { $0["message"] == "local configuration changed" }
            }
            #expect(try passes(mesh, "client") && held.isRunning)

            try mesh.write(Self.denyClient(of: "server"), to: "policies/deny.yaml")
            #expect(held.waitFor("reset"), "\(held.output) \(server.log)")
            let cut = try server.awaitAccess("inbound") { $0["error"]?.contains("default/no-client") == true }
            #expect(cut["src.identity"] == EndToEnd.clientID)
            #expect(try !passes(mesh, "client"))
            #expect(try passes(mesh, "outsider"))

            let asked = try server.node.outcome([
                Meshctl.path, "ztunnel", "explain", "--from", "default/client", "--to", "\(server.node.v4):7000",
            ])
            #expect(asked.status == 1)
            #expect(asked.output.contains("(rule 0 at \(mesh.path("policies/deny.yaml")):8:5)"), "\(asked.output)")
            let dump = try server.node.outcome([Meshctl.path, "ztunnel", "config-dump"])
            #expect(dump.output.contains("\(mesh.path("policies/deny.yaml")):1:1"), "\(dump.output)")

            try FileManager.default.removeItem(atPath: mesh.path("policies/deny.yaml"))
            _ = try eventually("connections to pass again") { try passes(mesh, "client") ? true : nil }
        }

        @Test(
            "A broken manifest, and one that no longer tells our labels, change nothing and are told with their place")
        func broken() throws {
            let mesh = try makeMesh()
            try mesh.write(Self.denyClient(of: "server"), to: "policies/deny.yaml")
            let (_, server) = try start(mesh)
            try mesh.serve("server")
            #expect(try !passes(mesh, "client"))

            let odd = Self.denyClient(of: "server").replacing("principals", with: "principal")
            for (file, text, reason) in [
                ("deny.yaml", odd, "policies/deny.yaml:8:"), ("deny.yaml", "", "policies/deny.yaml:1:1"),
                ("pods.yaml", "{apiVersion: v1, kind: List, items: []}\n", "add Pod default/server"),
            ] {
                try mesh.write(Self.denyClient(of: "server"), to: "policies/deny.yaml")
                try mesh.write(text, to: "policies/\(file)")
                _ = try eventually("the complaint about \(reason)") {
                    server.log.first {
                        $0["message"]?.contains("unusable") == true && $0["reason"]?.contains(reason) == true
                    }
                }
                #expect(try !passes(mesh, "client"), "\(reason)")
            }
        }

        @Test("A proxy whose labels no manifest tells does not start under a policy that selects by labels")
        func unlabelled() throws {
            let mesh = try makeMesh()
            try mesh.write(Self.denyClient(of: "server"), to: "policies/deny.yaml")
            try FileManager.default.removeItem(atPath: mesh.path("policies/pods.yaml"))
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            let ended = try mesh.node("server").outcome(
                [
                    Meshctl.path, "ztunnel", "run", "--config", configuration, "--workload", "default/server/server",
                    "--manifests", mesh.path("policies"),
                ] + mesh.issue("server").options)
            #expect(ended.status == 65)
            #expect(
                ended.errors.contains("policies/deny.yaml:1:1: AuthorizationPolicy default/no-client")
                    && ended.errors.contains("test//Pod/default/server; add Pod default/server"), "\(ended.errors)")
        }
    }
}
