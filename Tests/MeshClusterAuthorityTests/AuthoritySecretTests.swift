import FakeAPIServer
import Foundation
import MeshCA
import MeshClusterAuthority
import MeshCore
import MeshKubernetesAPI
import MeshTestSupport
import Testing
import X509

@Suite("An authority in a secret")
struct AuthoritySecretTests {
    static let place = ObjectKey(namespace: "istio-system", name: "istio-ca-secret")

    private func made() throws(AuthorityError) -> [AuthorityFiles.Name: String] {
        let domain: TrustDomain
        do { domain = try TrustDomain(parsing: "cluster.local") } catch { throw .settings(["\(error)"]) }
        return try AuthorityFiles.made(trustDomain: domain, rootLifetime: 365 * 86400, now: start)
    }

    /// One replica's store; waits take no time.
    private func replica(_ client: KubernetesClient) -> AuthoritySecret {
        AuthoritySecret(client, namespace: Self.place.namespace, logger: .silent)
    }

    private func serving(
        _ body: @Sendable (FakeCluster, FakeAPIServer, KubernetesClient) async throws -> Void
    ) async throws {
        try await FakeCluster.serving { cluster, server, url in
            cluster.put("namespaces", ["metadata": ["name": "istio-system"]])
            try await withClient(url) { try await body(cluster, server, $0) }
        }
    }

    private func prepare(_ store: AuthoritySecret) async throws(AuthorityError) {
        try await store.prepare(making: { () throws(AuthorityError) in try made() }, logger: .silent) { _ in }
    }

    private func secret(_ cluster: FakeCluster) throws -> JSONValue {
        try #require(cluster.object("secrets", Self.place.namespace, Self.place.name))
    }

    @Test("is made where there is none, in the shape that istiod has (C67), and left alone where there is one (C68)")
    func prepared() async throws {
        try await serving { cluster, server, client in
            try await prepare(replica(client))
            let secret = try secret(cluster)
            #expect(secret["type"]?.text == "istio.io/ca-root")
            let root = try #require(secret["data"]?["root-cert.pem"]?.text)
            #expect(secret["data"]?["ca-cert.pem"]?.text == root)
            #expect(secret["data"]?["cert-chain.pem"]?.text == "")
            let writes = server.all.filter { $0.method != "GET" }.count
            try await prepare(replica(client))
            #expect(server.all.filter { $0.method != "GET" }.count == writes)
            #expect(try self.secret(cluster) == secret)
        }
    }

