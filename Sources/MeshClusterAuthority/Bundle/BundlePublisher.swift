package import Logging
package import MeshKubernetesAPI
import Synchronization

/// Keeps the root bundle, or the revocation lists, in a ConfigMap of every namespace, where pods mount it.
///
/// Created in new namespaces, repaired when it is changed or deleted, replaced when the bundle changes. Other keys of the
/// ConfigMap belong to others and stay. Every replica does it: what is already right is not written.
/// Source: istiod, `istio-ca-root-cert` and `istio-ca-crl`.
package final class BundlePublisher: Sendable {
    package struct Settings: Sendable {
        /// What it is, in the log.
        package var what = "root bundle"
        package var configMap = "istio-ca-root-cert"
        package var key = "root-cert.pem"
        package var excluded: Set<String> = ["kube-public", "kube-node-lease", "local-path-storage"]
        /// How often the bundle is looked at.
        package var interval: Duration = .seconds(1)
        /// Of one write, before it is left for a while.
        package var attempts = 5
        /// After how many looks what failed is tried again.
        package var retryLooks = 10

        package init() {}

        /// What proxies read that refuse revoked peers.
        package static var revocationLists: Settings {
            var settings = Settings()
            settings.what = "revocation lists"
            settings.configMap = "istio-ca-crl"
            settings.key = "ca-crl.pem"
            return settings
        }
    }

    package typealias Bundle = @Sendable () async -> String?

    private static let label = "istio.io/config"

    private let client: KubernetesClient
    private let settings: Settings
    private let bundle: Bundle
    private let pause: KubernetesClient.Pause
    private let logger: Logger
    private let namespaces = ObjectCache<Namespace>()
    private let configMaps = ObjectCache<ConfigMap>()
    private let spaces: Reflector<Namespace>
    private let maps: Reflector<ConfigMap>
    /// Namespaces to look at, each once.
    private let queue = Mutex<Set<String>>([])
    /// Namespaces whose writes failed, to be tried again.
    private let failed = Mutex<Set<String>>([])
    private let published = Mutex<String?>(nil)

    /// - Parameters:
    ///   - bundle: PEM, as it is now; `nil` while there is none.
    ///   - pause: how it waits, injected for tests.
    package init(
        _ client: KubernetesClient, settings: Settings = Settings(), logger: Logger,
        pause: @escaping KubernetesClient.Pause = { try await Task.sleep(for: $0) }, bundle: @escaping Bundle
    ) {
        self.client = client
        self.settings = settings
        self.bundle = bundle
        self.pause = pause
        self.logger = logger
        spaces = Reflector(client, into: namespaces, logger: logger)
        maps = Reflector(
            client, ObjectScope(fields: "metadata.name=\(settings.configMap)"), into: configMaps, logger: logger)
    }

    /// Runs until its task is cancelled.
    package func run() async {
        let (bell, ring) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask { await self.spaces.run() }
            group.addTask { await self.maps.run() }
            group.addTask {
                for await keys in self.namespaces.changes() { self.enqueue(keys.map(\.name), ring) }
            }
            group.addTask {
                for await keys in self.configMaps.changes() { self.enqueue(keys.map(\.namespace), ring) }
            }
            group.addTask { await self.followBundle(ring) }
            group.addTask {
                for await _ in bell { await self.work() }
            }
        }
    }

    private func enqueue(_ names: [String], _ ring: AsyncStream<Void>.Continuation) {
        queue.withLock { $0.formUnion(names) }
        ring.yield()
    }

    private func followBundle(_ ring: AsyncStream<Void>.Continuation) async {
        var looks = 0
        while !Task.isCancelled {
            if let pem = await bundle(), pem != published.withLock({ $0 }) {
                published.withLock { $0 = pem }
                logger.info("\(settings.what) to publish", metadata: ["bytes": "\(pem.utf8.count)"])
                enqueue(namespaces.keys.map(\.name), ring)
            }
            looks += 1
            if looks % settings.retryLooks == 0 { enqueue(Array(failed.withLock { $0 }), ring) }
            do { try await pause(settings.interval) } catch { return }
        }
    }

    /// Looks at everything that is queued.
    private func work() async {
        // Before both lists are whole, a ConfigMap that is only not seen yet would be created.
        guard namespaces.isSynced, configMaps.isSynced, published.withLock({ $0 }) != nil else { return }
        let names = queue.withLock { queue in
            defer { queue = [] }
            return queue
        }
        for name in names.sorted() where !Task.isCancelled {
            guard let error = await settle(name) else {
                failed.withLock { _ = $0.remove(name) }
                continue
            }
            // Told once.
            guard failed.withLock({ $0.insert(name).inserted }) else { continue }
            logger.warning("\(settings.what) not published", metadata: ["namespace": "\(name)", "reason": "\(error)"])
        }
    }

    /// - Returns: why it could not be done.
    private func settle(_ name: String) async -> KubernetesError? {
        var wait = Duration.milliseconds(5)
        var last: KubernetesError?
        for attempt in 1...settings.attempts {
            do throws(KubernetesError) {
                try await write(name)
                return nil
            } catch {
                last = error
                if error == .cancelled || attempt == settings.attempts { break }
            }
            do { try await pause(wait) } catch { break }
            wait *= 2
        }
        return last
    }

    private func write(_ name: String) async throws(KubernetesError) {
        guard let pem = published.withLock({ $0 }), !settings.excluded.contains(name),
            let namespace = namespaces[ObjectKey(name: name)], !namespace.isTerminating
        else { return }
        let found = configMaps[ObjectKey(namespace: name, name: settings.configMap)]
        if let found {
            guard found.data?[settings.key] != pem || found.metadata.labels?[Self.label] != "true" else { return }
            // Another replica may know a newer bundle than we read last. If so, we are about to look at all of them.
            guard await bundle() == pem else { return }
            do throws(KubernetesError) {
                try await client.patch(
                    ConfigMap.self, namespace: name, name: settings.configMap,
                    [
                        "metadata": ["labels": [Self.label: "true"]],
                        "data": [settings.key: .string(pem)],
                    ])
            } catch {
                // It was deleted meanwhile: we shall hear of it, and make it anew.
                if !error.isNotFound { throw error }
            }
            return
        }
        var metadata = ObjectMetadata(name: settings.configMap, namespace: name)
        metadata.labels = [Self.label: "true"]
        do throws(KubernetesError) {
            try await client.create(ConfigMap(metadata: metadata, data: [settings.key: pem]))
        } catch {
            // Somebody else made it, or the namespace goes: neither is for us to mend.
            if error.isAlreadyThere || error.isNotFound || error.isNamespaceTerminating { return }
            guard error.isForbidden else { throw error }
            logger.notice("\(settings.what) refused", metadata: ["namespace": "\(name)", "reason": "\(error)"])
        }
    }
}
