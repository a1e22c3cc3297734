import Foundation
import MeshClusterAuthority
import MeshCore
import MeshKubernetesAPI
import MeshTestSupport
import Testing

@Suite("Settings of an authority that knows clusters")
struct ClusterFlagsTests {
    private func settings(
        _ environment: [String: String] = [:], _ change: (inout ClusterFlags) throws -> Void
    ) throws -> ClusterSettings {
        var flags = ClusterFlags()
        flags.callers = "callers.yaml"
        try change(&flags)
        return try flags.settings(environment: environment)
    }

    private func kubeconfig() throws -> (TemporaryFolder, String) {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            "kubeconfig",
            """
            current-context: a
            contexts: [{name: a, context: {cluster: c, namespace: mesh}}, {name: b, context: {cluster: c}}]
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
            """)
        return (folder, path)
    }

    @Test("come from flags, then from istiod's variables, then from defaults")
    func order() throws {
        let environment = [
            "CLUSTER_ID": "env", "TOKEN_AUDIENCES": "a1,a2", "CA_TRUSTED_NODE_ACCOUNTS": "istio-system/ztunnel,mesh/zt",
        ]
        let plain = try settings { _ in }
        #expect(plain.clusterID == "Kubernetes")
        #expect(plain.audiences == ["istio-ca"])
        #expect(plain.trusted.accounts.isEmpty)
        #expect(plain.access == nil)
        #expect(!plain.publishes)
        let fromEnvironment = try settings(environment) { _ in }
        #expect(fromEnvironment.clusterID == "env")
        #expect(fromEnvironment.audiences == ["a1", "a2"])
        #expect(fromEnvironment.trusted.accounts.count == 2)
        let fromFlags = try settings(environment) { flags in
            flags.clusterID = "flag"
            flags.audiences = ["b"]
            flags.trustedAccounts = ["x/y"]
        }
        #expect(fromFlags.clusterID == "flag")
        #expect(fromFlags.audiences == ["b"])
        #expect(fromFlags.trusted.accounts == [ServiceAccount(namespace: "x", name: "y")])
    }

    @Test("with a kubeconfig take its context, and publish unless told not to")
    func kubernetes() throws {
        let (folder, path) = try kubeconfig()
        let current = try settings { $0.kubeconfig = path }
        #expect(current.access?.namespace == "mesh")
        #expect(current.publishes)
        let other = try settings { flags in
            flags.kubeconfig = path
            flags.context = "b"
            flags.publishes = false
            flags.secret = "istio-ca-secret"
            flags.remoteClusters = ["far=\(path)"]
        }
        #expect(other.access?.namespace == "default")
        #expect(!other.publishes)
        #expect(other.remotes.map(\.id) == ["far"])
        withExtendedLifetime(folder) {}
    }

    @Test("know where keys are: with the API server, with the issuer, in a file, at a URL")
    func keys() throws {
        let (folder, path) = try kubeconfig()
        let issuer = "https://issuer.example"
        let cases: [(Bool, String?, IssuerKeySource)] = [
            (true, nil, .apiServer), (false, nil, .discovery), (false, "jwks.json", .file("jwks.json")),
            (true, "https://k.example/jwks", .url("https://k.example/jwks")),
        ]
        for (hasServer, keys, source) in cases {
            let found = try settings { flags in
                flags.kubeconfig = hasServer ? path : nil
                flags.tokenIssuer = issuer
                flags.tokenKeys = keys
            }
            #expect(found.issuer == .init(issuer: issuer, keys: source))
        }
        withExtendedLifetime(folder) {}
    }

    static let refused: [(String, @Sendable (inout ClusterFlags) -> Void)] = [
        ("nobody could ask", { $0.callers = nil }), ("a secret without a server", { $0.secret = "s" }),
        ("a context without a kubeconfig", { $0.context = "c" }), ("keys without an issuer", { $0.tokenKeys = "k" }),
        ("an account that is none", { $0.trustedAccounts = ["ztunnel"] }),
        ("a remote cluster without id", { $0.remoteClusters = ["kubeconfig"] }),
        ("an id twice", { flags in flags.clusterAliases = ["Kubernetes"] }),
        (
            "keys in the clear",
            { flags in
                flags.tokenIssuer = "https://i.example"
                flags.tokenKeys = "http://k.example/jwks"
            }
        ),
        ("an issuer in the clear", { $0.tokenIssuer = "http://i.example" }),
        ("no cluster", { $0.usesKubernetes = true }),
    ]

    @Test("that cannot be meant are refused before anything is served", arguments: refused.indices)
    func refusals(index: Int) {
        let (what, change) = Self.refused[index]
        #expect(throws: MeshFailure.self, "\(what)") { try settings { change(&$0) } }
    }

    @Test("an inventory and an API server exclude each other")
    func inventory() throws {
        let (folder, path) = try kubeconfig()
        #expect(throws: MeshFailure.self) {
            try settings { flags in
                flags.kubeconfig = path
                flags.inventory = "pods.yaml"
            }
        }
        withExtendedLifetime(folder) {}
    }
}
