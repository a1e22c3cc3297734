import FakeAPIServer
import Foundation
import MeshCA
import MeshClusterAuthority
import MeshCore
import MeshKubernetesAPI
import MeshTestSupport
import MeshTokens
import Testing
import X509

@Suite("Who may ask in a mesh with clusters")
struct ClusterAuthorizationTests {
    static let ztunnel = ServiceAccount(namespace: "istio-system", name: "ztunnel")
    static let issuer = TestIssuer()

    /// Our own cluster "here" with an alias, another one "far", and an authority.
    struct World: Sendable {
        let folder: TemporaryFolder
        let authority: CertificateAuthority
        let here: FakeCluster
        let far: FakeCluster
        let servers: [FakeAPIServer]
        let authorization: ClusterAuthorization

        func grant(
            _ authorization: [String] = [], cluster: String = "here", certificate: Certificate? = nil,
            impersonated: String = ""
        ) async throws -> CallerGrant {
            var credentials = PresentedCredentials()
            credentials.authorization = authorization
            credentials.clusterID = cluster
            credentials.certificate = certificate
            return try await self.authorization.grant(
                credentials, impersonated: impersonated, authority: authority, now: start)
        }
    }

    private static let pods = ListedPods(pods: [
        PodFacts(namespace: "istio-system", name: "ztunnel-1", uid: "uid-z1", account: "ztunnel", node: "n1"),
        PodFacts(namespace: "shop", name: "cart-1", uid: "uid-c1", account: "cart", node: "n1"),
        PodFacts(namespace: "shop", name: "pay-1", uid: "uid-p1", account: "pay", node: "n2"),
    ])

    private static let callers = """
        callers:
          - name: node-2
            tokenFile: node.token
            node: n2
            identities: ["spiffe://cluster.local/ns/extra/sa/x"]
          - name: batch
            tokenFile: batch.token
            identities: ["spiffe://cluster.local/ns/batch/sa/a", "spiffe://cluster.local/ns/batch/sa/b"]
        """

    private func world(
        pods: ListedPods = pods, issuers keys: (@Sendable () -> String?)? = nil, callers: String? = nil,
        _ body: @Sendable (World) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let authority = try folder.authority()
        try folder.write("node.token", "node-secret")
        try folder.write("batch.token", "batch-secret")
        let directory = try callers.map {
            try CallerDirectory(
                path: folder.write("callers.yaml", $0), trustDomain: domain(), knowsNodes: true, logger: .silent)
        }
        struct Down: Error {}
        let issuers = keys.map { keys in
            [
                IssuerTokens(
                    rule: ServiceTokenRule(issuer: TestIssuer.issuer, audiences: ["istio-ca"]), cluster: "here",
                    keys: IssuerKeys {
                        guard let text = keys() else { throw Down() }
                        return Array(text.utf8)
                    })
            ]
        }
        try await FakeCluster.serving { here, hereServer, hereURL in
            try await FakeCluster.serving { far, farServer, farURL in
                try await withClient(hereURL) { hereClient in
                    try await withClient(farURL) { farClient in
                        let clusters = [
                            ClusterAuthorization.Cluster(
                                id: "here", aliases: ["home"],
                                reviewer: TokenReviewer(hereClient, cluster: "here", audiences: ["istio-ca"]),
                                pods: pods),
                            ClusterAuthorization.Cluster(
                                id: "far", aliases: ["away"],
                                reviewer: TokenReviewer(farClient, cluster: "far", audiences: ["istio-ca"]),
                                pods: ListedPods(pods: [
                                    PodFacts(
                                        namespace: "istio-system", name: "ztunnel-1", uid: "uid-z1",
                                        account: "ztunnel", node: "n1"),
                                    PodFacts(
                                        namespace: "there", name: "far-1", uid: "uid-f1", account: "far", node: "n1"),
                                ])),
                        ]
                        let authorization = ClusterAuthorization(
                            clusters: clusters, issuers: issuers ?? [], callers: directory,
                            trusted: TrustedAccounts([Self.ztunnel]), clock: SystemWallClock())
                        try await body(
                            World(
                                folder: folder, authority: authority, here: here, far: far,
                                servers: [hereServer, farServer], authorization: authorization))
                    }
                }
            }
        }
    }

