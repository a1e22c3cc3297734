package import Logging
package import MeshCA
package import MeshCore
import Synchronization

/// The roots that peers are told to trust, from wherever the authority is kept.
package final class BundleSource: Sendable {
    private let store: any AuthorityStore
    private let trustDomain: TrustDomain?
    private let clock: any WallClock
    private let logger: Logger
    private let last = Mutex<(files: AuthorityFiles, pem: String)?>(nil)

    package init(_ store: any AuthorityStore, trustDomain: TrustDomain?, clock: any WallClock, logger: Logger) {
        self.store = store
        self.trustDomain = trustDomain
        self.clock = clock
        self.logger = logger
    }

    /// PEM; loaded again when the store has changed. Files that are no authority leave it as it was; `nil` when there
    /// was none yet.
    package func current() async -> String? {
        let known = last.withLock { $0 }
        if let known, !store.hasChanged(since: known.files) { return known.pem }
        do {
            let files = try await store.load()
            let pem = try files.authority(trustDomain: trustDomain, now: clock.seconds).material.rootPEM
            last.withLock { $0 = (files, pem) }
            return pem
        } catch {
            logger.warning("root bundle not read", metadata: ["reason": "\(error)"])
            return known?.pem
        }
    }
}
