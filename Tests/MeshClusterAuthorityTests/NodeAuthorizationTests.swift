import MeshClusterAuthority
import MeshCore
import Testing

@Suite("What a node proxy may ask for")
struct NodeAuthorizationTests {
    static let ztunnel = ServiceAccount(namespace: "istio-system", name: "ztunnel")

    static let pods = [
        PodFacts(namespace: "istio-system", name: "ztunnel-1", uid: "uid-z1", account: "ztunnel", node: "n1"),
        PodFacts(namespace: "istio-system", name: "ztunnel-2", uid: "uid-z2", account: "ztunnel", node: "n2"),
        PodFacts(namespace: "istio-system", name: "ztunnel-3", uid: "uid-z3", account: "ztunnel", node: nil),
        PodFacts(
            namespace: "istio-system", name: "ztunnel-4", uid: "uid-z4", account: "ztunnel", node: "n1", hasEnded: true),
        PodFacts(
            namespace: "istio-system", name: "ztunnel-5", uid: "uid-z5", account: "ztunnel", node: "n1", goneBy: start),
        PodFacts(namespace: "istio-system", name: "other", uid: "uid-o", account: "other", node: "n1"),
        PodFacts(namespace: "shop", name: "cart-1", uid: "uid-c1", account: "cart", node: "n1"),
        PodFacts(namespace: "shop", name: "cart-2", uid: "uid-c2", account: "cart", node: "n2"),
        PodFacts(namespace: "shop", name: "pay-1", uid: "uid-p1", account: "pay", node: "n2"),
        PodFacts(namespace: "shop", name: "job-1", uid: "uid-j1", account: "job", node: "n1", hasEnded: true),
        PodFacts(namespace: "shop", name: "old-1", uid: "uid-o1", account: "old", node: "n1", goneBy: start),
        PodFacts(namespace: "shop", name: "bye-1", uid: "uid-b1", account: "bye", node: "n1", goneBy: start + 1),
        PodFacts(namespace: "shop", name: "new-1", uid: "uid-n1", account: "new", node: nil),
        PodFacts(namespace: "shop", name: "new-2", uid: "uid-n2", account: "new", node: ""),
    ]

    private func check(
        _ asked: String, pod: ServiceAccountCaller.Bound? = .init(name: "ztunnel-1", uid: "uid-z1"),
        account: ServiceAccount = ztunnel, node: String? = nil, cluster: String = "here", of home: String = "here",
        trusted: TrustedAccounts = TrustedAccounts([ztunnel]), obstacle: String? = nil
    ) throws -> SPIFFEID {
        var caller = ServiceAccountCaller(account: account, cluster: home)
        caller.pod = pod
        caller.node = node.map { .init(name: $0, uid: nil) }
        let directory = ListedPods(pods: Self.pods, obstacle: obstacle)
        let far = ListedPods(pods: [
            PodFacts(namespace: "istio-system", name: "ztunnel-1", uid: "uid-z1", account: "ztunnel", node: "n1"),
            PodFacts(namespace: "far", name: "far-1", uid: "uid-f1", account: "far", node: "n1"),
        ])
        return try NodeAuthorization(trusted: trusted, directories: ["here": directory, "far": far]).check(
            caller, asking: asked, of: domain(), cluster: cluster, now: start)
    }

    @Test(
        "the identities of the pods on its node, its own among them (C41)",
        arguments: [spiffe("shop", "cart"), spiffe("istio-system", "ztunnel"), spiffe("shop", "bye")])
    func allowed(asked: String) throws {
        #expect(try check(asked).description == asked)
        #expect(try check(asked, node: "n1").description == asked)
    }

    @Test(
        "nothing of other nodes, of nowhere, of pods that have ended, or on no node (C40, C47)",
        arguments: ["pay", "nobody", "job", "old", "new"])
    func elsewhere(account: String) throws {
        let asked = spiffe("shop", account)
        #expect(throws: NodeRefusal.notOnNode(try SPIFFEID(parsing: asked), node: "n1")) { try check(asked) }
    }

    @Test("an account of the same name in another namespace is another one")
    func namespaces() {
        #expect(throws: NodeRefusal.self) { try check(spiffe("web", "cart")) }
    }

    @Test("nobody but the trusted accounts asks for others, not even for its own identity (C39)")
    func untrusted() {
        let other = ServiceAccount(namespace: "istio-system", name: "other")
        let pod = ServiceAccountCaller.Bound(name: "other", uid: "uid-o")
        for asked in [spiffe("istio-system", "other"), spiffe("shop", "cart")] {
            #expect(throws: NodeRefusal.notTrusted(other)) { try check(asked, pod: pod, account: other) }
        }
        let namesake = ServiceAccount(namespace: "shop", name: "ztunnel")
        #expect(throws: NodeRefusal.notTrusted(namesake)) { try check(spiffe("shop", "cart"), account: namesake) }
    }

