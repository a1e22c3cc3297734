import FoundationEssentials
package import Logging
package import MeshCA
package import MeshKubernetesAPI
import Synchronization

/// An authority's files in a Secret of the cluster, shared by all replicas.
///
/// Shape: one entry for each file, under the names that `AuthorityFiles` knows; others stay and are never read, so no name
/// in a secret becomes anything else. Its version is the secret's: a write names the version that it read, and the API
/// server refuses it when somebody else was faster. Source: istiod, `istio-ca-secret` and `cacerts`.
package final class AuthoritySecret: AuthorityStore {
    package static let standardName = "istio-ca-secret"
    private static let type = "istio.io/ca-root"

    private let client: KubernetesClient
    private let key: ObjectKey
    private let cache = ObjectCache<Secret>()
    private let reflector: Reflector<Secret>
    /// The last version that was heard of, by whatever way; empty for a secret that was deleted.
    private let newest = Mutex<String?>(nil)

    /// - Parameter name: in the namespace that the client is at home in, or with another as `namespace/name`.
    package convenience init(_ client: KubernetesClient, named name: String, logger: Logger) {
        let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
        self.init(
            client, namespace: parts.count == 2 ? parts[0] : client.access.namespace, name: parts.last ?? name,
            logger: logger)
    }

    package init(
        _ client: KubernetesClient, namespace: String, name: String = standardName, backoff: Backoff = Backoff(),
        logger: Logger
    ) {
        self.client = client
        key = ObjectKey(namespace: namespace, name: name)
        reflector = Reflector(
            client, ObjectScope(namespace: namespace, fields: "metadata.name=\(name)"), into: cache, backoff: backoff,
            logger: logger)
    }

    package var place: String { "secret \(key)" }

    package func load() async throws(AuthorityError) -> AuthorityFiles {
        let before = newest.withLock { $0 }
        let secret: Secret
        do {
            secret = try await client.get(namespace: key.namespace, name: key.name)
        } catch {
            throw error.isNotFound ? .notFound(directory: place) : failure(error)
        }
        var texts: [AuthorityFiles.Name: String] = [:]
        for name in AuthorityFiles.Name.allCases {
            guard let bytes = secret.data?[name.rawValue] else { continue }
            guard bytes.count <= name.limit, let text = String(validating: bytes, as: UTF8.self) else {
                throw .content(path: "\(place)/\(name.rawValue)", reason: "is no text of at most \(name.limit) bytes")
            }
            texts[name] = text
        }
        let version = secret.metadata.resourceVersion ?? ""
        // What was heard meanwhile may be newer than what was read.
        newest.withLock { if $0 == before { $0 = version } }
        return AuthorityFiles(place: place, version: version, texts: texts)
    }

    package func create(_ texts: [AuthorityFiles.Name: String]) async throws(AuthorityError) {
        let data = texts.map { ($0.key.rawValue, Data($0.value.utf8)) }
        let secret = Secret(
            metadata: ObjectMetadata(name: key.name, namespace: key.namespace), type: Self.type,
            data: Dictionary(data) { first, _ in first })
        do {
            try await client.create(secret)
        } catch {
            throw error.isAlreadyThere ? .exists(path: place) : failure(error)
        }
    }

    package func replace(
        _ old: AuthorityFiles, by texts: [AuthorityFiles.Name: String]
    ) async throws(AuthorityError) -> Bool {
        guard !old.version.isEmpty else { throw .store(directory: place, reason: "the secret has no resourceVersion") }
        var data: [String: JSONValue] = [:]
        for name in AuthorityFiles.Name.allCases where texts[name] != old.texts[name] {
            data[name.rawValue] = texts[name].map { .string(Data($0.utf8).base64EncodedString()) } ?? .null
        }
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(old.version)], "data": .object(data),
        ]
        do {
            let new = try await client.patch(Secret.self, namespace: key.namespace, name: key.name, patch)
            newest.withLock { $0 = new.metadata.resourceVersion }
            return true
        } catch {
            if error.isConflict || error.isNotFound { return false }
            throw failure(error)
        }
    }

    package func hasChanged(since files: AuthorityFiles) -> Bool {
        newest.withLock { newest in newest.map { $0 != files.version } ?? false }
    }

    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.reflector.run() }
            group.addTask {
                for await _ in self.cache.changes() {
                    // A secret that was deleted has no version: loading it will say so.
                    let version = self.cache[self.key]?.metadata.resourceVersion ?? ""
                    self.newest.withLock { $0 = version }
                }
            }
        }
    }

    /// Nothing of the server's answer but what it says: bodies of secrets hold keys.
    private func failure(_ error: KubernetesError) -> AuthorityError {
        if case .answer = error { return .store(directory: place, reason: "the API server's answer is no Secret") }
        return .store(directory: place, reason: "\(error)")
    }
}

extension AuthorityStore {
    /// Makes an authority where there is none; of several replicas that do so at once, all end up with one.
    ///
    /// A store that cannot be reached is tried again for about a minute.
    package func prepare(
        making texts: () throws(AuthorityError) -> [AuthorityFiles.Name: String], logger: Logger,
        pause: KubernetesClient.Pause = { try await Task.sleep(for: $0) }
    ) async throws(AuthorityError) {
        let backoff = Backoff(first: .milliseconds(500), longest: .seconds(15))
        var failures = 0
        while true {
            do throws(AuthorityError) {
                do throws(AuthorityError) {
                    _ = try await load()
                } catch .notFound {
                    do throws(AuthorityError) {
                        try await create(try texts())
                        logger.notice("authority made")
                    } catch .exists {
                        logger.info("authority made by another replica")
                    }
                }
                return
            } catch {
                guard case .store = error, failures < 8 else { throw error }
                failures += 1
                logger.warning("authority not reached", metadata: ["reason": "\(error)"])
                do { try await pause(backoff.delay(failures: failures)) } catch {
                    throw .store(directory: "", reason: "cancelled")
                }
            }
        }
    }
}
