import FakeAPIServer
import MeshKubernetesAPI
import MeshTestSupport
import Synchronization
import Testing

@Suite("A reflector")
struct ReflectorTests {
    /// A reflector that runs against a server's answers for as long as `body`.
    private func reflecting(
        limits: ClientLimits = quick, pauses: Pauses = Pauses(), answer: @escaping FakeAPIServer.Answer,
        _ body: @Sendable @escaping (ObjectCache<Pod>, FakeAPIServer) async throws -> Void
    ) async throws {
        try await FakeAPIServer.serving(answer: answer) { server, url in
            try await withClient(ClusterAccess(server: url), limits: limits, pauses: pauses) { client in
                let cache = ObjectCache<Pod> { [$0.spec?.nodeName ?? ""] }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await Reflector(client, ObjectScope(), into: cache, logger: .silent).run()
                    }
                    defer { group.cancelAll() }
                    try await body(cache, server)
                }
            }
        }
    }

    private func until(_ cache: ObjectCache<Pod>, _ condition: @Sendable (ObjectCache<Pod>) -> Bool) async {
        for await _ in cache.changes() where condition(cache) { return }
    }

    private func names(_ cache: ObjectCache<Pod>) -> [String] { cache.keys.map(\.name).sorted() }

    @Test("lists, then follows what is added, changed and deleted")
    func follows() async throws {
        let (events, send) = AsyncStream<String>.makeStream()
        try await reflecting(answer: { request in
            request.isWatch
                ? Reply([.stream(events)])
                : .json(list([pod("a", "1", version: 3), pod("a", "2", version: 4)], version: 10))
        }) { cache, server in
            try await cache.synced()
            #expect(names(cache) == ["1", "2"])
            #expect(cache.objects(under: "n1").count == 2)
            send.yield(event("ADDED", pod("a", "3", version: 11)))
            send.yield(event("MODIFIED", pod("a", "1", version: 12, node: "n2")))
            send.yield(event("DELETED", pod("a", "2", version: 13)))
            await until(cache) { $0[ObjectKey(namespace: "a", name: "2")] == nil }
            #expect(names(cache) == ["1", "3"])
            #expect(cache.objects(under: "n1").map(\.metadata.name) == ["3"])
            #expect(cache.objects(under: "n2").map(\.metadata.name) == ["1"])
            let watch = try #require(server.all.first { $0.isWatch })
            #expect(watch.query["resourceVersion"] == "10")
            #expect(watch.query["allowWatchBookmarks"] == "true")
            send.finish()
        }
    }

    @Test("is not synced before the last page")
    func pages() async throws {
        let (gate, open) = AsyncStream<Void>.makeStream()
        try await reflecting(answer: { request in
            if request.isWatch { return Reply([.wait(AsyncStream { _ in })]) }
            guard request.query["continue"] != nil else {
                return .json(list([pod("a", "1", version: 1)], version: 2, next: "t"))
            }
            for await _ in gate {}
            return .json(list([pod("a", "2", version: 1)], version: 2))
        }) { cache, server in
            for await request in server.requests where request.query["continue"] != nil { break }
            #expect(!cache.isSynced)
            #expect(cache.keys.isEmpty)
            open.finish()
            try await cache.synced()
            #expect(names(cache) == ["1", "2"])
        }
    }

    @Test("resumes from the last version, event or bookmark, after the stream ended in order")
    func resumes() async throws {
        let count = Count()
        try await reflecting(answer: { request in
            guard request.isWatch else { return .json(list([], version: 10)) }
            switch count.up() {
            case 1: return Reply([.send(event("ADDED", pod("a", "1", version: 11)))])
            case 2: return Reply([.send(bookmark(20))])
            default: return Reply([.send(event("ADDED", pod("a", "2", version: 21))), .wait(AsyncStream { _ in })])
            }
        }) { cache, server in
            await until(cache) { $0.keys.count == 2 }
            #expect(server.all.filter(\.isWatch).map { $0.query["resourceVersion"] } == ["10", "11", "20"])
            #expect(server.all.filter { !$0.isWatch }.count == 1)
        }
    }

    @Test("resumes without the half object when the stream is cut inside one", arguments: [1, 30, 90])
    func cut(bytes: Int) async throws {
        let count = Count()
        let pauses = Pauses()
        try await reflecting(
            pauses: pauses,
            answer: { request in
                guard request.isWatch else { return .json(list([], version: 10)) }
                let second = event("ADDED", pod("a", "2", version: 12))
                if count.up() == 1 {
                    return Reply([
                        .send(event("ADDED", pod("a", "1", version: 11)) + String(second.prefix(bytes))), .cut,
                    ])
                }
                return Reply([.send(second), .wait(AsyncStream { _ in })])
            }
        ) { cache, server in
            await until(cache) { $0.keys.count == 2 }
            #expect(server.all.filter(\.isWatch).map { $0.query["resourceVersion"] } == ["10", "11"])
            #expect(pauses.all.count == 1)
        }
    }

    @Test("lists again when its version is forgotten, and drops what has gone meanwhile", arguments: [true, false])
    func gone(inStream: Bool) async throws {
        let count = Count()
        try await reflecting(answer: { request in
            switch (count.up(), request.isWatch) {
            case (1, _): return .json(list([pod("a", "1", version: 1), pod("a", "2", version: 2)], version: 10))
            case (2, _):
                let status = #"{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}"#
                return inStream ? Reply([.send(event("ERROR", status))]) : .refusal(410, "Expired")
            case (3, _): return .json(list([pod("a", "2", version: 2), pod("a", "3", version: 50)], version: 60))
            default: return Reply([.wait(AsyncStream { _ in })])
            }
        }) { cache, server in
            await until(cache) { $0[ObjectKey(namespace: "a", name: "3")] != nil }
            #expect(names(cache) == ["2", "3"])
            for await request in server.requests where request.isWatch && request.query["resourceVersion"] == "60" {
                break
            }
        }
    }

    @Test(
        "lists again after what is no event, and keeps what it knows meanwhile",
        arguments: [
            "garbage\n", "{}\n", event("ADDED", "7"), event("NEWS", "{}"), event("BOOKMARK", #"{"metadata":{}}"#),
        ])
    func garbage(text: String) async throws {
        let count = Count()
        try await reflecting(answer: { request in
            switch (count.up(), request.isWatch) {
            case (1, _): return .json(list([pod("a", "1", version: 1)], version: 10))
            case (2, _): return Reply([.send(text)])
            case (3, false): return .json(list([pod("a", "1", version: 1), pod("a", "2", version: 11)], version: 12))
            default: return Reply([.wait(AsyncStream { _ in })])
            }
        }) { cache, server in
            await until(cache) { $0.keys.count == 2 }
            #expect(server.all.map(\.isWatch).starts(with: [false, true, false]))
        }
    }

    @Test("lists again after an object that is too large for it")
    func huge() async throws {
        var limits = quick
        limits.eventBytes = 4096
        let count = Count()
        try await reflecting(
            limits: limits,
            answer: { request in
                switch (count.up(), request.isWatch) {
                case (1, _): return .json(list([], version: 10))
                case (2, _): return Reply([.send(String(repeating: "x", count: 5000)), .wait(AsyncStream { _ in })])
                case (3, _): return .json(list([pod("a", "1", version: 11)], version: 12))
                default: return Reply([.wait(AsyncStream { _ in })])
                }
            }
        ) { cache, _ in
            await until(cache) { $0.keys.count == 1 }
        }
    }

    @Test("gives up a watch that is silent for too long, and goes on from where it was")
    func silent() async throws {
        var limits = quick
        limits.silence = .milliseconds(100)
        let count = Count()
        try await reflecting(
            limits: limits,
            answer: { request in
                guard request.isWatch else { return .json(list([], version: 10)) }
                if count.up() == 1 { return Reply([.wait(AsyncStream { _ in })]) }
                return Reply([.send(event("ADDED", pod("a", "1", version: 11))), .wait(AsyncStream { _ in })])
            }
        ) { cache, server in
            await until(cache) { $0.keys.count == 1 }
            #expect(server.all.filter(\.isWatch).count >= 2)
            #expect(server.all.filter(\.isWatch).prefix(2).allSatisfy { $0.query["resourceVersion"] == "10" })
        }
    }

    @Test("waits longer with each failure, and as the server asks")
    func backoff() async throws {
        let count = Count()
        let pauses = Pauses()
        try await reflecting(
            pauses: pauses,
            answer: { request in
                if request.isWatch { return Reply([.wait(AsyncStream { _ in })]) }
                switch count.up() {
                case 1...4: return .refusal(500, "InternalError")
                case 5: return .refusal(500, "InternalError", headers: [("Retry-After", "40")])
                default: return .json(list([], version: 1))
                }
            }
        ) { cache, _ in
            try await cache.synced()
            let waits = pauses.all
            try #require(waits.count == 5)
            for (wait, most) in zip(waits, [200, 400, 800, 1600]) {
                #expect((Duration.milliseconds(most / 2)...Duration.milliseconds(most)).contains(wait))
            }
            #expect(waits[4] == .seconds(40))
        }
    }

    @Test("pauses before it asks a server again that ends every watch at once")
    func short() async throws {
        let pauses = Pauses()
        try await reflecting(
            pauses: pauses,
            answer: { request in
                request.isWatch ? Reply([]) : .json(list([], version: 1))
            }
        ) { _, server in
            var watches = 0
            for await request in server.requests where request.isWatch {
                watches += 1
                if watches == 4 { break }
            }
            #expect(pauses.all.count >= 3)
        }
    }
}

