import Logging
import MeshCA
import MeshCore
import MeshTestSupport
import X509

/// An authority that listens on a free loopback port for the time of one test.
struct ServedAuthority {
    let authority: CertificateAuthority
    let address: SocketAddress
    let folder: TemporaryFolder
    let log: RecordedLog
    let events: AsyncStream<AuthorityServer.Event>.Continuation

    static let callers = """
        callers:
          - name: cart
            tokenFile: cart.token
            identities: ["spiffe://cluster.local/ns/shop/sa/cart"]
          - name: node
            tokenFile: node.token
            identities:
              - spiffe://cluster.local/ns/shop/sa/cart
              - spiffe://cluster.local/ns/web/sa/*
        """

    /// The clock is the real one: the TLS library compares certificates with it and takes no other.
    static func serving<T: Sendable>(
        callers: String = callers, authorization: (any CallerAuthorization)? = nil,
        authority: CertificateAuthority? = nil,
        lifetimes: LifetimePolicy = LifetimePolicy(), serverNames: [String] = [],
        drainDeadline: Duration = .seconds(10),
        _ body: @Sendable (ServedAuthority) async throws -> T
    ) async throws -> T {
        let folder = try TemporaryFolder()
        let log = RecordedLog()
        let clock = SystemWallClock()
        try folder.write("callers.yaml", callers)
        try folder.write("cart.token", "cart-secret\n")
        try folder.write("node.token", "node-secret\n")
        let authority =
            try authority
            ?? CertificateAuthority.test(root: try .live("cluster.local"), lifetimes: lifetimes, now: clock.seconds)
        let issuance = CertificateIssuance(
            slot: AuthoritySlot(authority),
            callers: try authorization
                ?? CallerDirectory(
                    path: folder.file("callers.yaml"), trustDomain: authority.trustDomain, logger: log.logger),
            clock: clock, logger: log.logger)
        var configuration = AuthorityServer.Configuration()
        configuration.listen = SocketAddress(.loopbackV4, 0)
        configuration.serverNames = serverNames
        configuration.drainDeadline = drainDeadline
        let server = try AuthorityServer(issuance: issuance, configuration: configuration)
        let (events, continuation) = AsyncStream<AuthorityServer.Event>.makeStream()
        let (bound, announce) = AsyncStream<SocketAddress>.makeStream()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run(events: events) { announce.yield($0) } }
            var addresses = bound.makeAsyncIterator()
            guard let address = await addresses.next() else { throw CancellationError() }
            let served = ServedAuthority(
                authority: authority, address: address, folder: folder, log: log, events: continuation)
            let result = await Task.catching { try await body(served) }
            continuation.finish()
            try await group.waitForAll()
            return try result.get()
        }
    }

    func client(token: String?) throws -> CertificateClient {
        let endpoint = CAEndpoint(host: "127.0.0.1", port: address.port, trust: .pem(authority.material.rootPEM))
        return CertificateClient(endpoint: endpoint, tokenFile: token.map { folder.file("\($0).token") })
    }
}

extension Task where Success == Never, Failure == Never {
    static func catching<T>(_ body: () async throws -> T) async -> Result<T, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}

extension TestIssuer {
    /// Valid by the clock of this machine.
    static func live(_ name: String, issuer: TestIssuer? = nil, key: TestKey = .p256) throws -> TestIssuer {
        let now = SystemWallClock().seconds
        return try TestIssuer(name, issuer: issuer, key: key, notBefore: now - day, notAfter: now + 365 * day)
    }
}
