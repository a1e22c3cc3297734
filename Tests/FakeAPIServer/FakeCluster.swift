import Foundation
package import MeshKubernetesAPI
import Synchronization

/// A cluster behind a `FakeAPIServer`: keeps objects, and answers calls, lists and watches as a real one does.
///
/// Versions are counted over all kinds. Writes with an old version conflict (409), creating twice is AlreadyExists, a
/// write that changes nothing makes no version. Lists come in pages of one state, whose continuation can be forgotten;
/// watches go on from a version, send bookmarks, and say by an ERROR event that a version is forgotten (410).
/// Source: Kubernetes API concepts (kubernetes.io/docs/reference/using-api/api-concepts), API conventions.
package final class FakeCluster: Sendable {
    struct State {
        var version = 100
        /// By plural, then `namespace/name`.
        var objects: [String: [String: JSONValue]] = [:]
        var history: [Change] = []
        /// Changes up to here are forgotten.
        var forgotten = 0
        var watchers: [Int: Watcher] = [:]
        var nextWatcher = 0
        /// Pages that are still to be fetched.
        var pages: [String: (items: [JSONValue], version: Int)] = [:]
        var reviews: [String: JSONValue] = [:]
        var failures: [@Sendable (SeenRequest) -> Reply?] = []
    }
    struct Change {
        let plural: String
        let version: Int
        let old: JSONValue?
        let new: JSONValue?
    }
    struct Watcher {
        let plural: String
        let scope: FakeScope
        let lines: AsyncStream<String>.Continuation
    }

    let state = Mutex(State())

    package init() {}

    package static func serving<T: Sendable>(
        _ body: @Sendable (FakeCluster, FakeAPIServer, String) async throws -> T
    ) async throws -> T {
        let cluster = FakeCluster()
        return try await FakeAPIServer.serving(answer: { await cluster.answer($0) }) { server, url in
            defer { cluster.endWatches() }
            return try await body(cluster, server, url)
        }
    }

    // MARK: What a test does

    /// Puts an object there, whatever was there before.
    package func put(_ plural: String, _ object: JSONValue) {
        _ = state.withLock {
            $0.write(plural, object.metadata("namespace") ?? "", object.metadata("name") ?? "", object)
        }
    }

    package func delete(_ plural: String, _ namespace: String, _ name: String) {
        state.withLock { state in
            guard let old = state.objects[plural]?.removeValue(forKey: "\(namespace)/\(name)") else { return }
            state.version += 1
            state.tell(Change(plural: plural, version: state.version, old: old, new: nil))
        }
    }

    package func object(_ plural: String, _ namespace: String, _ name: String) -> JSONValue? {
        state.withLock { $0.objects[plural]?["\(namespace)/\(name)"] }
    }

    /// What a review of the token says: the status of a TokenReview.
    package func review(_ token: String, says status: JSONValue) { state.withLock { $0.reviews[token] = status } }

    /// Forgets all changes and continuations so far, as the server does after some minutes.
    package func compact() {
        state.withLock { state in
            state.forgotten = state.version
            state.history = []
            state.pages = [:]
        }
    }

    package func endWatches() {
        for watcher in state.withLock({ state in
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }) { watcher.lines.finish() }
    }

    package var watchCount: Int { state.withLock { $0.watchers.count } }

    /// Asked before each answer; the first that has one decides. Lasts until `heal`.
    package func fail(_ failure: @escaping @Sendable (SeenRequest) -> Reply?) {
        state.withLock { $0.failures.append(failure) }
    }
    package func heal() { state.withLock { $0.failures = [] } }

    // MARK: Answers

    package func answer(_ request: SeenRequest) async -> Reply {
        for failure in state.withLock({ $0.failures }) { if let reply = failure(request) { return reply } }
        if request.path == "/apis/authentication.k8s.io/v1/tokenreviews" { return review(request) }
        guard let place = FakePlace(request.path) else { return .refusal(404, "NotFound", message: "no such path") }
        switch (request.method, place.name) {
        case ("GET", let name?): return get(place, name)
        case ("GET", nil): return request.isWatch ? watch(place, request) : list(place, request)
        case ("POST", nil): return change(request) { $0.create(place, $1) }
        case ("PATCH", let name?):
            guard request.header("content-type") == "application/merge-patch+json" else {
                return .refusal(415, "UnsupportedMediaType")
            }
            return change(request) { $0.patch(place, name, $1) }
        default: return .refusal(405, "MethodNotAllowed")
        }
    }

    private func review(_ request: SeenRequest) -> Reply {
        guard request.method == "POST", case .object(var review)? = JSONValue(text: request.body),
            review["kind"]?.text == "TokenReview", review["apiVersion"]?.text == "authentication.k8s.io/v1",
            let token = review["spec"]?["token"]?.text, !token.isEmpty
        else { return .refusal(400, "BadRequest") }
        let unknown: JSONValue = ["error": "invalid bearer token", "user": [:]]
        review["status"] = state.withLock { $0.reviews[token] } ?? unknown
        review["metadata"] = [:]
        return .json(JSONValue.object(review).line, status: 201)
    }

    private func get(_ place: FakePlace, _ name: String) -> Reply {
        guard let object = object(place.plural, place.namespace, name) else { return .missing(place.plural, name) }
        return .json(object.line)
    }

    private func list(_ place: FakePlace, _ request: SeenRequest) -> Reply {
        state.withLock { state in
            let limit = request.query["limit"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? .max
            var (items, version): ([JSONValue], Int)
            if let token = request.query["continue"], !token.isEmpty {
                guard let page = state.pages.removeValue(forKey: token) else {
                    return .refusal(
                        410, "Expired",
                        message: "The provided continue parameter is too old to display a consistent list")
                }
                (items, version) = page
            } else {
                let scope = FakeScope(place, request.query)
                items = (state.objects[place.plural] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
                    .filter(scope.holds)
                version = state.version
            }
            var next = ""
            if items.count > limit {
                next = "next-\(version)-\(items.count)"
                state.pages[next] = (Array(items[limit...]), version)
                items = Array(items[..<limit])
            }
            return .json(
                JSONValue.object([
                    "kind": "List", "apiVersion": "v1", "items": .list(items),
                    "metadata": ["resourceVersion": .string("\(version)"), "continue": .string(next)],
                ]).line)
        }
    }

    private func watch(_ place: FakePlace, _ request: SeenRequest) -> Reply {
        let (texts, lines) = AsyncStream.makeStream(of: String.self)
        state.withLock { state in
            let from = request.query["resourceVersion"].flatMap { Int($0) } ?? 0
            guard from >= state.forgotten else {
                let status = #"{"kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"too old"}"#
                lines.yield(#"{"type":"ERROR","object":\#(status)}"# + "\n")
                lines.finish()
                return
            }
            let watcher = Watcher(plural: place.plural, scope: FakeScope(place, request.query), lines: lines)
            for change in state.history where change.version > from { watcher.tell(change) }
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = watcher
        }
        return Reply([.stream(texts)])
    }

    private func change(_ request: SeenRequest, _ body: (inout State, JSONValue) -> Reply) -> Reply {
        guard let object = JSONValue(text: request.body), case .object = object else {
            return .refusal(400, "BadRequest")
        }
        return state.withLock { body(&$0, object) }
    }
}

extension FakeCluster.Watcher {
    /// An object that begins or ceases to match is one that comes or goes.
    func tell(_ change: FakeCluster.Change) {
        guard change.plural == plural else { return }
        let (was, isNow) = (change.old.map(scope.holds) ?? false, change.new.map(scope.holds) ?? false)
        let type: String
        switch (was, isNow) {
        case (false, false): return
        case (false, true): type = "ADDED"
        case (true, true): type = "MODIFIED"
        case (true, false): type = "DELETED"
        }
        guard let object = (isNow ? change.new : change.old)?.with(version: change.version) else { return }
        lines.yield(#"{"type":"\#(type)","object":\#(object.line)}"# + "\n")
    }
}