@Suite("A cache of objects")
struct ObjectCacheTests {
    private func pod(_ name: String, _ version: String) -> Namespace {
        var metadata = ObjectMetadata(name: name)
        metadata.resourceVersion = version
        return Namespace(metadata: metadata)
    }

    @Test("tells followers the keys that changed, each once")
    func coalesces() async {
        let cache = ObjectCache<Namespace>()
        let changes = cache.changes()
        for version in 0..<100 { cache.apply(pod("a", "\(version)")) }
        cache.apply(pod("b", "1"))
        cache.remove(ObjectKey(name: "b"))
        var iterator = changes.makeAsyncIterator()
        #expect(await iterator.next() == [ObjectKey(name: "a"), ObjectKey(name: "b")])
    }

    @Test("tells of a new list only what differs, and of an empty one that it came")
    func replaces() async {
        let cache = ObjectCache<Namespace>()
        let changes = cache.changes()
        var iterator = changes.makeAsyncIterator()
        cache.replace([])
        #expect(await iterator.next() == [])
        cache.replace([pod("a", "1"), pod("b", "1")])
        #expect(await iterator.next() == [ObjectKey(name: "a"), ObjectKey(name: "b")])
        cache.replace([pod("a", "1"), pod("c", "1")])
        #expect(await iterator.next() == [ObjectKey(name: "b"), ObjectKey(name: "c")])
    }

    @Test("begins a follower who comes later with all that is there")
    func late() async {
        let cache = ObjectCache<Namespace>()
        cache.replace([pod("a", "1")])
        var iterator = cache.changes().makeAsyncIterator()
        #expect(await iterator.next() == [ObjectKey(name: "a")])
    }
}
