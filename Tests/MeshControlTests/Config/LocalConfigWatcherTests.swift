import Foundation
import Logging
import MeshControl
import MeshCore
import MeshState
import Synchronization
import Testing

@Suite("Live reload of the local configuration", .timeLimit(.minutes(1)))
struct LocalConfigWatcherTests {
    enum Event: Sendable {
        case update(LocalConfigWatcher.Update)
        case log(Logger.Level, String)
    }

    /// A folder with a file that is watched, and what the watcher does, in order.
    final class World {
        let folder: URL
        var file: URL { folder.appending(path: "mesh.yaml") }
        fileprivate var events: AsyncStream<Event>.Iterator

        fileprivate init(_ folder: URL, _ events: AsyncStream<Event>) {
            self.folder = folder
            self.events = events.makeAsyncIterator()
        }

        func write(_ text: String) throws { try Data(text.utf8).write(to: file) }

        /// Writes a manifest, where manifests are watched too.
        func write(_ text: String, to name: String) throws {
            let file = folder.appending(path: "policies/\(name)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }

        /// The next change that was handed out; log lines are skipped.
        func update() async throws -> LocalConfigWatcher.Update {
            while let event = await events.next(isolation: nil) {
                if case .update(let update) = event { return update }
            }
            throw CancellationError()
        }

        /// The next line of the log that is no mere report of a change.
        func line() async throws -> (Logger.Level, String) {
            while let event = await events.next(isolation: nil) {
                if case .log(let level, let text) = event, !text.hasPrefix("local configuration changed") {
                    return (level, text)
                }
            }
            throw CancellationError()
        }
    }

    private struct Handler: LogHandler {
        let events: AsyncStream<Event>.Continuation
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let facts = event.metadata.map { $0.map { "\($0)=\($1)" }.joined(separator: " ") } ?? ""
            events.yield(.log(event.level, "\(event.message) \(facts)"))
        }
    }

    static func records(_ ips: [Int]) -> String {
        "workloads:\n" + ips.map { "- {name: w\($0), namespace: ns, workloadIps: [10.0.0.\($0)]}\n" }.joined()
    }

    /// Watches mesh.yaml in a new folder, which `prepare` fills, while `body` runs.
    /// - Parameter own: of namespace `ns`, whose proxy takes what the manifests below `policies` say; `nil` without any.
    func watching(
        own: String? = nil,
        prepare: (URL) throws -> Void = { try Data(Self.records([1]).utf8).write(to: $0.appending(path: "mesh.yaml")) },
        _ body: (World) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try prepare(folder)
        let (stream, events) = AsyncStream.makeStream(of: Event.self)
        let logger = Logger(label: "test") { _ in Handler(events: events) }
        var timing = LocalConfigWatcher.Timing()
        // Longer than a busy machine may stop a writer between emptying the file and filling it.
        timing.quiet = .milliseconds(200)
        let path = folder.appending(path: "mesh.yaml").path
        var source = RecordsSource(.file(path))
        if let own {
            source.manifests = ManifestSource(path: folder.appending(path: "policies").path)
            source.own = .init(namespace: "ns", name: own, serviceAccount: "default")
        }
        let watcher = LocalConfigWatcher(source, timing: timing, logger: logger)
        let config = try source.load()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await watcher.run(from: .init(config: config, store: config.store(localNode: nil))) {
                    events.yield(.update($0))
                }
            }
            try await body(World(folder, stream))
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    func names(_ update: LocalConfigWatcher.Update) -> [String] { names(update.changes) }

    private func names(_ changes: [MeshChange]) -> [String] {
        changes.map { change in
            switch change {
            case .workload(let workload): "+\(workload.name)"
            case .service(let service): "+\(service.key)"
            case .policy(let policy): "+\(policy.key)"
            case .removeAddress(let name), .removePolicy(let name): "-\(name)"
            }
        }
    }

    @Test("what was changed, added and removed is applied and handed out")
    func difference() async throws {
        try await watching { world in
            try world.write(Self.records([1, 2]))
            let first = try await world.update()
            #expect(names(first) == ["+w2"] && first.snapshot.workloadCount == 2)
            try world.write(Self.records([2]))
            let second = try await world.update()
            #expect(names(second) == ["-//Pod/ns/w1"] && second.snapshot.workload(uid: "//Pod/ns/w1") == nil)
        }
    }

    @Test("a broken file changes nothing, is told with file and line, and so is its recovery")
    func broken() async throws {
        try await watching { world in
            try world.write("workloads:\n- {name: a, namespace: n, workloadIps: [x]}\n")
            let (level, text) = try await world.line()
            #expect(level == .error && text.contains("\(world.file.path):2: workloads[0].workloadIps[0]: is \"x\""))
            // The same error once more is not told once more: the next line is of the recovery.
            try world.write("workloads:\n- {name: a, namespace: n, workloadIps: [x]}\n")
            try world.write("workloads:\n- {name: a, namespace: n, workloadIps: [x]}\n")
            try world.write(Self.records([1, 3]))
            let (next, recovered) = try await world.line()
            #expect(next == .info && recovered.contains("usable again"))
            #expect(names(try await world.update()) == ["+w3"])
        }
    }