    private func isUnauthenticated(_ error: Refusal?) -> Bool {
        error?.status.code == .unauthenticated && error?.status.message == "request authenticate failure"
    }
    private func isImpersonation(_ error: Refusal?) -> Bool {
        error?.status.code == .unauthenticated
            && error?.status.message == "request impersonation authentication failure"
    }

    // MARK: Reviewed tokens

    @Test("a workload's token is good for its own identity, a node proxy's for the pods on its node (C21, C41)")
    func reviewed() async throws {
        try await world { world in
            let token = try Self.issuer.token()
            world.here.review(token, says: reviewStatus(node: "n1"))
            let own = try await world.grant(["Bearer \(token)"])
            #expect(own.identities.map(\.description) == [spiffe("istio-system", "ztunnel")])
            let cart = try await world.grant(["Bearer \(token)"], impersonated: spiffe("shop", "cart"))
            #expect(cart.identities.map(\.description) == [spiffe("shop", "cart")])
            #expect(cart.caller == "istio-system/ztunnel pod ztunnel-1")
            let error = await #expect(throws: Refusal.self) {
                try await world.grant(["Bearer \(token)"], impersonated: spiffe("shop", "pay"))
            }
            #expect(isImpersonation(error))
        }
    }

    @Test("the first bearer value counts; without one there is nobody (C25)")
    func bearer() async throws {
        try await world { world in
            let token = try Self.issuer.token()
            world.here.review(token, says: reviewStatus())
            _ = try await world.grant(["Basic x", "Bearer \(token)", "Bearer other"])
            for values in [[], ["Basic \(token)"], ["bearer \(token)"], [token], ["Bearer wrong", "Bearer \(token)"]] {
                let error = await #expect(throws: Refusal.self) { try await world.grant(values) }
                #expect(isUnauthenticated(error))
            }
        }
    }

    @Test("a token is judged by the cluster that the request names (C26, C27)")
    func clusters() async throws {
        try await world { world in
            let token = try Self.issuer.token()
            world.far.review(token, says: reviewStatus())
            for name in ["far", "away"] {
                let grant = try await world.grant(["Bearer \(token)"], cluster: name)
                #expect(grant.identities.map(\.description) == [spiffe("istio-system", "ztunnel")])
            }
            // Names of our own cluster ask our own server, which does not know the token.
            for name in ["", "here", "home"] {
                let error = await #expect(throws: Refusal.self) {
                    try await world.grant(["Bearer \(token)"], cluster: name)
                }
                #expect(isUnauthenticated(error))
            }
            let error = await #expect(throws: Refusal.self) {
                try await world.grant(["Bearer \(token)"], cluster: "nowhere")
            }
            #expect(error?.reason.contains("\"here\", \"far\"") == true)
            #expect(world.servers.map(\.all.count) == [3, 1])
        }
    }

    @Test("pods of one cluster are for the node proxies of that cluster, by its exact id (C44, C45, C46)")
    func borders() async throws {
        try await world { world in
            let token = try Self.issuer.token()
            for cluster in [world.here, world.far] { cluster.review(token, says: reviewStatus()) }
            let far = spiffe("there", "far")
            let own = try await world.grant(["Bearer \(token)"], cluster: "far", impersonated: far)
            #expect(own.identities.map(\.description) == [far])
            for (name, asked) in [
                ("here", far), ("far", spiffe("shop", "cart")), ("away", far), ("", spiffe("shop", "cart")),
                ("home", spiffe("shop", "cart")),
            ] {
                let error = await #expect(throws: Refusal.self) {
                    try await world.grant(["Bearer \(token)"], cluster: name, impersonated: asked)
                }
                #expect(isImpersonation(error))
            }
        }
    }

    @Test("every reason looks the same from outside, and no token is in any of them")
    func opaque() async throws {
        try await world { world in
            let token = try Self.issuer.token()
            world.here.review(
                token, says: reviewStatus("system:serviceaccount:shop:cart", pod: "cart-1", uid: "uid-c1"))
            for asked in [spiffe("shop", "cart"), spiffe("shop", "pay"), spiffe("a", "b", "other"), "junk"] {
                let error = await #expect(throws: Refusal.self) {
                    try await world.grant(["Bearer \(token)"], impersonated: asked)
                }
                #expect(isImpersonation(error))
                #expect(error?.reason.contains(token) == false)
            }
        }
    }

    @Test("an account that no identity can name gets none")
    func names() async throws {
        try await world { world in
            let token = try Self.issuer.token()
            world.here.review(token, says: reviewStatus("system:serviceaccount:shop:Cart,x", pod: nil))
            let error = await #expect(throws: Refusal.self) { try await world.grant(["Bearer \(token)"]) }
            #expect(isUnauthenticated(error))
        }
    }

    @Test("when the server cannot be asked, or the pods are not known, it is UNAVAILABLE")
    func unavailable() async throws {
        try await world(pods: ListedPods(pods: [], obstacle: "listing")) { world in
            let token = try Self.issuer.token()
            #expect(world.authorization.obstacle == "listing")
            world.here.review(token, says: reviewStatus())
            let early = await #expect(throws: Refusal.self) {
                try await world.grant(["Bearer \(token)"], impersonated: spiffe("shop", "cart"))
            }
            #expect(early?.status.code == .unavailable)
            world.far.fail { _ in .refusal(500, "InternalError") }
            let down = await #expect(throws: Refusal.self) {
                try await world.grant(["Bearer \(token)"], cluster: "far")
            }
            #expect(down?.status.code == .unavailable)
        }
    }

    // MARK: Verified tokens

    @Test("a token that its issuer's keys verify is not reviewed; one that they do not is (C18)")
    func order() async throws {
        try await world(issuers: { Self.issuer.jwks }) { world in
            let grant = try await world.grant(
                ["Bearer \(Self.issuer.token())"], impersonated: spiffe("shop", "cart"))
            #expect(grant.identities.map(\.description) == [spiffe("shop", "cart")])
            #expect(world.servers[0].all.isEmpty)
            let other = try TestIssuer().token()
            world.here.review(other, says: reviewStatus())
            _ = try await world.grant(["Bearer \(other)"])
            #expect(world.servers[0].all.count == 1)
        }
    }

    @Test("a verified token ends with its pod, for its own identity too")
    func deletedPod() async throws {
        try await world(issuers: { Self.issuer.jwks }) { world in
            for claims in [Claims(pod: "gone"), Claims(podUID: "uid-z0")] {
                let token = try Self.issuer.token(claims)
                for asked in ["", spiffe("shop", "cart")] {
                    let error = await #expect(throws: Refusal.self) {
                        try await world.grant(["Bearer \(token)"], impersonated: asked)
                    }
                    #expect(isImpersonation(error))
                }
            }
            // Bound to the account alone: it names no pod that could be gone, and may not speak for others.
            let token = try Self.issuer.token(Claims(pod: nil))
            _ = try await world.grant(["Bearer \(token)"])
            await #expect(throws: Refusal.self) {
                try await world.grant(["Bearer \(token)"], impersonated: spiffe("shop", "cart"))
            }
        }
    }

    @Test("a verified token of our cluster says nothing about the pods of another (C45)")
    func verifiedElsewhere() async throws {
        try await world(issuers: { Self.issuer.jwks }) { world in
            let token = try Self.issuer.token()
            let error = await #expect(throws: Refusal.self) {
                try await world.grant(["Bearer \(token)"], cluster: "far", impersonated: spiffe("there", "far"))
            }
            #expect(isImpersonation(error))
        }
    }

    @Test("keys that cannot be had make a request wait, unless the review knows the token")
    func keysAway() async throws {
        try await world(issuers: { nil }) { world in
            let token = try Self.issuer.token()
            let error = await #expect(throws: Refusal.self) { try await world.grant(["Bearer \(token)"]) }
            #expect(error?.status.code == .unavailable)
            world.here.review(token, says: reviewStatus())
            _ = try await world.grant(["Bearer \(token)"])
        }
    }

    // MARK: Certificates and callers of the file

    @Test("a client certificate renews its own identity, and with a token beside it is still the certificate (C19)")
    func certificates() async throws {
        try await world { world in
            let token = try Self.issuer.token()
            world.here.review(token, says: reviewStatus())
            let certificate = try world.authority.certificate(.spiffe(try SPIFFEID(parsing: spiffe("web", "front"))))
            let renewed = try await world.grant(["Bearer \(token)"], certificate: certificate)
            #expect(renewed.identities.map(\.description) == [spiffe("web", "front")])
            for asked in [spiffe("shop", "cart"), spiffe("web", "front")] {
                let error = await #expect(throws: Refusal.self) {
                    try await world.grant(["Bearer \(token)"], certificate: certificate, impersonated: asked)
                }
                #expect(isImpersonation(error))
            }
        }
    }

    @Test("a client certificate with several names, or none of ours, is nobody; a token beside it counts")
    func otherCertificates() async throws {
        try await world { world in
            let front = SubjectName.spiffe(try SPIFFEID(parsing: spiffe("web", "front")))
            let foreign = SubjectName.spiffe(try SPIFFEID(parsing: spiffe("web", "front", "other")))
            let token = try Self.issuer.token()
            world.here.review(token, says: reviewStatus())
            for names in [[front, .dns("a.example")], [.dns("a.example")], [foreign]] {
                let certificate = try world.authority.issue(
                    SigningRequest(pem: signingRequest()), names: names, lifetime: 3600, now: start
                ).certificate
                let error = await #expect(throws: Refusal.self) { try await world.grant(certificate: certificate) }
                #expect(isUnauthenticated(error))
                let grant = try await world.grant(["Bearer \(token)"], certificate: certificate)
                #expect(grant.identities.map(\.description) == [spiffe("istio-system", "ztunnel")])
            }
        }
    }

    @Test("static tokens stay, and never reach the API server")
    func listed() async throws {
        try await world(callers: Self.callers) { world in
            let own = try await world.grant(["Bearer batch-secret"], impersonated: spiffe("batch", "a"))
            #expect(own.caller == "batch")
            for asked in ["", spiffe("shop", "pay")] {
                await #expect(throws: Refusal.self) {
                    try await world.grant(["Bearer batch-secret"], impersonated: asked)
                }
            }
            #expect(world.servers.allSatisfy { $0.all.isEmpty })
            let token = try Self.issuer.token()
            world.here.review(token, says: reviewStatus())
            _ = try await world.grant(["Bearer \(token)"])
        }
    }

    @Test("a listed node proxy gets its list and the pods on its node, and nothing else")
    func listedNode() async throws {
        try await world(callers: Self.callers) { world in
            for asked in [spiffe("shop", "pay"), spiffe("extra", "x")] {
                let grant = try await world.grant(["Bearer node-secret"], impersonated: asked)
                #expect(grant.identities.map(\.description) == [asked])
            }
            for asked in [spiffe("shop", "cart"), spiffe("shop", "pay", "other"), "junk"] {
                let error = await #expect(throws: Refusal.self) {
                    try await world.grant(["Bearer node-secret"], impersonated: asked)
                }
                #expect(isImpersonation(error))
            }
        }
    }

    @Test("a caller with a node is refused where nothing says what runs there")
    func nodeWithoutInventory() throws {
        let folder = try TemporaryFolder()
        try folder.write("node.token", "node-secret")
        try folder.write("batch.token", "batch-secret")
        let path = try folder.write("callers.yaml", Self.callers)
        #expect(throws: YAMLProblem.self) {
            try CallerDirectory(path: path, trustDomain: domain(), logger: .silent)
        }
    }
}
