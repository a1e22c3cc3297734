import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Synchronization

extension KubernetesClient {
    /// Follows the changes of a scope from a version on, until the server ends the watch.
    ///
    /// Returns when the server closed the stream in good order; then go on from the last version seen.
    /// - Throws: `.status` with `isGone` when the version is forgotten; `.silent` when nothing came for too long;
    ///   `.answer` for what is no event; else as any call.
    package func watch<Object: KubernetesObject>(
        _ type: Object.Type = Object.self, _ scope: ObjectScope, from version: String,
        _ event: @Sendable @escaping (WatchEvent<Object>) -> Void
    ) async throws(KubernetesError) {
        var call = Call(path: try Object.resource.path(namespace: scope.namespace), query: scope.query)
        call.query += [
            ("watch", "true"), ("resourceVersion", version), ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", "\(Int.random(in: limits.watchTimeout))"),
        ]
        let (request, _) = try request(call)
        let heard = LastHeard()
        let (silence, client) = (limits.silence, self)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.follow(request, heard, event) }
                group.addTask {
                    while true {
                        let left = heard.deadline(silence) - .now
                        guard left > .zero else { throw KubernetesError.silent(silence) }
                        try await Task.sleep(for: left)
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            throw Self.error(error)
        }
    }

    private func follow<Object: KubernetesObject>(
        _ request: HTTPClientRequest, _ heard: LastHeard, _ event: (WatchEvent<Object>) -> Void
    ) async throws {
        let response = try await http.execute(request, deadline: .distantFuture)
        heard.now()
        guard response.status == .ok else { throw KubernetesError.status(await Self.status(of: response)) }
        var lines = WatchLines(limit: limits.eventBytes)
        do {
            for try await buffer in response.body {
                heard.now()
                try lines.feed(buffer.readableBytesView) { line in
                    let found: WatchEvent<Object> = try Self.decode(line)
                    if case .failed(let status) = found { throw KubernetesError.status(status) }
                    event(found)
                }
            }
        } catch let error as WatchLines.TooLong {
            throw KubernetesError.tooLarge(limit: error.limit)
        }
        if lines.isInside { throw KubernetesError.connection("the watch was cut inside an event") }
    }
}

/// When the other end last said something.
private final class LastHeard: Sendable {
    private let instant = Mutex(ContinuousClock.now)

    func now() { instant.withLock { $0 = .now } }
    func deadline(_ silence: Duration) -> ContinuousClock.Instant { instant.withLock { $0 } + silence }
}
