package import Logging
import Synchronization

/// Keeps a cache equal to what the API server has: one list, then a watch that goes on where the last one ended.
///
/// After an interruption it resumes from the last version; when the server has forgotten that (410) it lists again.
/// Failures are told once, then the next success.
package struct Reflector<Object: KubernetesObject>: Sendable {
    package let cache: ObjectCache<Object>
    private let client: KubernetesClient
    private let scope: ObjectScope
    private let backoff: Backoff
    private let logger: Logger

    package init(
        _ client: KubernetesClient, _ scope: ObjectScope = ObjectScope(), into cache: ObjectCache<Object>,
        backoff: Backoff = Backoff(), logger: Logger
    ) {
        self.client = client
        self.scope = scope
        self.cache = cache
        self.backoff = backoff
        var logger = logger
        logger[metadataKey: "resource"] = "\(Object.resource.plural)"
        self.logger = logger
    }

    /// Runs until its task is cancelled.
    package func run() async {
        var version: String?
        var trouble = Trouble()
        while !Task.isCancelled {
            do throws(KubernetesError) {
                if let from = version {
                    let progress = Progress(version: from)
                    defer { version = progress.version }
                    let began = ContinuousClock.now
                    do {
                        try await watch(progress)
                    } catch {
                        if progress.events > 0 { healthy(&trouble) }
                        throw error
                    }
                    // A server that ends every watch at once would be asked without pause.
                    if progress.events == 0, began.duration(to: .now) < .seconds(1) {
                        throw .connection("the watch ended at once")
                    }
                } else {
                    let list = try await client.list(Object.self, scope)
                    cache.replace(list.items)
                    version = list.version
                    logger.debug("listed", metadata: ["count": "\(list.items.count)"])
                }
                healthy(&trouble)
            } catch {
                if error == .cancelled { break }
                if error.startsAnew { version = nil }
                trouble.failures += 1
                // To have been away for long is nothing to complain about, or to wait for.
                if error.isGone, trouble.failures == 1 { continue }
                if !trouble.isTold {
                    logger.warning(
                        "objects not followed, what is known stays", metadata: ["reason": "\(error)"])
                    trouble.isTold = true
                }
                let wait = max(backoff.delay(failures: trouble.failures), min(error.retryAfter ?? .zero, .seconds(60)))
                do { try await client.pause(wait) } catch { break }
            }
        }
    }

    private func watch(_ progress: Progress) async throws(KubernetesError) {
        try await client.watch(Object.self, scope, from: progress.version) { [cache] event in
            switch event {
            case .applied(let object):
                cache.apply(object)
                progress.seen(object.metadata.resourceVersion)
            case .deleted(let object):
                cache.remove(object.metadata.key)
                progress.seen(object.metadata.resourceVersion)
            case .bookmark(let version): progress.seen(version)
            case .failed: break
            }
        }
    }

    private func healthy(_ trouble: inout Trouble) {
        if trouble.isTold { logger.info("objects followed again") }
        trouble = Trouble()
    }

    private struct Trouble {
        /// In a row.
        var failures = 0
        var isTold = false
    }
}

extension KubernetesError {
    /// Whether what came so far cannot be trusted to be whole.
    fileprivate var startsAnew: Bool {
        switch self {
        case .answer, .tooLarge: true
        case .status: isGone
        default: false
        }
    }
}

/// How far a watch has come.
private final class Progress: Sendable {
    private let state: Mutex<(version: String, events: Int)>

    init(version: String) { state = Mutex((version, 0)) }

    var version: String { state.withLock { $0.version } }
    var events: Int { state.withLock { $0.events } }

    func seen(_ version: String?) {
        state.withLock { state in
            state.events += 1
            if let version, !version.isEmpty { state.version = version }
        }
    }
}
