package import Logging
package import MeshCA
package import MeshCore
import Synchronization

/// The roots that peers are told to trust and the revocation lists, from wherever the authority is kept.
package final class BundleSource: Sendable {
    private let store: any AuthorityStore
    private let trustDomain: TrustDomain?
    private let clock: any WallClock
    private let logger: Logger
    private struct Known {
        let files: AuthorityFiles
        let roots: String
        /// Empty when there are none.
        let revocations: String
    }

    private let last = Mutex<Known?>(nil)

    package init(_ store: any AuthorityStore, trustDomain: TrustDomain?, clock: any WallClock, logger: Logger) {
        self.store = store
        self.trustDomain = trustDomain
        self.clock = clock
        self.logger = logger
    }

    /// PEM; `nil` when there was none yet.
    package func roots() async -> String? { await known()?.roots }

    /// PEM; `nil` when the authority has none.
    package func revocationLists() async -> String? {
        guard let text = await known()?.revocations, !text.isEmpty else { return nil }
        return text
    }

    /// Loaded again when the store has changed. Files that are no authority leave it as it was.
    private func known() async -> Known? {
        let known = last.withLock { $0 }
        if let known, !store.hasChanged(since: known.files) { return known }
        do {
            let files = try await store.load()
            let material = try files.authority(trustDomain: trustDomain, now: clock.seconds).material
            let read = Known(files: files, roots: material.rootPEM, revocations: material.revocationPEM)
            last.withLock { $0 = read }
            return read
        } catch {
            logger.warning("root bundle not read", metadata: ["reason": "\(error)"])
            return known
        }
    }
}