    @Test("without trusted accounts nobody asks for others (C20)")
    func nobody() {
        #expect(throws: NodeRefusal.noTrustedAccounts) {
            try check(spiffe("shop", "cart"), trusted: TrustedAccounts())
        }
    }

    static let noIdentities = [
        "cart", "https://cluster.local/ns/shop/sa/cart", "spiffe://cluster.local/ns/shop/sa/cart/",
        "spiffe://cluster.local/ns//sa/cart", "spiffe://cluster.local/ns/shop/sa/", "spiffe://cluster.local/ns/../sa/x",
        "spiffe://cluster.local/ns/shop/sa/%63art", "spiffe://cluster.local/ns/shop/sa/cart,x",
        "spiffe://cluster.local,spiffe://x/ns/shop/sa/cart", "spiffe://cluster.local/ns/shop/sa/cart\n",
        "spiffe://cluster.local/ns/shop/sa/cart\0", "spiffe://Cluster.local/ns/shop/sa/cart",
        "spiffe://cluster@local/ns/shop/sa/cart", "spiffe:///ns/shop/sa/cart",
        " spiffe://cluster.local/ns/shop/sa/cart",
    ]

    @Test("nothing that is no identity, whatever it hides (C42, C49)", arguments: noIdentities)
    func malformed(asked: String) {
        let error = #expect(throws: NodeRefusal.self) { try check(asked) }
        guard case .identity? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("nothing of another trust domain (C49)", arguments: ["other", "cluster.local.", "cluster"])
    func foreign(name: String) throws {
        let asked = spiffe("shop", "cart", name)
        #expect(throws: NodeRefusal.foreign(try SPIFFEID(parsing: asked))) { try check(asked) }
    }

    @Test("a stolen token of a pod that is gone or was replaced is worth nothing (C43)")
    func stolen() {
        let cart = spiffe("shop", "cart")
        #expect(throws: NodeRefusal.tokenWithoutPod) { try check(cart, pod: nil) }
        #expect(throws: NodeRefusal.tokenWithoutPod) { try check(cart, pod: .init(name: "ztunnel-1", uid: nil)) }
        #expect(throws: NodeRefusal.podUnknown("istio-system/gone")) {
            try check(cart, pod: .init(name: "gone", uid: "uid-z1"))
        }
        #expect(throws: NodeRefusal.podReplaced("istio-system/ztunnel-1")) {
            try check(cart, pod: .init(name: "ztunnel-1", uid: "uid-z0"))
        }
        #expect(throws: NodeRefusal.podOfAnotherAccount(ServiceAccount(namespace: "istio-system", name: "other"))) {
            try check(cart, pod: .init(name: "other", uid: "uid-o"))
        }
        for number in [4, 5] {
            #expect(throws: NodeRefusal.podEnded("istio-system/ztunnel-\(number)")) {
                try check(cart, pod: .init(name: "ztunnel-\(number)", uid: "uid-z\(number)"))
            }
        }
    }

    @Test("the node is the one of the caller's pod by our own view, which the token must not gainsay")
    func node() throws {
        let second = ServiceAccountCaller.Bound(name: "ztunnel-2", uid: "uid-z2")
        #expect(try check(spiffe("shop", "pay"), pod: second).description == spiffe("shop", "pay"))
        #expect(throws: NodeRefusal.nodeDiffers(token: "n1", pod: "n2")) {
            try check(spiffe("shop", "cart"), pod: second, node: "n1")
        }
        #expect(throws: NodeRefusal.self) {
            try check(spiffe("shop", "cart"), pod: .init(name: "ztunnel-3", uid: "uid-z3"))
        }
    }

    @Test("the cluster is the one that judged the token, by its exact id (C44, C45, C46)")
    func clusters() throws {
        let far = spiffe("far", "far")
        #expect(try check(far, cluster: "far", of: "far").description == far)
        #expect(throws: NodeRefusal.cluster(asked: "far", caller: "here")) { try check(far, cluster: "far") }
        #expect(throws: NodeRefusal.self) { try check(far) }
        for asked in ["", "HERE", "elsewhere"] {
            #expect(throws: NodeRefusal.cluster(asked: asked, caller: "here")) {
                try check(spiffe("shop", "cart"), cluster: asked)
            }
        }
        #expect(throws: NodeRefusal.noPods(cluster: "third")) { try check(far, cluster: "third", of: "third") }
    }

    @Test("before the pods are known it is no refusal for those who are trusted, and one for others")
    func notKnownYet() {
        #expect(throws: NodeRefusal.notKnownYet("listing")) { try check(spiffe("shop", "cart"), obstacle: "listing") }
        let other = ServiceAccount(namespace: "shop", name: "cart")
        #expect(throws: NodeRefusal.notTrusted(other)) {
            try check(spiffe("shop", "cart"), account: other, obstacle: "listing")
        }
    }

    @Test(
        "trusted accounts are namespace/account, the rest is told (C50)",
        arguments: [
            ("a/b,c,,d/e", ["a/b", "d/e"], ["c"]), ("", [], []),
            ("a/b/c,/x,y/, a/b,A/b", [], ["a/b/c", "/x", "y/", " a/b", "A/b"]),
        ])
    func trusted(text: String, accounts: [String], refused: [String]) {
        let trusted = TrustedAccounts(parsing: text)
        #expect(trusted.accounts.map(\.description).sorted() == accounts)
        #expect(trusted.refused == refused)
    }
}