    @Test("is one, however many replicas start at once, and they trust each other's certificates (C69)")
    func race() async throws {
        try await serving { cluster, server, client in
            // Every one of them sees that there is none before the first writes.
            let (arrived, arrive) = AsyncStream<Void>.makeStream()
            let (gate, open) = AsyncStream<Void>.makeStream()
            let gets = Count()
            cluster.fail { request in
                guard request.method == "GET", gets.up() <= 4 else { return nil }
                arrive.yield()
                return Reply(
                    status: 404, [.wait(gate), .send(#"{"kind":"Status","reason":"NotFound","code":404}"#)])
            }
            let leaves = try await withThrowingTaskGroup(of: (CertificateAuthority, Certificate).self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let store = replica(client)
                        try await prepare(store)
                        let authority = try await store.load().authority(trustDomain: nil, now: start)
                        return (authority, try authority.certificate(.dns("a.example")))
                    }
                }
                var arrivals = arrived.makeAsyncIterator()
                for _ in 0..<4 { _ = await arrivals.next() }
                open.finish()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(server.all.filter { $0.method == "POST" }.count == 4)
            for (authority, _) in leaves {
                for (_, leaf) in leaves {
                    #expect(authority.material.signing.publicKey.isValidSignature(leaf.signature, for: leaf))
                    #expect(authority.material.rootPEM == leaves[0].0.material.rootPEM)
                }
            }
        }
    }

    @Test("is changed by whoever read it last, and by nobody else; entries that are not ours stay")
    func compareAndSwap() async throws {
        try await serving { cluster, _, client in
            let (first, second) = (replica(client), replica(client))
            try await prepare(first)
            guard case .object(var members) = try secret(cluster), case .object(var data)? = members["data"] else {
                Issue.record("no secret")
                return
            }
            data["../../etc/passwd"] = "eA=="
            data["key.pem"] = ""
            members["data"] = .object(data)
            cluster.put("secrets", .object(members))
            let (old, seen) = (try await first.load(), try await second.load())
            #expect(old.texts.count == 5)
            var texts = old.texts
            texts[.state] = "first\n"
            let isFirst = try await first.replace(old, by: texts)
            #expect(isFirst)
            texts[.state] = "second\n"
            let isSecond = try await second.replace(seen, by: texts)
            #expect(!isSecond)
            let now = try await second.load()
            #expect(now[.state] == "first\n")
            texts[.state] = nil
            let isThird = try await second.replace(now, by: texts)
            #expect(isThird)
            let end = try secret(cluster)
            #expect(end["data"]?["state.yaml"] == nil)
            #expect(end["data"]?["../../etc/passwd"]?.text == "eA==")
            #expect(end["data"]?["ca-key.pem"] == data["ca-key.pem"])
        }
    }

    @Test("changed by many at once loses no change")
    func contention() async throws {
        try await serving { cluster, _, client in
            let store = replica(client)
            try await prepare(store)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<8 {
                    group.addTask {
                        try await replica(client).change { files throws(AuthorityError) in
                            files[.state] = (files[.state] ?? "") + "\(index)\n"
                        }
                    }
                }
                try await group.waitForAll()
            }
            let files = try await store.load()
            let lines = try #require(files[.state]).split(separator: "\n").map(String.init)
            #expect(lines.sorted() == (0..<8).map(String.init))
        }
    }

    @Test("that was deleted is no authority, and no longer what was read", .timeLimit(.minutes(1)))
    func deleted() async throws {
        try await serving { cluster, _, client in
            let store = replica(client)
            try await prepare(store)
            let files = try await store.load()
            cluster.delete("secrets", Self.place.namespace, Self.place.name)
            let isDone = try await store.replace(files, by: [:])
            #expect(!isDone)
            await #expect(throws: AuthorityError.notFound(directory: "secret \(Self.place)")) { try await store.load() }
        }
    }

    @Test("that another replica changes is read again (C76)", .timeLimit(.minutes(1)))
    func followed() async throws {
        try await serving { cluster, _, client in
            let (first, second) = (replica(client), replica(client))
            try await prepare(first)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await second.run() }
                defer {
                    group.cancelAll()
                    cluster.endWatches()
                }
                let files = try await second.load()
                while cluster.watchCount == 0 { try await Task.sleep(for: .milliseconds(1)) }
                try await first.change { files throws(AuthorityError) in files[.state] = "new\n" }
                while !second.hasChanged(since: files) { try await Task.sleep(for: .milliseconds(1)) }
                let next = try await second.load()
                #expect(next[.state] == "new\n")
                #expect(!second.hasChanged(since: next))
                // Whoever else reads from the same store is told too.
                #expect(second.hasChanged(since: files))
            }
        }
    }

    @Test("is not changed when the server refuses it, nor when it cannot be reached (C77)")
    func refused() async throws {
        try await serving { cluster, _, client in
            let store = replica(client)
            try await prepare(store)
            let (files, before) = (try await store.load(), try secret(cluster))
            cluster.fail { $0.method == "PATCH" ? .refusal(403, "Forbidden") : nil }
            var texts = files.texts
            texts[.state] = "x\n"
            await #expect(throws: AuthorityError.self) { try await store.replace(files, by: texts) }
            #expect(try secret(cluster) == before)
            #expect(!store.hasChanged(since: files))
        }
    }

    @Test("that does not answer is asked again, and then given up")
    func unreachable() async throws {
        try await serving { cluster, server, client in
            cluster.fail { _ in .refusal(500, "InternalError") }
            let error = await #expect(throws: AuthorityError.self) { try await prepare(replica(client)) }
            guard case .store? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(server.all.count == 9)
            cluster.heal()
            try await prepare(replica(client))
        }
    }

    @Test("with entries that are no text, or too long, is refused, and the error holds nothing of them")
    func garbage() async throws {
        try await serving { cluster, _, client in
            for bytes in [Data([0xFF, 0xFE]), Data(count: (1 << 20) + 1)] {
                cluster.put(
                    "secrets",
                    [
                        "metadata": ["namespace": "istio-system", "name": "istio-ca-secret"],
                        "data": ["ca-key.pem": .string(bytes.base64EncodedString())],
                    ])
                let error = await #expect(throws: AuthorityError.self) { try await replica(client).load() }
                #expect("\(error as Any)".utf8.count < 500)
            }
            cluster.fail { _ in .json(#"{"data":{"ca-key.pem":"c2VjcmV0 not base64"}}"#) }
            let error = await #expect(throws: AuthorityError.self) { try await replica(client).load() }
            #expect(error?.description.contains("c2VjcmV0") == false)
        }
    }
}
