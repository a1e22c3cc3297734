import FakeAPIServer
import Foundation
import Logging
import MeshCA
import MeshClusterAuthority
import MeshCore
import MeshKubernetesAPI
import MeshTestSupport
import SwiftASN1
import Testing
import X509

@Suite("An authority served in a cluster", .timeLimit(.minutes(2)))
struct ClusterAuthorityServiceTests {
    /// Runs as many replicas as asked for, each with a folder of its own, and gives their ports.
    private func serving(
        _ settings: ClusterSettings, replicas: Int, folder: TemporaryFolder,
        _ body: @Sendable ([UInt16]) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (bound, announce) = AsyncStream<UInt16>.makeStream()
            for index in 0..<replicas {
                group.addTask {
                    defer { announce.finish() }
                    var service = ClusterAuthorityService(
                        settings: settings, directory: AuthorityDirectory("\(folder.path)/replica-\(index)"))
                    service.trustDomain = try domain()
                    service.configure = { $0.server.listen = SocketAddress(.loopbackV4, 0) }
                    try await service.run(logger: .silent) { announce.yield($0.address.port) }
                }
            }
            var ports: [UInt16] = []
            for await port in bound {
                ports.append(port)
                if ports.count == replicas { break }
            }
            try #require(ports.count == replicas, "a replica did not start")
            try await body(ports)
            group.cancelAll()
        }
    }

    /// An authority in a Secret of the cluster at `url`, which trusts ztunnel.
    private static func settings(_ url: String) -> ClusterSettings {
        var settings = ClusterSettings()
        settings.access = ClusterAccess(server: url, namespace: "istio-system")
        settings.secret = "istio-ca-secret"
        settings.trusted = TrustedAccounts(parsing: "istio-system/ztunnel")
        return settings
    }

    /// The file of a token that the cluster reviews as `status`.
    private static func token(
        in folder: TemporaryFolder, _ cluster: FakeCluster, says status: JSONValue
    ) throws -> String {
        let token = try TestIssuer().token(Claims(expiry: SystemWallClock().seconds + 3600))
        cluster.review(token, says: status)
        return try folder.write("token", token)
    }

    private func ask(
        _ port: UInt16, roots: String, token: String, for identity: String, impersonate: Bool = true,
        cluster: String = "Kubernetes"
    ) async throws -> IssuedCertificate {
        let client = CertificateClient(
            endpoint: CAEndpoint(host: "127.0.0.1", port: port, trust: .pem(roots)), tokenFile: token,
            clusterID: cluster)
        return try await client.issue(
            identity: SPIFFEID(parsing: identity), ttl: .seconds(600), impersonate: impersonate)
    }

    @Test("two replicas are one authority, and a node gets the identities of its own pods from either (C69)")
    func replicas() async throws {
        try await FakeCluster.serving { cluster, server, url in
            for name in ["istio-system", "shop"] { cluster.put("namespaces", ["metadata": ["name": .string(name)]]) }
            cluster.put("pods", podJSON("istio-system", "ztunnel-1", account: "ztunnel", uid: "uid-z1"))
            cluster.put("pods", podJSON("shop", "cart-1", account: "cart"))
            cluster.put("pods", podJSON("shop", "pay-1", account: "pay", node: "n2"))
            let folder = try TemporaryFolder()
            let file = try Self.token(in: folder, cluster, says: reviewStatus(node: "n1"))
            let settings = Self.settings(url)
            try await serving(settings, replicas: 2, folder: folder) { ports in
                var roots: String?
                while roots == nil {
                    roots = cluster.object("configmaps", "shop", "istio-ca-root-cert")?["data"]?["root-cert.pem"]?.text
                    try await Task.sleep(for: .milliseconds(5))
                }
                let known = try #require(roots)
                for port in ports {
                    // What one replica signs, the client verifies by the one bundle of the cluster.
                    while true {
                        do {
                            _ = try await ask(port, roots: known, token: file, for: spiffe("shop", "cart"))
                            break
                        } catch let error as MeshCA.CertificateError {
                            // Until the pods are listed, it says that it cannot decide.
                            try #require("\(error)".lowercased().contains("unavailable"), "\(error)")
                            try await Task.sleep(for: .milliseconds(5))
                        }
                    }
                    _ = try await ask(
                        port, roots: known, token: file, for: spiffe("istio-system", "ztunnel"), impersonate: false)
                    for (asked, id) in [
                        (spiffe("shop", "pay"), "Kubernetes"), (spiffe("shop", "cart"), "other"),
                        (spiffe("shop", "cart"), ""),
                    ] {
                        await #expect(throws: MeshCA.CertificateError.self) {
                            try await ask(port, roots: known, token: file, for: asked, cluster: id)
                        }
                    }
                }
                // The last pod of an account leaves the node, and with it the right to its identity (C48).
                cluster.delete("pods", "shop", "cart-1")
                while (try? await ask(ports[0], roots: known, token: file, for: spiffe("shop", "cart"))) != nil {}
            }
            cluster.endWatches()
            // What the example's roles allow is all that was asked for.
            let permissions = try Permissions.example()
            #expect(Set(server.all.compactMap(permissions.refusal)) == [])
            #expect(Set(server.all.map(\.method)).isSuperset(of: ["GET", "POST"]))
        }
    }

    @Test("a root is replaced under two replicas, and whoever asks either of them meanwhile gets a certificate (C75)")
    func rotation() async throws {
        try await FakeCluster.serving { cluster, _, url in
            for name in ["istio-system", "shop"] { cluster.put("namespaces", ["metadata": ["name": .string(name)]]) }
            let folder = try TemporaryFolder()
            let file = try Self.token(in: folder, cluster, says: reviewStatus())
            let settings = Self.settings(url)
            try await serving(settings, replicas: 2, folder: folder) { ports in
                try await withClient(url) { client in
                    let person = OfflineAuthority(
                        AuthoritySecret(client, named: "istio-system/istio-ca-secret", logger: .silent), records: nil,
                        caller: "a person")
                    // A client trusts what its last reply said, and never needs anything else.
                    var known = try await person.open(doing: "test").material.rootPEM

                    /// Asks both, again and again, until both replies are as they should be.
                    func renew(until isDone: (IssuedCertificate) throws -> Bool) async throws {
                        while true {
                            var done = 0
                            for port in ports {
                                let reply = try await ask(
                                    port, roots: known, token: file, for: spiffe("istio-system", "ztunnel"),
                                    impersonate: false)
                                // As every reader of the cluster's ConfigMap: both roots, while there are two.
                                if roots(reply.trustBundlePEM).count >= roots(known).count {
                                    known = reply.trustBundlePEM
                                }
                                if try isDone(reply) { done += 1 }
                            }
                            if done == ports.count { return }
                            try await Task.sleep(for: .milliseconds(20))
                        }
                    }
                    func roots(_ pem: String) -> Set<String> {
                        Set(
                            pem.components(separatedBy: "-----BEGIN").dropFirst().map {
                                $0.trimmingCharacters(in: .whitespacesAndNewlines)
                            })
                    }
                    func isSigned(_ reply: IssuedCertificate, by root: String) throws -> Bool {
                        let root = try Certificate(pemEncoded: "-----BEGIN " + root)
                        let leaf = try Certificate(pemEncoded: reply.certificateChainPEM)
                        return root.publicKey.isValidSignature(leaf.signature, for: leaf)
                    }

                    let old = try #require(roots(known).first)
                    _ = try await person.rotate(.begin(overlap: 3600, rootLifetime: nil))
                    try await renew { reply in
                        let isByOld = try isSigned(reply, by: old)
                        #expect(isByOld)
                        return roots(reply.trustBundlePEM).count == 2
                    }
                    let new = try #require(roots(known).subtracting([old]).first)
                    #expect(try await person.rotate(.advance).step == .switched)
                    try await renew { try isSigned($0, by: new) }
                    #expect(try await person.rotate(.advance).step == .finished)
                    try await renew { roots($0.trustBundlePEM) == [new] }
                    // Every namespace has heard of it.
                    while true {
                        let map = cluster.object("configmaps", "shop", "istio-ca-root-cert")
                        if map?["data"]?["root-cert.pem"]?.text.map({ roots($0) }) == [new] { break }
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    // And of what is revoked, as soon as something is.
                    func lists() -> String? {
                        cluster.object("configmaps", "shop", "istio-ca-crl")?["data"]?["ca-crl.pem"]?.text
                    }
                    #expect(lists() == nil)
                    _ = try await person.revoke(["0a0b"], reason: nil)
                    let signed = try await person.open(doing: "test").material.revocationPEM
                    #expect(signed.hasPrefix("-----BEGIN X509 CRL-----"))
                    while lists() != signed { try await Task.sleep(for: .milliseconds(20)) }
                }
            }
            cluster.endWatches()
        }
    }

    @Test("while the pods cannot be listed it is UNAVAILABLE, for those who may ask for others")
    func unlisted() async throws {
        try await FakeCluster.serving { cluster, _, url in
            cluster.put("namespaces", ["metadata": ["name": "istio-system"]])
            cluster.fail { $0.path == "/api/v1/pods" ? .refusal(403, "Forbidden") : nil }
            let folder = try TemporaryFolder()
            let file = try Self.token(in: folder, cluster, says: reviewStatus())
            var settings = Self.settings(url)
            settings.publishes = false
            try await serving(settings, replicas: 1, folder: folder) { ports in
                let secret = try #require(cluster.object("secrets", "istio-system", "istio-ca-secret"))
                let data = try #require(secret["data"]?["root-cert.pem"]?.text.flatMap { Data(base64Encoded: $0) })
                let roots = String(decoding: data, as: UTF8.self)
                let error = await #expect(throws: MeshCA.CertificateError.self) {
                    try await ask(ports[0], roots: roots, token: file, for: spiffe("shop", "cart"))
                }
                #expect("\(error as Any)".lowercased().contains("unavailable"))
                _ = try await ask(
                    ports[0], roots: roots, token: file, for: spiffe("istio-system", "ztunnel"), impersonate: false)
            }
            cluster.endWatches()
        }
    }

    @Test("without a cluster, tokens by a key file and pods by an inventory decide the same")
    func embedded() async throws {
        let folder = try TemporaryFolder()
        let issuer = TestIssuer()
        let now = SystemWallClock().seconds
        let token = try folder.write(
            "token", issuer.token(Claims(notBefore: now - 5, expiry: now + 600, issuedAt: now - 5)))
        let authority = try AuthorityDirectory("\(folder.path)/replica-0").create(
            trustDomain: domain(), rootLifetime: 86400, now: now)
        var settings = ClusterSettings()
        settings.issuer = .init(
            issuer: TestIssuer.issuer, keys: .file(try folder.write("jwks.json", issuer.jwks)))
        settings.trusted = TrustedAccounts(parsing: "istio-system/ztunnel")
        let list: @Sendable (String) -> String = { node in
            [
                podJSON("istio-system", "ztunnel-1", account: "ztunnel", uid: "uid-z1"),
                podJSON("shop", "cart-1", account: "cart", node: node),
            ].map(\.document).joined(separator: "\n---\n")
        }
        settings.inventory = try folder.write("pods.yaml", list("n2"))
        settings.publishes = false
        try await serving(settings, replicas: 1, folder: folder) { ports in
            let roots = authority.material.rootPEM
            await #expect(throws: MeshCA.CertificateError.self) {
                try await ask(ports[0], roots: roots, token: token, for: spiffe("shop", "cart"))
            }
            try folder.write("pods.yaml", list("n1"))
            _ = try await ask(ports[0], roots: roots, token: token, for: spiffe("shop", "cart"))
        }
    }
}
