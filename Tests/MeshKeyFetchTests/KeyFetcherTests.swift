import Dispatch
import MeshCore
import MeshKeyFetch
import MeshLinux
import MeshTokens
import Testing

@Suite("Fetching key sets over HTTP", .timeLimit(.minutes(1)))
struct KeyFetcherTests {
    static let keys = """
        {"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
        """
    static let home = IPAddress("127.0.0.1") ?? .loopbackV4

    private func request(
        _ text: String, blocked: [CIDR] = [], timeout: Duration = .seconds(30)
    ) throws -> KeyStore.Request {
        KeyStore.Request(url: try #require(KeyURL(text)), timeout: timeout, blocked: blocked)
    }

    private func fetcher(_ addresses: [IPAddress] = [home], roots: String? = nil) throws -> KeyFetcher {
        try KeyFetcher(roots: roots.map { Array($0.utf8) }) { _ in .success(addresses) }
    }

    private func problem(_ fetcher: KeyFetcher, _ request: KeyStore.Request) async -> KeyFetcher.Problem? {
        do {
            _ = try await fetcher.fetch(request)
            return nil
        } catch {
            return error as? KeyFetcher.Problem
        }
    }

    @Test("a key set is read, by the name that was asked for")
    func fetches() async throws {
        let server = try await KeyServer(.whole(body: Self.keys))
        let fetched = try await fetcher().fetch(request("http://keys.example:\(server.port)/jwks?v=1"))
        #expect(fetched == Array(Self.keys.utf8))
        let seen = server.seen
        #expect(seen.map(\.target) == ["/jwks?v=1"])
        #expect(seen.first?.host == "keys.example:\(server.port)")
        try await server.stop()
    }

    @Test("the key store gets its keys this way, by discovery too")
    func store() async throws {
        let server = try await KeyServer(.whole(body: Self.keys))
        let url = "http://keys.example:\(server.port)/"
        let store = KeyStore(blocked: [], fetch: try fetcher().fetch)
        await store.use([JWTRule(issuer: "i", keys: .remote(url))], now: 0)
        #expect(await store.refresh(now: 0) == KeyStore.refreshInterval)
        #expect(await store.snapshot()[.url(url)] != nil)
        // A key set is no OpenID configuration.
        await store.use([JWTRule(issuer: url, keys: .discovered)], now: 0)
        _ = await store.refresh(now: 0)
        #expect(server.seen.last?.target == "/.well-known/openid-configuration")
        #expect(await store.failures()[.issuer(url)]?.contains("names no jwks_uri") ?? false)
        try await server.stop()
    }

    @Test("a redirect is not followed")
    func redirect() async throws {
        let server = try await KeyServer(.whole(status: 302, headers: [("location", "/other")], body: ""))
        let found = await problem(try fetcher(), try request("http://keys.example:\(server.port)/"))
        #expect(found == .status(302))
        #expect(server.seen.count == 1)
        try await server.stop()
    }

    @Test("any status but 200 is a failure", arguments: [204, 401, 404, 500])
    func status(code: Int) async throws {
        let server = try await KeyServer(.whole(status: code, body: ""))
        #expect(await problem(try fetcher(), try request("http://k:\(server.port)/")) == .status(UInt(code)))
        try await server.stop()
    }

    @Test(
        "an answer that is too long is given up, whether it says how long it is or never ends",
        arguments: [true, false])
    func tooLong(isEndless: Bool) async throws {
        let long = String(repeating: " ", count: KeySet.sizeLimit + 1)
        let server = try await KeyServer(isEndless ? .endless : .whole(body: long))
        #expect(await problem(try fetcher(), try request("http://k:\(server.port)/")) == .tooLong)
        try await server.stop()
    }

    @Test("an answer that does not come, or does not come to its end, is given up in time", arguments: [true, false])
    func timeout(isStalled: Bool) async throws {
        let server = try await KeyServer(isStalled ? .stalled : .silent)
        let limit = Duration.milliseconds(300)
        let found = await problem(try fetcher(), try request("http://k:\(server.port)/", timeout: limit))
        #expect(found == .timeout(limit))
        try await server.stop()
    }

    @Test("a look-up that hangs is given up in time")
    func slowLookup() async throws {
        let gate = DispatchSemaphore(value: 0)
        let hanging = try KeyFetcher { _ in
            gate.wait()
            return .success([])
        }
        let limit = Duration.milliseconds(200)
        #expect(await problem(hanging, try request("http://k/", timeout: limit)) == .timeout(limit))
        gate.signal()
    }

    @Test("a name that leads to a blocked address is refused before anything is connected")
    func blocked() async throws {
        let server = try await KeyServer(.whole(body: Self.keys))
        let asked = try request("http://keys.example:\(server.port)/", blocked: BlockedAddresses.standard)
        #expect(await problem(try fetcher(), asked) == .blocked(host: "keys.example", Self.home))
        let literal = try request("http://127.0.0.1:\(server.port)/", blocked: BlockedAddresses.standard)
        #expect(await problem(try fetcher(), literal) == .blocked(host: "127.0.0.1", Self.home))
        #expect(server.seen.isEmpty)
        try await server.stop()
    }

    @Test("of the addresses of a name only those that are not blocked are connected to")
    func someBlocked() async throws {
        let server = try await KeyServer(.whole(body: Self.keys))
        let metadata = try #require(IPAddress("169.254.169.254"))
        let blocked = ["169.254.0.0/16"].compactMap { CIDR($0) }
        let fetched = try await fetcher([metadata, Self.home])
            .fetch(request("http://keys.example:\(server.port)/", blocked: blocked))
        #expect(fetched == Array(Self.keys.utf8))
        try await server.stop()
    }

    @Test("the next address of a name is tried when one does not answer")
    func nextAddress() async throws {
        let server = try await KeyServer(.whole(body: Self.keys))
        // Nobody listens there: the server has another address of the loopback network.
        let dead = try #require(IPAddress("127.0.0.2"))
        let fetched = try await fetcher([dead, Self.home]).fetch(request("http://k:\(server.port)/"))
        #expect(fetched == Array(Self.keys.utf8))
        try await server.stop()
    }

    @Test("a name without an address says so")
    func noAddress() async throws {
        let found = await problem(try KeyFetcher { _ in .failure(.noAddress) }, try request("http://k.example/"))
        #expect(found == .lookup(host: "k.example", why: "the name has no address; correct the URL"))
    }

    @Test("a server is verified: its root, and the name that was asked for")
    func verifies() async throws {
        let certificate = try ServerCertificate(name: "keys.example")
        let server = try await KeyServer(tls: certificate.tls, .whole(body: Self.keys))
        let trusting = try fetcher(roots: certificate.pem)
        let fetched = try await trusting.fetch(request("https://keys.example:\(server.port)/"))
        #expect(fetched == Array(Self.keys.utf8))
        func isRefused(_ fetcher: KeyFetcher, _ host: String) async throws -> Bool {
            guard case .connection? = await problem(fetcher, try request("https://\(host):\(server.port)/")) else {
                return false
            }
            return true
        }
        #expect(try await isRefused(trusting, "other.example"))
        #expect(try await isRefused(trusting, "127.0.0.1"))
        #expect(try await isRefused(try fetcher(), "keys.example"))
        #expect(try await isRefused(try fetcher(roots: ServerCertificate(name: "keys.example").pem), "keys.example"))
        #expect(server.seen.count == 1)
        try await server.stop()
    }

    @Test("roots that are no certificates are refused at once")
    func badRoots() {
        #expect(throws: MeshFailure.self) { try KeyFetcher(roots: Array("nothing".utf8)) }
    }
}
