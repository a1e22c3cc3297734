import MeshCore
import MeshTokens
import Synchronization
import Testing

@Suite("Fetching keys")
struct KeyStoreTests {
    struct Down: Error {}

    /// A world of documents that remembers what was asked of it.
    final class World: Sendable {
        let documents = Mutex<[String: String]>([:])
        let asked = Mutex<[KeyStore.Request]>([])

        var fetch: KeyStore.Fetch {
            { request in
                self.asked.withLock { $0.append(request) }
                let url = request.url.description.replacing(":443/", with: "/")
                guard let text = self.documents.withLock({ $0[url] }) else { throw Down() }
                return Array(text.utf8)
            }
        }

        var count: Int { asked.withLock { $0.count } }
    }

    private func rule(_ url: String = "https://i.example/keys") -> JWTRule { JWTRule(issuer: "i", keys: .remote(url)) }

    @Test("keys are fetched at once and every 20 minutes")
    func refresh() async {
        let world = World()
        world.documents.withLock { $0["https://i.example/keys"] = Signer().jwks }
        let store = KeyStore(fetch: world.fetch)
        await store.use([rule()], now: 1000)
        #expect(await store.refresh(now: 1000) == 1000 + 1200)
        #expect(await store.snapshot().count == 1)
        _ = await store.refresh(now: 2199)
        #expect(world.count == 1)
        _ = await store.refresh(now: 2200)
        #expect(world.count == 2)
        #expect(world.asked.withLock { $0.first?.timeout } == .seconds(5))
    }

    @Test("after a failure it is tried again in a minute, and the keys that are there stay")
    func retry() async {
        let world = World()
        let store = KeyStore(fetch: world.fetch)
        await store.use([rule()], now: 0)
        #expect(await store.refresh(now: 0) == 60)
        #expect(await store.snapshot().isEmpty)
        #expect(await store.failures().count == 1)
        world.documents.withLock { $0["https://i.example/keys"] = Signer().jwks }
        #expect(await store.refresh(now: 60) == 60 + 1200)
        #expect(await store.failures().isEmpty)
        world.documents.withLock { $0["https://i.example/keys"] = "no keys" }
        #expect(await store.refresh(now: 1260) == 1320)
        #expect(await store.snapshot().count == 1)
    }

    @Test("who fails again and again is asked less and less often, and at once trusted again")
    func backOff() async {
        let world = World()
        let store = KeyStore(fetch: world.fetch)
        await store.use([rule()], now: 0)
        var (now, waits): (Int64, [Int64]) = (0, [])
        for _ in 0..<6 {
            let next = await store.refresh(now: now) ?? 0
            waits.append(next - now)
            // Meanwhile nobody is asked: the failure itself is remembered.
            _ = await store.refresh(now: next - 1)
            now = next
        }
        #expect(waits == [60, 120, 240, 300, 300, 300])
        #expect(world.count == 6)
        world.documents.withLock { $0["https://i.example/keys"] = Signer().jwks }
        #expect(await store.refresh(now: now) == now + 1200)
        world.documents.withLock { $0 = [:] }
        #expect(await store.refresh(now: now + 1200) == now + 1260)
    }

    @Test("a source that hangs does not hold up the others", .timeLimit(.minutes(1)))
    func parallel() async {
        let (both, arrived) = AsyncStream.makeStream(of: Void.self)
        let counter = Mutex(0)
        // Each waits until the other has been asked too.
        let store = KeyStore { _ in
            let count = counter.withLock {
                $0 += 1
                return $0
            }
            if count == 2 { arrived.finish() }
            for await _ in both {}
            return Array(Signer().jwks.utf8)
        }
        await store.use([rule("https://a.example/"), rule("https://b.example/")], now: 0)
        _ = await store.refresh(now: 0)
        #expect(await store.snapshot().count == 2)
    }

    @Test("without a place for keys the issuer is asked for it")
    func discovery() async {
        let world = World()
        world.documents.withLock {
            $0["https://i.example/.well-known/openid-configuration"] = "{\"jwks_uri\":\"https://k.example/k\"}"
            $0["https://k.example/k"] = Signer().jwks
        }
        let store = KeyStore(fetch: world.fetch)
        await store.use([JWTRule(issuer: "https://i.example/", keys: .discovered)], now: 0)
        _ = await store.refresh(now: 0)
        #expect(await store.snapshot()[.issuer("https://i.example/")] != nil)
    }

    @Test(
        "some places are never asked",
        arguments: [
            "http://127.0.0.1/", "http://169.254.169.254/latest", "https://[::1]:8443/k", "http://[fe80::1]/",
            "http://0.0.0.0", "https://i.example\\@127.0.0.1/", "http://i.example/#", "https:// i.example/",
            "file:///etc/passwd", "gopher://x/", "", "http://user@127.0.0.1:80/", "http://[::ffff:127.0.0.1]/",
            "HTTP://127.0.0.1/", "http://127.0.0.1?x", "http://[fd00:ec2::254]/",
        ])
    func blocked(url: String) async {
        let world = World()
        let store = KeyStore(fetch: world.fetch)
        await store.use([rule(url)], now: 0)
        #expect(await store.refresh(now: 0) == 60)
        #expect(world.count == 0)
        #expect(await store.failures().count == 1)
    }

    @Test("a discovered place is judged like a written one")
    func discoveredBlocked() async {
        let world = World()
        world.documents.withLock {
            $0["https://i.example/.well-known/openid-configuration"] = "{\"jwks_uri\":\"http://169.254.169.254/\"}"
        }
        let store = KeyStore(fetch: world.fetch)
        await store.use([JWTRule(issuer: "https://i.example", keys: .discovered)], now: 0)
        _ = await store.refresh(now: 0)
        #expect(world.count == 1)
        #expect(await store.snapshot().isEmpty)
    }

    @Test("the fetcher is told which addresses to leave alone, since names lead to them too")
    func fetcherIsTold() async {
        let world = World()
        let store = KeyStore(fetch: world.fetch)
        await store.use([rule()], now: 0)
        _ = await store.refresh(now: 0)
        #expect(world.asked.withLock { $0.first?.blocked } == BlockedAddresses.standard)
    }

    @Test("keys that no rule used for a week are forgotten")
    func eviction() async {
        let world = World()
        world.documents.withLock { $0["https://i.example/keys"] = Signer().jwks }
        let store = KeyStore(fetch: world.fetch)
        await store.use([rule()], now: 0)
        _ = await store.refresh(now: 0)
        await store.use([], now: 604_799)
        #expect(await store.snapshot().count == 1)
        await store.use([], now: 604_800)
        #expect(await store.snapshot().isEmpty)
        #expect(await store.refresh(now: 604_800) == nil)
    }

    @Test("written keys are not fetched")
    func inline() async {
        let store = KeyStore(fetch: World().fetch)
        await store.use([JWTRule(issuer: "i", keys: .inline(Signer().jwks))], now: 0)
        #expect(await store.refresh(now: 0) == nil)
    }
}
