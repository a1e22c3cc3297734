import FakeAPIServer
import Foundation
import MeshKubernetesAPI
import MeshTestSupport
import Synchronization
import Testing

@Suite("A call to the API server")
struct CallTests {
    @Test("gets an object by its path, as who we are")
    func gets() async throws {
        try await FakeAPIServer.serving { _ in
            .json(pod("shop", "cart-1", version: 7))
        } _: { server, url in
            let access = ClusterAccess(server: url + "/", identity: .token(.text("secret")))
            let found: Pod = try await withClient(access) { try await $0.get(namespace: "shop", name: "cart-1") }
            #expect(found.metadata.key == ObjectKey(namespace: "shop", name: "cart-1"))
            #expect(found.spec?.nodeName == "n1")
            let request = try #require(server.all.first)
            #expect(request.path == "/api/v1/namespaces/shop/pods/cart-1")
            #expect(request.bearer == "secret")
        }
    }

    @Test(
        "is not made for a name that would be another path",
        arguments: ["", ".", "..", "a/b", "../secrets", "a%2fb", "a b", "a\n", String(repeating: "x", count: 254)])
    func names(name: String) async throws {
        try await FakeAPIServer.serving { _ in
            .json("{}")
        } _: { server, url in
            _ = try await withClient(ClusterAccess(server: url)) { client in
                await #expect(throws: KubernetesError.name(name)) {
                    let _: Pod = try await client.get(namespace: "shop", name: name)
                }
            }
            #expect(server.all.isEmpty)
        }
    }

    @Test("gives the server's refusal as it is, and is not repeated")
    func refusal() async throws {
        let reply = Reply.refusal(
            403, "Forbidden", message: "namespaces is being terminated",
            details: #"{"causes":[{"reason":"NamespaceTerminating"}]}"#)
        try await FakeAPIServer.serving { _ in
            reply
        } _: { server, url in
            let error = await #expect(throws: KubernetesError.self) {
                try await withClient(ClusterAccess(server: url)) { try await $0.create(configMap) }
            }
            #expect(error?.isForbidden == true)
            #expect(error?.isNamespaceTerminating == true)
            #expect(error.map { "\($0)" }?.contains("403 Forbidden: namespaces is being terminated") == true)
            #expect(server.all.count == 1)
        }
    }

    @Test(
        "tells conflicts apart",
        arguments: [("Conflict", true, false), ("AlreadyExists", false, true)])
    func conflicts(reason: String, isConflict: Bool, isThere: Bool) async throws {
        try await FakeAPIServer.serving { _ in
            .refusal(409, reason)
        } _: { _, url in
            let error = await #expect(throws: KubernetesError.self) {
                try await withClient(ClusterAccess(server: url)) { try await $0.create(configMap) }
            }
            #expect(error?.isConflict == isConflict)
            #expect(error?.isAlreadyThere == isThere)
        }
    }

    @Test("reads the token file again for each call, and once more when it is refused")
    func tokenRefresh() async throws {
        let folder = try TemporaryFolder()
        let token = try folder.write("token", "old\n")
        try await FakeAPIServer.serving { request in
            guard request.bearer == "new" else {
                _ = try? folder.write("token", "new\n")
                return .refusal(401, "Unauthorized")
            }
            return .json(pod("a", "b", version: 1))
        } _: { server, url in
            let access = ClusterAccess(server: url, identity: .token(.file(token)))
            let _: Pod = try await withClient(access) { try await $0.get(namespace: "a", name: "b") }
            #expect(server.all.map(\.bearer) == ["old", "new"])
        }
    }

    @Test("is refused for good when the token stays the same")
    func unauthorized() async throws {
        try await FakeAPIServer.serving { _ in
            .refusal(401, "Unauthorized")
        } _: { server, url in
            let access = ClusterAccess(server: url, identity: .token(.text("t")))
            let error = await #expect(throws: KubernetesError.self) {
                let _: Pod = try await withClient(access) { try await $0.get(namespace: "a", name: "b") }
            }
            guard case .status(let status)? = error, status.code == 401 else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(server.all.count == 1)
        }
    }

    @Test("waits as long as the server asks for, within our limit, also before a write")
    func retryAfter() async throws {
        let count = Count()
        let pauses = Pauses()
        try await FakeAPIServer.serving { _ in
            switch count.up() {
            case 1: .refusal(429, "TooManyRequests", headers: [("Retry-After", "7")])
            case 2: .refusal(429, "TooManyRequests", details: #"{"retryAfterSeconds":3}"#)
            case 3: .refusal(503, "ServiceUnavailable", headers: [("Retry-After", "9999")])
            default: .json(#"{"metadata":{"name":"c","namespace":"a"},"data":{}}"#)
            }
        } _: { _, url in
            _ = try await withClient(ClusterAccess(server: url), pauses: pauses) { try await $0.create(configMap) }
        }
        #expect(pauses.all == [.seconds(7), .seconds(3), .seconds(30)])
    }

    @Test("gives up a server that always asks to wait")
    func alwaysBusy() async throws {
        let pauses = Pauses()
        try await FakeAPIServer.serving { _ in
            .refusal(429, "TooManyRequests")
        } _: { server, url in
            let error = await #expect(throws: KubernetesError.self) {
                let _: Pod = try await withClient(ClusterAccess(server: url), pauses: pauses) {
                    try await $0.get(namespace: "a", name: "b")
                }
            }
            guard case .status(let status) = error else { throw CancellationError() }
            #expect(status.code == 429)
            #expect(server.all.count == ClientLimits().attempts)
        }
    }

    @Test("does not read more than the limit")
    func tooLarge() async throws {
        var limits = quick
        limits.answerBytes = 1000
        try await FakeAPIServer.serving { _ in
            .json(String(repeating: " ", count: 1001))
        } _: { [limits] _, url in
            await #expect(throws: KubernetesError.tooLarge(limit: 1000)) {
                try await withClient(ClusterAccess(server: url), limits: limits) { _ = try await $0.get(path: "/x") }
            }
        }
    }

    @Test("is given up after its time, inside the answer too", arguments: [0, 1])
    func timeout(sent: Int) async throws {
        var limits = quick
        limits.callTimeout = .milliseconds(100)
        let (gate, open) = AsyncStream<Void>.makeStream()
        defer { open.finish() }
        try await FakeAPIServer.serving { _ in
            if sent == 0 { for await _ in gate {} }
            return Reply([.send("{"), .wait(gate)])
        } _: { [limits] _, url in
            defer { open.finish() }
            await #expect(throws: KubernetesError.timeout(.milliseconds(100))) {
                try await withClient(ClusterAccess(server: url), limits: limits) { _ = try await $0.get(path: "/x") }
            }
        }
    }

    @Test("says that the answer is none", arguments: ["", "[]", "{", "null", "<html>", #"{"metadata":7}"#])
    func garbage(text: String) async throws {
        try await FakeAPIServer.serving { _ in
            .json(text)
        } _: { _, url in
            let error = await #expect(throws: KubernetesError.self) {
                let _: Pod = try await withClient(ClusterAccess(server: url)) {
                    try await $0.get(namespace: "a", name: "b")
                }
            }
            guard case .answer = error else {
                Issue.record("unexpected \(String(describing: error))")
                return
            }
        }
    }

    @Test("tells a refusal that is no Status by its code and first words, in one line")
    func proxyError() async throws {
        try await FakeAPIServer.serving { _ in
            Reply(status: 502, [.send("<html>\nbad gateway")])
        } _: { _, url in
            let error = await #expect(throws: KubernetesError.self) {
                try await withClient(ClusterAccess(server: url)) { _ = try await $0.get(path: "/x") }
            }
            #expect(error.map { "\($0)" } == "API server says 502: <html> bad gateway")
        }
    }

    @Test("follows no redirect, for the token would go with it")
    func redirect() async throws {
        try await FakeAPIServer.serving { _ in
            .json("", status: 302, headers: [("Location", "/elsewhere")])
        } _: {
            server, url in
            let error = await #expect(throws: KubernetesError.self) {
                try await withClient(ClusterAccess(server: url)) { _ = try await $0.get(path: "/x") }
            }
            guard case .status(let status) = error else { throw CancellationError() }
            #expect(status.code == 302)
            #expect(server.all.count == 1)
        }
    }

    @Test("repeats a read once when the connection broke, never a write", arguments: [true, false])
    func broken(isRead: Bool) async throws {
        try await FakeAPIServer.serving { _ in
            Reply([.cut])
        } _: { server, url in
            let error = await #expect(throws: KubernetesError.self) {
                try await withClient(ClusterAccess(server: url)) { client in
                    if isRead { _ = try await client.get(path: "/x") } else { _ = try await client.create(configMap) }
                }
            }
            guard case .connection = error else {
                Issue.record("unexpected \(String(describing: error))")
                return
            }
            #expect(server.all.count == (isRead ? 2 : 1))
        }
    }

    @Test("patches by merge and carries the version that it builds upon")
    func patches() async throws {
        try await FakeAPIServer.serving { _ in
            .json(#"{"metadata":{"name":"c","namespace":"a"}}"#)
        } _: { server, url in
            try await withClient(ClusterAccess(server: url)) { client in
                _ = try await client.patch(
                    ConfigMap.self, namespace: "a", name: "c",
                    ["metadata": ["resourceVersion": "5"], "data": ["k": "v"]])
            }
            let request = try #require(server.all.first)
            #expect(request.method == "PATCH")
            #expect(request.header("content-type") == "application/merge-patch+json")
            let sent = try JSONDecoder().decode(JSONValue.self, from: Data(request.body.utf8))
            #expect(sent == ["metadata": ["resourceVersion": "5"], "data": ["k": "v"]])
        }
    }

    @Test("a secret's values are bytes")
    func secret() async throws {
        try await FakeAPIServer.serving { request in
            .json(request.body)
        } _: { server, url in
            let secret = Secret(
                metadata: ObjectMetadata(name: "s", namespace: "a"), type: "istio.io/ca-root",
                data: ["x": Data([0, 255, 10])])
            let back = try await withClient(ClusterAccess(server: url)) { try await $0.create(secret) }
            #expect(back == secret)
            #expect(server.all.first?.body.contains("AP8K") == true)
        }
    }

    let configMap = ConfigMap(metadata: ObjectMetadata(name: "c", namespace: "a"), data: ["k": "v"])
}

