package import Logging
package import MeshCA
package import MeshCore
import MeshKeyFetch
import MeshKubernetesAPI
import MeshTokens

/// Serves an authority whose callers, material and distribution come from clusters, or from files in their shape.
package struct ClusterAuthorityService: Sendable {
    private static let doing = "serve an authority"

    package var settings: ClusterSettings
    /// The authority's folder; with a secret, what stays on this machine: the audit log and the lock.
    package var directory: AuthorityDirectory
    package var trustDomain: TrustDomain?
    /// The rest of how it serves.
    package var configure: @Sendable (inout AuthorityService) -> Void = { _ in }

    package init(settings: ClusterSettings, directory: AuthorityDirectory) {
        self.settings = settings
        self.directory = directory
    }

    /// Runs until SIGTERM or SIGINT.
    /// - Parameter listening: told the bound addresses, once.
    package func run(
        clock: any WallClock = SystemWallClock(), logger: Logger,
        listening: @Sendable @escaping (AuthorityService.Listening) -> Void
    ) async throws(MeshFailure) {
        let problems = settings.problems()
        guard problems.isEmpty else {
            throw MeshFailure(.usage, doing: Self.doing, reason: problems.joined(separator: "; "))
        }
        let client = settings.access.map { KubernetesClient($0) }
        let remotes = settings.remotes.map { ($0.id, KubernetesClient($0.access)) }
        var failure: MeshFailure?
        do {
            try await run(client, remotes, clock, logger, listening)
        } catch {
            failure = error
        }
        await client?.shutdown()
        for (_, client) in remotes { await client.shutdown() }
        if let failure { throw failure }
    }

    private func run(
        _ client: KubernetesClient?, _ remotes: [(String, KubernetesClient)], _ clock: any WallClock, _ logger: Logger,
        _ listening: @Sendable @escaping (AuthorityService.Listening) -> Void
    ) async throws(MeshFailure) {
        let store = try await store(client, clock, logger)
        var service = AuthorityService(store: store, stateDirectory: directory.path) {
            trustDomain, logger throws(MeshFailure) in
            try authorization(client, remotes, trustDomain, clock, logger)
        }
        service.trustDomain = trustDomain
        configure(&service)
        let ready = service
        let publishers = client.map { settings.publishes ? self.publishers($0, store, clock, logger) : [] } ?? []
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for publisher in publishers { group.addTask { await publisher.run() } }
                defer { group.cancelAll() }
                try await ready.run(clock: clock, logger: logger, listening: listening)
            }
        } catch {
            throw error as? MeshFailure ?? MeshFailure(.bug, doing: Self.doing, reason: "\(error)")
        }
    }

    private func store(
        _ client: KubernetesClient?, _ clock: any WallClock, _ logger: Logger
    ) async throws(MeshFailure) -> any AuthorityStore {
        guard let name = settings.secret, let client else { return directory }
        let store = AuthoritySecret(client, named: name, logger: logger)
        do {
            try await store.prepare(
                making: { () throws(AuthorityError) in
                    guard let trustDomain else { throw .trustDomainUnknown(directory: "secret \(name)") }
                    return try AuthorityFiles.made(
                        trustDomain: trustDomain, rootLifetime: settings.rootLifetime, now: clock.seconds)
                }, logger: logger)
        } catch {
            throw error.failure(doing: "open the authority")
        }
        return store
    }

    private func publishers(
        _ client: KubernetesClient, _ store: any AuthorityStore, _ clock: any WallClock, _ logger: Logger
    ) -> [BundlePublisher] {
        let source = BundleSource(store, trustDomain: trustDomain, clock: clock, logger: logger)
        return [
            BundlePublisher(client, logger: logger) { await source.roots() },
            BundlePublisher(client, settings: .revocationLists, logger: logger) { await source.revocationLists() },
        ]
    }

    private func authorization(
        _ client: KubernetesClient?, _ remotes: [(String, KubernetesClient)], _ trustDomain: TrustDomain,
        _ clock: any WallClock, _ logger: Logger
    ) throws(MeshFailure) -> any CallerAuthorization {
        func cluster(
            _ id: String, _ client: KubernetesClient, aliases: Set<String> = []
        ) -> ClusterAuthorization.Cluster {
            ClusterAuthorization.Cluster(
                id: id, aliases: aliases,
                reviewer: TokenReviewer(client, cluster: id, audiences: settings.audiences),
                pods: ClusterPods(client, logger: logger))
        }
        let own: ClusterAuthorization.Cluster
        if let client {
            own = cluster(settings.clusterID, client, aliases: settings.clusterAliases)
        } else {
            let inventory = try settings.inventory.map { path throws(MeshFailure) in
                try PodInventory(path: path, logger: logger)
            }
            own = ClusterAuthorization.Cluster(
                id: settings.clusterID, aliases: settings.clusterAliases, pods: inventory)
        }
        return ClusterAuthorization(
            clusters: [own] + remotes.map { cluster($0, $1) }, issuers: try issuers(client),
            callers: try callers(trustDomain, knowsNodes: own.pods != nil, logger), trusted: settings.trusted,
            clock: clock)
    }

    private func issuers(_ client: KubernetesClient?) throws(MeshFailure) -> [IssuerTokens] {
        guard let issuer = settings.issuer else { return [] }
        let fetcher = try KeyFetcher()
        let fetch = issuer.keys.fetch(issuer: issuer.issuer, client: client) { url in
            // Whoever runs the authority names the place, so no address is out of bounds.
            try await fetcher.fetch(KeyStore.Request(url: url, timeout: .seconds(10), blocked: []))
        }
        return [
            IssuerTokens(
                rule: ServiceTokenRule(issuer: issuer.issuer, audiences: Set(settings.audiences)),
                cluster: settings.clusterID, keys: IssuerKeys(fetch: fetch))
        ]
    }

    private func callers(
        _ trustDomain: TrustDomain, knowsNodes: Bool, _ logger: Logger
    ) throws(MeshFailure) -> CallerDirectory? {
        guard let path = settings.callers else { return nil }
        do {
            return try CallerDirectory(
                path: path, trustDomain: trustDomain, knowsNodes: knowsNodes, logger: logger)
        } catch {
            throw MeshFailure(.usage, doing: "read callers", reason: "\(error)")
        }
    }
}
