import Logging
import MeshCore
import MeshState
import Synchronization

@testable import MeshControl

/// What the admin pages show in tests, and what was asked of it.
final class AdminFixture: Sendable {
    let log: LogControl
    private let causes = Mutex<[String]>([])
    var drains: [String] { causes.withLock { $0 } }

    init() throws { log = LogControl(try LogFilter(parsing: "info")) }

    static let connection = ConnectionDump(
        direction: .outbound, protocol: "HBONE", source: "10.0.0.1:40000", sourceWorkload: "shop/cart",
        sourceIdentity: "spiffe://cluster.local/ns/shop/sa/cart", originalDestination: "10.1.0.2:80",
        destination: "10.0.0.2:15008", authority: "10.0.0.2:8080", destinationWorkload: "shop/web",
        service: "shop/web.shop.svc.cluster.local", bytesToServer: 1536, bytesToClient: 7,
        opened: "2026-11-25T08:00:00.000000Z", ageSeconds: 3725, tunnel: 4)

    func pages() throws -> AdminPages {
        let dump = try DumpFixture.dump()
        let snapshot = try DumpFixture.snapshot()
        let view = MeshView(snapshot: snapshot, own: snapshot.workload(uid: "c1//Pod/shop/cart"))
        return AdminPages(
            AdminSubject(
                dump: { dump }, view: { view }, status: { ProxyStatus() }, connections: { [Self.connection] },
                tunnels: { [] }, log: log, drain: { cause in self.causes.withLock { $0.append(cause) } }))
    }

    /// Serves the pages on a port of the kernel's choice while `body` runs.
    func served<Value: Sendable>(
        _ answer: (@Sendable (AdminServer.Question) async -> AdminServer.Answer)? = nil,
        _ body: @escaping @Sendable (SocketAddress) async throws -> Value
    ) async throws -> Value {
        let pages = try pages()
        let server = AdminServer(SocketAddress(.loopbackV4, 0), purpose: "test", logger: Logger(label: "test")) {
            if let answer { return await answer($0) }
            return await pages.answer($0)
        }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            let (ports, bound) = AsyncStream.makeStream(of: Int.self)
            group.addTask {
                try await server.run { bound.yield($0) }
                return nil
            }
            group.addTask {
                var iterator = ports.makeAsyncIterator()
                guard let port = await iterator.next() else { return nil }
                return try await body(SocketAddress(.loopbackV4, UInt16(port)))
            }
            defer { group.cancelAll() }
            for try await value in group { if let value { return value } }
            throw MeshFailure(.bug, doing: "serve", reason: "the server ended")
        }
    }
}
