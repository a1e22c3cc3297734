import FakeAPIServer
import Foundation
import MeshClusterAuthority
import MeshCore
import MeshKubernetesAPI
import MeshTestSupport
import Testing

@Suite("Pods of a cluster and of an inventory")
struct PodsTests {
    static let cart = PodPlace(account: ServiceAccount(namespace: "shop", name: "cart"), node: "n1")

    /// Follows a cluster until the body is done; no wait in it takes time.
    private func following(
        _ cluster: FakeCluster, _ url: String, _ body: @Sendable @escaping (ClusterPods) async throws -> Void
    ) async throws {
        try await withClient(url) { client in
            let pods = ClusterPods(client, logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await pods.run() }
                defer {
                    group.cancelAll()
                    cluster.endWatches()
                }
                try await body(pods)
            }
        }
    }

    /// Across two processes' worth of asynchrony: until it holds, or the test's own limit.
    private func eventually(_ what: Comment, _ holds: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !holds() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test("are followed as they come, move and go (C48)", .timeLimit(.minutes(1)))
    func follow() async throws {
        try await FakeCluster.serving { cluster, _, url in
            cluster.put("pods", podJSON("shop", "cart-1", account: "cart"))
            try await following(cluster, url) { pods in
                try await pods.synced()
                #expect(pods.obstacle == nil)
                #expect(pods.pods(at: Self.cart).map(\.uid) == ["uid-cart-1"])
                #expect(pods.pod(namespace: "shop", name: "cart-1")?.node == "n1")
                cluster.put("pods", podJSON("shop", "cart-2", account: "cart"))
                try await eventually("a pod comes") { pods.pods(at: Self.cart).count == 2 }
                cluster.delete("pods", "shop", "cart-1")
                try await eventually("a pod goes") { pods.pods(at: Self.cart).map(\.name) == ["cart-2"] }
                cluster.put("pods", podJSON("shop", "cart-2", account: "cart", phase: "Failed"))
                try await eventually("a pod fails") { pods.pods(at: Self.cart).isEmpty }
            }
        }
    }

    @Test("are not known before they were listed", .timeLimit(.minutes(1)))
    func unknown() async throws {
        try await FakeCluster.serving { cluster, server, url in
            cluster.fail { _ in .refusal(403, "Forbidden") }
            try await following(cluster, url) { pods in
                var requests = server.requests.makeAsyncIterator()
                _ = await requests.next()
                #expect(pods.obstacle != nil)
                #expect(pods.pods(at: Self.cart).isEmpty)
                cluster.heal()
                try await pods.synced()
                #expect(pods.obstacle == nil)
            }
        }
    }

    @Test("are listed again when the server has forgotten where we were (410)", .timeLimit(.minutes(1)))
    func gone() async throws {
        try await FakeCluster.serving { cluster, server, url in
            cluster.put("pods", podJSON("shop", "cart-1", account: "cart"))
            try await following(cluster, url) { pods in
                try await pods.synced()
                try await eventually("it watches") { cluster.watchCount == 1 }
                // While nobody watches, one goes and its deletion is forgotten.
                cluster.fail { $0.isWatch ? .refusal(500, "InternalError") : nil }
                cluster.endWatches()
                cluster.delete("pods", "shop", "cart-1")
                cluster.put("pods", podJSON("shop", "cart-9", account: "cart"))
                cluster.compact()
                cluster.heal()
                try await eventually("the new state") { pods.pods(at: Self.cart).map(\.name) == ["cart-9"] }
                #expect(server.all.filter { $0.path == "/api/v1/pods" && !$0.isWatch }.count == 2)
            }
        }
    }

    @Test("of many pages are all there, also when the pages are forgotten half-way", .timeLimit(.minutes(1)))
    func pages() async throws {
        try await FakeCluster.serving { cluster, _, url in
            for index in 0..<1200 { cluster.put("pods", podJSON("shop", "p-\(index)", account: "cart")) }
            let isFirst = Count()
            cluster.fail { request in
                if request.query["continue"] != nil, isFirst.up() == 1 { cluster.compact() }
                return nil
            }
            try await following(cluster, url) { pods in
                try await pods.synced()
                #expect(pods.pods(at: Self.cart).count == 1200)
            }
        }
    }

    @Test("that are deleted count until their time is over")
    func deletion() throws {
        let folder = try TemporaryFolder()
        let inventory = try PodInventory(
            path: folder.write(
                "pods.json", podJSON("shop", "c", account: "cart", deletion: "2026-01-01T00:00:30Z").document),
            logger: .silent)
        let pod = try #require(inventory.pods(at: Self.cart).first)
        #expect(pod.counts(now: start + 29))
        #expect(!pod.counts(now: start + 30))
    }

    // MARK: Inventory

    static let yaml = """
        apiVersion: v1
        kind: Pod
        metadata: {namespace: shop, name: cart-1, uid: u1}
        spec: {nodeName: n1, serviceAccountName: cart, containers: [{name: x}]}
        ---
        kind: List
        items:
        - kind: Pod
          metadata: {namespace: shop, name: cart-2}
          spec: {nodeName: n1, serviceAccountName: cart}
          status: {phase: Succeeded}
        - kind: Pod
          metadata: {namespace: shop, name: bare}
          spec: {nodeName: n1}
        ---
        kind: PodList
        items:
        - metadata: {namespace: shop, name: waiting}
          spec: {serviceAccountName: cart}
        """

    @Test("of an inventory are read in the shapes that kubectl writes")
    func inventory() throws {
        let folder = try TemporaryFolder()
        let inventory = try PodInventory(path: folder.write("pods.yaml", Self.yaml), logger: .silent)
        #expect(inventory.pods(at: Self.cart).map(\.name) == ["cart-1", "cart-2"])
        #expect(inventory.pod(namespace: "shop", name: "cart-1")?.uid == "u1")
        #expect(inventory.pod(namespace: "shop", name: "cart-2")?.counts(now: start) == false)
        #expect(inventory.pod(namespace: "shop", name: "bare")?.account.name == "default")
        #expect(inventory.pod(namespace: "shop", name: "waiting")?.place == nil)
    }

    @Test("of an inventory are read again when it changes; a broken one changes nothing, a mended one does")
    func reload() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("pods.yaml", Self.yaml)
        let inventory = try PodInventory(path: path, logger: .silent)
        try folder.write("pods.yaml", "kind: Pod\nmetadata: {namespace: shop\n")
        #expect(inventory.pods(at: Self.cart).count == 2)
        try FileManager.default.removeItem(atPath: path)
        #expect(inventory.pods(at: Self.cart).count == 2)
        try folder.write("pods.yaml", podJSON("shop", "cart-3", account: "cart").document)
        #expect(inventory.pods(at: Self.cart).map(\.name) == ["cart-3"])
        try folder.write("pods.yaml", "")
        #expect(inventory.pods(at: Self.cart).isEmpty)
    }

    @Test(
        "of an inventory that cannot be meant are refused at the start",
        arguments: [
            "kind: Pod\nmetadata: {name: x}\n", "kind: Pod\nmetadata: {namespace: x}\n", "- a\n", "kind: Service\n",
            "kind: List\nitems: [{kind: Service}]\n", "kind: List\nitems: [{metadata: {namespace: a, name: b}}]\n",
            "kind: Pod\nmetadata: {namespace: a, name: b}\n---\nkind: Pod\nmetadata: {namespace: a, name: b}\n",
            "kind: Pod\nmetadata: {namespace: a, name: b, deletionTimestamp: soon}\n", "kind: [\n",
        ])
    func broken(text: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("pods.yaml", text)
        let failure = #expect(throws: MeshFailure.self) { try PodInventory(path: path, logger: .silent) }
        #expect(failure?.kind == .usage)
    }

    @Test("of a file that is not there are refused at the start")
    func missing() {
        #expect(throws: MeshFailure.self) { try PodInventory(path: "/nonexistent/pods.yaml", logger: .silent) }
    }
}

extension JSONValue {
    /// With its kind, as a document of its own.
    var document: String {
        guard case .object(var members) = self else { return "null" }
        members["kind"] = "Pod"
        return JSONValue.object(members).line
    }
}