@Suite("A list")
struct ListTests {
    @Test("is read page by page, of its last page's version")
    func pages() async throws {
        try await FakeAPIServer.serving { request in
            switch request.query["continue"] {
            case nil: .json(list([pod("a", "1", version: 1)], version: 90, next: "t 2&x"))
            case "t 2&x": .json(list([pod("a", "2", version: 2)], version: 90, next: "t3"))
            default: .json(list([], version: 90))
            }
        } _: { server, url in
            let scope = ObjectScope(fields: "status.phase!=Failed")
            let found: ObjectList<Pod> = try await withClient(ClusterAccess(server: url)) {
                try await $0.list(Pod.self, scope)
            }
            #expect(found.items.map(\.metadata.name) == ["1", "2"])
            #expect(found.version == "90")
            #expect(server.all.count == 3)
            #expect(
                server.all.allSatisfy {
                    $0.query["limit"] == "500" && $0.query["fieldSelector"] == "status.phase!=Failed"
                })
        }
    }

    @Test("whose continuation was forgotten begins again, and in the end is read in one piece")
    func expired() async throws {
        try await FakeAPIServer.serving { request in
            if request.query["continue"] != nil { return .refusal(410, "Expired") }
            let isWhole = request.query["limit"] == nil
            return .json(
                list(
                    [pod("a", "1", version: 1)] + (isWhole ? [pod("a", "2", version: 2)] : []), version: 9,
                    next: isWhole ? "" : "t"))
        } _: { _, url in
            let found: ObjectList<Pod> = try await withClient(ClusterAccess(server: url)) {
                try await $0.list(Pod.self)
            }
            #expect(found.items.map(\.metadata.name) == ["1", "2"])
        }
    }

    @Test("that never ends is given up")
    func endless() async throws {
        var limits = quick
        limits.listedObjects = 10
        try await FakeAPIServer.serving { _ in
            .json(list([pod("a", "1", version: 1), pod("a", "2", version: 1)], version: 9, next: "again"))
        } _: { [limits] server, url in
            await #expect(throws: KubernetesError.tooLarge(limit: 10)) {
                let _: ObjectList<Pod> = try await withClient(ClusterAccess(server: url), limits: limits) {
                    try await $0.list(Pod.self)
                }
            }
            #expect(server.all.count == 6)
        }
    }

    @Test("without a version is none: a watch could not go on from it")
    func versionless() async throws {
        try await FakeAPIServer.serving { _ in
            .json(#"{"items":[]}"#)
        } _: { _, url in
            await #expect(throws: KubernetesError.answer("a list without resourceVersion")) {
                let _: ObjectList<Pod> = try await withClient(ClusterAccess(server: url)) {
                    try await $0.list(Pod.self)
                }
            }
        }
    }
}
