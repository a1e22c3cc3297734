import FakeAPIServer
import Foundation
import MeshKubernetesAPI
import MeshTestSupport
import Testing

/// The verbs as a person runs them, against an API server that holds the authority in a Secret.
@Suite("The verbs of meshctl ca on an authority in a cluster")
struct ClusterVerbTests {
    /// The options that name the authority, and what its servers would be.
    private struct World: Sendable {
        let folder: TemporaryFolder
        let cluster: FakeCluster
        let server: FakeAPIServer
        let place: [String]

        func run(_ words: String...) async throws -> (status: Int32, output: String) {
            try await runApart([Program.path, "ca"] + words + place)
        }

        func json(_ words: String...) async throws -> [String: Any] {
            let ended = try await runApart([Program.path, "ca"] + words + place + ["--output", "json"])
            let object = try? JSONSerialization.jsonObject(with: Data(ended.output.utf8))
            return try #require(object as? [String: Any], "\(ended)")
        }

        func entry(_ name: String) throws -> String {
            let secret = try #require(cluster.object("secrets", "istio-system", "istio-ca-secret"))
            let data = try #require(secret["data"]?[name]?.text.flatMap { Data(base64Encoded: $0) }, "no \(name)")
            return String(decoding: data, as: UTF8.self)
        }
    }

    private func serving(_ body: @Sendable (World) async throws -> Void) async throws {
        try await FakeCluster.serving { cluster, server, url in
            cluster.put("namespaces", ["metadata": ["name": "istio-system"]])
            let folder = try TemporaryFolder()
            let kubeconfig = try folder.write(
                "kubeconfig",
                """
                current-context: a
                contexts: [{name: a, context: {cluster: c}}]
                clusters: [{name: c, cluster: {server: "\(url)"}}]
                """)
            try await body(
                World(
                    folder: folder, cluster: cluster, server: server,
                    place: ["--kubeconfig", kubeconfig, "--authority-secret", "istio-system/istio-ca-secret"]))
        }
    }

    /// Puts an authority that `ca init` made into the secret.
    private func fill(_ world: World) async throws {
        let folder = world.folder.file("made")
        let made = try await runApart([Program.path, "ca", "init", "--dir", folder])
        try #require(made.status == 0, "\(made.output)")
        var data: [String: JSONValue] = [:]
        for name in ["ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem", "authority.yaml"] {
            data[name] = .string(Data(try world.folder.read("made/\(name)").utf8).base64EncodedString())
        }
        world.cluster.put(
            "secrets",
            ["metadata": ["namespace": "istio-system", "name": "istio-ca-secret"], "data": .object(data)])
    }

    @Test("status, bundle, rotate, revoke, crl and issue do there what they do in a folder")
    func verbs() async throws {
        try await serving { world in
            try await fill(world)
            let status = try await world.json("status")
            #expect(status["directory"] as? String == "secret istio-system/istio-ca-secret")
            #expect((status["problems"] as? [String])?.isEmpty == true && status["audit"] == nil)
            #expect(try await world.run("bundle").output == world.entry("root-cert.pem"))

            #expect(try await world.json("rotate", "--overlap", "1h")["step"] as? String == "begun")
            #expect(try world.entry("root-cert.pem").split(separator: "BEGIN CERTIFICATE").count == 3)
            #expect(try await world.json("rotate", "--advance")["phase"] as? String == "retiring")
            #expect(try world.entry("ca-cert.pem") != world.folder.read("made/ca-cert.pem"))

            #expect(try await world.json("revoke", "0a", "--reason", "superseded")["revoked"] as? Int == 1)
            #expect(try await world.run("crl").output == world.entry("ca-crl.pem"))
            #expect(try await world.json("status")["revoked"] as? Int == 1)

            let out = world.folder.file("cart")
            let issued = try await world.run("issue", AuthorityVerbTests.cart, "--out", out)
            #expect(issued.status == 0, "\(issued.output)")
            let roots = try world.folder.write("roots.pem", world.entry("root-cert.pem"))
            let verified = try await runApart(["openssl", "verify", "-CAfile", roots, "\(out)/cert-chain.pem"])
            #expect(verified.status == 0, "\(verified.output)")
            #expect(try world.entry("state.yaml").contains("horizon"))
            // No more than the secret was asked for.
            #expect(Set(world.server.all.map(\.method)) == ["GET", "PATCH"])
            #expect(Set(world.server.all.map(\.path)) == ["/api/v1/namespaces/istio-system/secrets/istio-ca-secret"])
        }
    }

    @Test("what was done is recorded in the folder that is named")
    func records() async throws {
        try await serving { world in
            try await fill(world)
            let log = world.folder.file("made")
            #expect(try await world.run("revoke", "0a", "--dir", log).status == 0)
            let text = try world.folder.read("made/audit/audit-00000000000000000001.jsonl")
            #expect(text.contains("\"event\":\"revoked\"") && text.contains("\"serial\":\"0a\""))
            let verified = try await runApart([Program.path, "ca", "audit", "verify", "--dir", log])
            #expect(verified.status == 0, "\(verified.output)")
        }
    }

    @Test("no secret is a matter of 66, a server that is away of 69, and options that say nothing of 64")
    func refused() async throws {
        try await serving { world in
            let missing = try await world.run("status")
            #expect(missing.status == 66 && missing.output.contains("istio-system/istio-ca-secret"), "\(missing)")
            world.cluster.fail { _ in .refusal(403, "Forbidden") }
            let refused = try await world.run("rotate")
            #expect(refused.status == 69 && !refused.output.contains("PRIVATE"), "\(refused)")
            for words in [
                ["status"], ["status", "--authority-secret", "x"], ["status", "--dir", "x"] + world.place.prefix(2),
            ] {
                let ended = try await runApart([Program.path, "ca"] + words)
                #expect(ended.status == 64, "\(words): \(ended)")
            }
        }
    }
}
