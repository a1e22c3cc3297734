import FakeAPIServer
import Foundation
import MeshClusterAuthority
import MeshKubernetesAPI
import MeshTestSupport
import Synchronization
import Testing

@Suite("Publishing the root bundle", .timeLimit(.minutes(1)))
struct RootBundlePublisherTests {
    final class Bundle: Sendable {
        let pem: Mutex<String?>
        init(_ pem: String?) { self.pem = Mutex(pem) }
        func set(_ text: String) { pem.withLock { $0 = text } }
    }

    private func publishing(
        _ bundle: Bundle = Bundle("root-1\n"), replicas: Int = 1,
        _ body: @Sendable (FakeCluster, FakeAPIServer) async throws -> Void
    ) async throws {
        try await FakeCluster.serving { cluster, server, url in
            for name in ["default", "kube-system", "kube-public", "kube-node-lease", "local-path-storage"] {
                cluster.put("namespaces", ["metadata": ["name": .string(name)]])
            }
            try await withClient(url) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<replicas {
                        let publisher = BundlePublisher(
                            client, logger: .silent,
                            pause: { _ in try await Task.sleep(for: .milliseconds(5)) },
                            bundle: { bundle.pem.withLock { $0 } })
                        group.addTask { await publisher.run() }
                    }
                    defer {
                        group.cancelAll()
                        cluster.endWatches()
                    }
                    try await body(cluster, server)
                }
            }
        }
    }

    private func map(_ cluster: FakeCluster, _ namespace: String) -> JSONValue? {
        cluster.object("configmaps", namespace, "istio-ca-root-cert")
    }
    private func pem(_ cluster: FakeCluster, _ namespace: String) -> String? {
        map(cluster, namespace)?["data"]?["root-cert.pem"]?.text
    }
    private func until(_ holds: () -> Bool) async throws {
        while !holds() { try await Task.sleep(for: .milliseconds(1)) }
    }
    private func namespace(_ name: String, phase: String = "Active") -> JSONValue {
        ["metadata": ["name": .string(name)], "status": ["phase": .string(phase)]]
    }
    private func configMap(_ namespace: String, _ data: [String: JSONValue]) -> JSONValue {
        [
            "metadata": ["name": "istio-ca-root-cert", "namespace": .string(namespace)], "data": .object(data),
        ]
    }

    @Test("is done in every namespace but those of the cluster itself, labelled, and in new ones (C81)")
    func everywhere() async throws {
        try await publishing { cluster, server in
            try await until { pem(cluster, "default") != nil && pem(cluster, "kube-system") != nil }
            #expect(map(cluster, "default")?["metadata"]?["labels"]?["istio.io/config"]?.text == "true")
            cluster.put("namespaces", namespace("new"))
            try await until { pem(cluster, "new") == "root-1\n" }
            for name in ["kube-public", "kube-node-lease", "local-path-storage"] { #expect(map(cluster, name) == nil) }
            #expect(server.all.filter { $0.method != "GET" }.count == 3)
        }
    }

    @Test("restores what is deleted or edited, and leaves keys of others alone (C81)")
    func repair() async throws {
        try await publishing { cluster, _ in
            try await until { pem(cluster, "default") == "root-1\n" }
            cluster.delete("configmaps", "default", "istio-ca-root-cert")
            try await until { pem(cluster, "default") == "root-1\n" }
            cluster.put("configmaps", configMap("default", ["root-cert.pem": "evil", "extra": "mine"]))
            try await until { pem(cluster, "default") == "root-1\n" }
            #expect(map(cluster, "default")?["data"]?["extra"]?.text == "mine")
            #expect(map(cluster, "default")?["metadata"]?["labels"]?["istio.io/config"]?.text == "true")
        }
    }

    @Test("follows the bundle through a rotation")
    func rotation() async throws {
        let bundle = Bundle("root-1\n")
        try await publishing(bundle) { cluster, _ in
            try await until { pem(cluster, "default") == "root-1\n" }
            bundle.set("root-1\nroot-2\n")
            try await until {
                pem(cluster, "default") == "root-1\nroot-2\n" && pem(cluster, "kube-system") != "root-1\n"
            }
            bundle.set("root-2\n")
            try await until { pem(cluster, "default") == "root-2\n" && pem(cluster, "kube-system") == "root-2\n" }
        }
    }

    @Test("writes nothing where all is well, and two replicas do not fight")
    func quiet() async throws {
        try await publishing(replicas: 2) { cluster, server in
            try await until { pem(cluster, "default") != nil && pem(cluster, "kube-system") != nil }
            cluster.put("namespaces", namespace("new"))
            try await until { pem(cluster, "new") != nil }
            let version = map(cluster, "default")?.metadata("resourceVersion")
            cluster.put("configmaps", configMap("other", ["a": "b"]))
            cluster.put("namespaces", namespace("last"))
            try await until { pem(cluster, "last") != nil }
            #expect(map(cluster, "default")?.metadata("resourceVersion") == version)
            // Each tried to create at most once.
            #expect(server.all.filter { $0.method == "POST" }.count <= 8)
            #expect(server.all.filter { $0.method == "PATCH" }.isEmpty)
        }
    }

    @Test("passes over namespaces that go (C81), and needs a bundle")
    func terminating() async throws {
        let bundle = Bundle(nil)
        try await publishing(bundle) { cluster, server in
            cluster.put("namespaces", namespace("going", phase: "Terminating"))
            try await until { cluster.watchCount == 2 }
            #expect(server.all.allSatisfy { $0.method == "GET" })
            bundle.set("root-1\n")
            try await until { pem(cluster, "default") != nil && pem(cluster, "kube-system") != nil }
            #expect(map(cluster, "going") == nil)
            #expect(server.all.allSatisfy { !$0.path.contains("/going/") })
        }
    }

    @Test("tries again what failed, without holding up other namespaces")
    func failures() async throws {
        try await publishing { cluster, server in
            let refused = Mutex(true)
            cluster.fail { request in
                request.method == "POST" && request.path.contains("/bad/") && refused.withLock { $0 }
                    ? .refusal(500, "InternalError") : nil
            }
            cluster.put("namespaces", namespace("bad"))
            try await until { server.all.filter { $0.path.contains("/bad/") }.count >= 5 }
            cluster.put("namespaces", namespace("good"))
            try await until { pem(cluster, "good") != nil }
            refused.withLock { $0 = false }
            try await until { pem(cluster, "bad") == "root-1\n" }
        }
    }
}