    @Test("a half-written file is refused, and read when the rest has come")
    func halfWritten() async throws {
        try await watching { world in
            let text = Self.records([1, 2, 3])
            try world.write(String(text.dropLast(12)))
            #expect(try await world.line().0 == .error)
            let handle = try FileHandle(forWritingTo: world.file)
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(text.suffix(12).utf8))
            try handle.close()
            #expect(names(try await world.update()) == ["+w2", "+w3"])
        }
    }

    @Test("a swapped link is followed, as Kubernetes swaps a ConfigMap")
    func configMap() async throws {
        func publish(_ folder: URL, _ version: Int) throws {
            let manager = FileManager.default
            let data = folder.appending(path: "..v\(version)")
            try manager.createDirectory(at: data, withIntermediateDirectories: false)
            try Data(Self.records(Array(1...version)).utf8).write(to: data.appending(path: "mesh.yaml"))
            let link = folder.appending(path: "..data_tmp").path
            try manager.createSymbolicLink(atPath: link, withDestinationPath: "..v\(version)")
            #expect(rename(link, folder.appending(path: "..data").path) == 0)
            if version > 1 { try manager.removeItem(at: folder.appending(path: "..v\(version - 1)")) }
        }
        func prepare(_ folder: URL) throws {
            try publish(folder, 1)
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: "mesh.yaml").path, withDestinationPath: "..data/mesh.yaml")
        }
        try await watching(prepare: prepare) { world in
            for version in 2...4 {
                try publish(world.folder, version)
                #expect(names(try await world.update()) == ["+w\(version)"])
            }
        }
    }

    @Test("a file that is replaced, as editors do, is followed")
    func replaced() async throws {
        try await watching { world in
            for count in 2...4 {
                let next = world.folder.appending(path: "next")
                try Data(Self.records(Array(1...count)).utf8).write(to: next)
                #expect(rename(next.path, world.file.path) == 0)
                #expect(names(try await world.update()) == ["+w\(count)"])
            }
        }
    }

    @Test("a deleted file changes nothing until it is back")
    func deleted() async throws {
        try await watching { world in
            try FileManager.default.removeItem(at: world.file)
            let (level, text) = try await world.line()
            #expect(level == .error && text.contains("no such file"))
            try world.write(Self.records([1, 2]))
            #expect(names(try await world.update()) == ["+w2"])
        }
    }

    @Test("of many quick writes the last one counts")
    func quickWrites() async throws {
        try await watching { world in
            for count in 2...51 { try world.write(Self.records(Array(1...count))) }
            var updates = 0
            var snapshot: MeshSnapshot?
            while snapshot?.workloadCount != 51 {
                snapshot = try await world.update().snapshot
                updates += 1
            }
            #expect(updates <= 50)
        }
    }

    @Test("a change before the watch began is not missed")
    func changedBefore() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "mesh.yaml")
        try Data(Self.records([7]).utf8).write(to: file)
        let watcher = LocalConfigWatcher(RecordsSource(.file(file.path)), logger: Logger(label: "test"))
        let (stream, updates) = AsyncStream.makeStream(of: Int.self)
        let old = try LocalConfig.parse(Self.records([1]), name: "old")
        let task = Task {
            try await watcher.run(from: .init(config: old, store: old.store(localNode: nil))) {
                updates.yield($0.changes.count)
            }
        }
        for await count in stream {
            #expect(count == 2)
            break
        }
        task.cancel()
        try await task.value
    }

    @Test("an endpoint that a service no longer names is gone")
    func endpoints() throws {
        let text = """
            workloads: [{uid: u, name: w, namespace: n, workloadIps: [10.0.0.1]}, {uid: v, name: v, namespace: n, workloadIps: [10.0.0.2], services: {n/h: {80: 80}}}]
            services: [{name: s, namespace: n, hostname: h, ports: {80: 80}, endpoints: {u: {port: {80: 80}}}}]
            """
        let old = try LocalConfig.parse(text, name: "old")
        var new = try LocalConfig.parse(text.replacing(", endpoints: {u: {port: {80: 80}}}", with: ""), name: "new")
        var store = old.store(localNode: nil)
        let key = NamespacedHostname(namespace: "n", hostname: "h")
        #expect(store.snapshot.service(key)?.endpointCount == 2)
        _ = store.apply(old.changes(to: &new))
        #expect(store.snapshot.service(key)?.allEndpoints.map(\.endpoint.workloadUID) == ["v"])
        var same = new
        #expect(new.changes(to: &same).isEmpty)
    }

    @Test("records that say the same as before are held once, wherever they stand in the file")
    func heldOnce() throws {
        let old = try LocalConfig.parse(Self.records([1, 2, 3, 4]), name: "old")
        var new = try LocalConfig.parse(Self.records([1, 5, 4, 3]), name: "new")
        #expect(names(old.changes(to: &new)) == ["-//Pod/ns/w2", "+w5"])
        let before = Set(old.workloads.map(ObjectIdentifier.init))
        #expect(new.workloads.filter { before.contains(ObjectIdentifier($0)) }.map(\.name) == ["w1", "w4", "w3"])
    }
}
