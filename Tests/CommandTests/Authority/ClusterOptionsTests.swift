import ArgumentParser
import Foundation
import MeshClusterAuthority
import MeshCore
import Testing

@testable import MeshCommands

@Suite("Flags of an authority that knows clusters")
struct ClusterOptionsTests {
    private func settings(_ arguments: String...) throws -> ClusterSettings {
        let command = try Meshctl.parseAsRoot(["ca", "serve", "--dir", "ca"] + arguments)
        return try #require(command as? AuthorityServe).cluster.settings()
    }

    @Test("each reaches the setting that it names")
    func all() throws {
        let file = try TemporaryFile(
            """
            current-context: other
            contexts: [{name: a, context: {cluster: c, namespace: mesh}}]
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
            """)
        let far = try TemporaryFile(
            """
            current-context: a
            contexts: [{name: a, context: {cluster: c}}]
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:6444"}}]
            """)
        let settings = try settings(
            "--kubeconfig", file.path, "--context", "a", "--cluster-id", "one", "--cluster-alias", "uno",
            "--remote-cluster", "far=\(far.path)", "--token-audience", "x", "--token-audience", "y",
            "--trusted-node-account", "istio-system/ztunnel", "--trusted-node-account", "mesh/zt",
            "--token-issuer", "https://i.example", "--token-keys", "jwks.json", "--authority-secret", "s",
            "--no-publish-root", "--callers", "c.yaml")
        #expect(settings.access != nil)
        #expect(settings.clusterID == "one")
        #expect(settings.clusterAliases == ["uno"])
        #expect(settings.remotes.map(\.id) == ["far"])
        #expect(settings.audiences == ["x", "y"])
        #expect(settings.trusted.accounts.count == 2)
        #expect(settings.issuer == .init(issuer: "https://i.example", keys: .file("jwks.json")))
        #expect(settings.secret == "s")
        #expect(!settings.publishes)
        #expect(settings.callers == "c.yaml")
    }

    @Test("an inventory stands for the pods of a cluster")
    func inventory() throws {
        #expect(try settings("--callers", "c.yaml", "--inventory", "pods.yaml").inventory == "pods.yaml")
    }

    @Test("nobody who could ask is wrong use")
    func nobody() {
        let failure = #expect(throws: MeshFailure.self) { try settings() }
        #expect(failure?.kind == .usage)
    }
}
