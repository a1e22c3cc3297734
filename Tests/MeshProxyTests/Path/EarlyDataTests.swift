import Glibc
import MeshCore
import MeshLinux
import Testing

@testable import MeshProxy

@Suite("What an application says before it is answered", .serialized)
struct EarlyDataTests {
    private func stream(_ mesh: LoopbackMesh, _ direction: ConnectionRecord.Direction) -> TunnelStream? {
        mesh.reactor.table.all(.stream).compactMap { $0 as? TunnelStream }.first { $0.record.direction == direction }
    }

    @Test("goes with the request, and waits at the far proxy for the application there", arguments: [5, 100_000])
    func ahead(count: Int) throws {
        let (mesh, silent) = (try LoopbackMesh(), try SilentPort())
        let client = try mesh.connect(to: silent.address)
        writeZeros(client, count)
        let first = min(count, 16 << 10)
        try mesh.turn { stream(mesh, .inbound)?.queue.count == first }
        // No more than that, and nothing counts before it is certain that it has arrived.
        try mesh.turn(times: 9)
        #expect(stream(mesh, .inbound)?.queue.count == first)
        #expect(try #require(stream(mesh, .outbound)).record.clientToServer == 0)
        close(client)
    }

    @Test("waits for the answer where that is wanted")
    func off() throws {
        let (mesh, silent) = (try LoopbackMesh { $0.sendsEarly = false }, try SilentPort())
        let client = try mesh.connect(to: silent.address)
        writeZeros(client, 5)
        try mesh.turn { stream(mesh, .inbound) != nil }
        try mesh.turn(times: 9)
        #expect(stream(mesh, .inbound)?.queue.count == 0)
        close(client)
    }

    @Test("arrives once, whether it is said before the tunnel stands or after", arguments: [true, false])
    func once(before: Bool) throws {
        let (mesh, application) = (try LoopbackMesh(), try Application())
        let received = Count()
        let server = try application.serve { readAll($0, received) }
        let client = try mesh.connect(to: application.address)
        if before { writeZeros(client, 40_000) }
        try mesh.turn { stream(mesh, .inbound) != nil }
        if !before { writeZeros(client, 40_000) }
        try mesh.turn { received.now == 40_000 }
        #expect(try #require(stream(mesh, .outbound)).record.clientToServer == 40_000)
        let record = try #require(stream(mesh, .inbound)).record
        #expect(record.clientToServer == 40_000)
        shutdown(client, Int32(SHUT_WR))
        try mesh.turn { mesh.reactor.tunnels.all.allSatisfy { $0.streamCount == 0 } }
        #expect(received.now == 40_000)
        server.join()
        close(client)
    }

    @Test("followed by the end at once is all that arrives")
    func end() throws {
        let (mesh, application) = (try LoopbackMesh(), try Application())
        let received = Count()
        let server = try application.serve { readAll($0, received) }
        let client = try mesh.connect(to: application.address)
        writeZeros(client, 7)
        shutdown(client, Int32(SHUT_WR))
        try mesh.turn { received.now == 7 && mesh.reactor.tunnels.all.allSatisfy { $0.streamCount == 0 } }
        server.join()
        close(client)
    }
}
