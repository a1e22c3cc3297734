import Glibc
import MeshCore
import MeshLinux
import MeshTLS
import Synchronization
import Testing

@testable import MeshProxy

/// What a reactor answered, taken over on the test's thread.
private final class Answer<Item: Sendable>: Sendable {
    private let held = Mutex<[Item]?>(nil)
    var items: [Item]? { held.withLock { $0 } }
    func set(_ items: [Item]) { held.withLock { $0 = items } }
}

@Suite("Listing what is open", .serialized)
struct InspectionTests {
    private func connections(of mesh: LoopbackMesh) throws -> [ConnectionInfo] {
        let answer = Answer<ConnectionInfo>()
        mesh.reactor.mailbox.post(.connections { answer.set($0) })
        try mesh.turn { answer.items != nil }
        return try #require(answer.items)
    }

    private func tunnels(of mesh: LoopbackMesh) throws -> [TunnelInfo] {
        let answer = Answer<TunnelInfo>()
        mesh.reactor.mailbox.post(.tunnels { answer.set($0) })
        try mesh.turn { answer.items != nil }
        return try #require(answer.items)
    }

    @Test("shows a tunnelled connection from both ends, with its bytes and its tunnel")
    func connection() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let received = Count()
        let before = Kernel.realtimeMicroseconds()
        let server = try application.serve { readAll($0, received) }
        let client = try mesh.connect(to: application.address)
        writeZeros(client, 11)
        try mesh.turn { received.now == 11 }

        let found = try connections(of: mesh)
        let outbound = try #require(found.first { $0.direction == .outbound })
        let inbound = try #require(found.first { $0.direction == .inbound })
        #expect(found.count == 2)
        for connection in found {
            #expect(connection.transport == .hbone)
            #expect(connection.mutualTLS)
            #expect(connection.authority == application.address.description)
            #expect(connection.clientToServer == 11)
            #expect(connection.serverToClient == 0)
            #expect(connection.sourceIdentity == mesh.workload.identity)
            #expect(connection.destinationIdentity == mesh.workload.identity)
            #expect(connection.destinationWorkload?.uid == "cart")
            // The reactor's clock is read once per turn, the wall clock at any time.
            #expect(abs(connection.openedMicroseconds - before) < 10_000_000)
        }
        #expect(outbound.originalDestination == application.address)
        #expect(inbound.actualDestination == application.address)
        #expect(inbound.originalDestination == outbound.actualDestination)

        let tunnels = try tunnels(of: mesh)
        #expect(tunnels.count == 2)
        #expect(Set(tunnels.map(\.id)) == Set([outbound.tunnel, inbound.tunnel].compactMap { $0 }))
        for tunnel in tunnels {
            #expect(tunnel.phase == .open)
            #expect(tunnel.streamCount == 1)
            #expect(tunnel.peerIdentity == mesh.workload.identity)
            #expect(tunnel.certificateSerial?.isEmpty == false)
            #expect(tunnel.cipherSuite == "TLS_AES_128_GCM_SHA256")
            #expect(tunnel.recordLayer == TLSOptions().expectedRecordLayer)
            #expect((tunnel.certificateExpiry ?? 0) > before / 1_000_000)
        }
        #expect(tunnels.first { $0.isClient }?.expectedIdentities == [mesh.workload.identity].compactMap { $0 })
        close(client)
        try mesh.turn { mesh.reactor.connections == 2 }
        server.join()
        #expect(try connections(of: mesh).isEmpty)
    }

    @Test("takes as many turns as there are shares, and misses nobody")
    func shares() throws {
        let mesh = try LoopbackMesh { $0.poolMaxStreams = 1 }
        let application = try Application()
        let count = Walk.connectionsPerTurn + 44
        var clients: [Int32] = []
        for _ in 0..<count { clients.append(try mesh.connect(to: application.address)) }
        let answer = Answer<ConnectionInfo>()
        mesh.reactor.mailbox.post(.connections { answer.set($0) })
        mesh.reactor.turn()
        #expect(answer.items == nil)
        try mesh.turn { answer.items != nil }
        #expect(try #require(answer.items).count { $0.direction == .outbound } == count)
        for client in clients { close(client) }
        Kernel.close(application.descriptor)
        try mesh.turn { mesh.reactor.tunnels.all.allSatisfy { $0.streamCount == 0 } }
    }

    @Test("shows tunnels that wait for our certificate, which have no socket")
    func waiting() throws {
        let mesh = try LoopbackMesh()
        let now = mesh.reactor.state
        mesh.reactor.mailbox.post(
            .publish(
                ProxyState(
                    snapshot: now.snapshot, own: now.own, policy: now.policy, credential: .pending, baggage: "")))
        mesh.reactor.turn()
        let application = try Application()
        let client = try mesh.connect(to: application.address)
        let found = try tunnels(of: mesh)
        #expect(found.map(\.phase) == [.awaitingCredential])
        #expect(found.first?.certificateSerial == nil)
        #expect(try connections(of: mesh).map(\.tunnel) == found.map(\.id))
        close(client)
        Kernel.close(application.descriptor)
    }

    @Test("answers although the reactor ends first")
    func ended() throws {
        let mesh = try LoopbackMesh()
        let (asked, late) = (Answer<ConnectionInfo>(), Answer<TunnelInfo>())
        mesh.reactor.mailbox.post(.stop)
        mesh.reactor.mailbox.post(.connections { asked.set($0) })
        mesh.reactor.run()
        #expect(asked.items?.isEmpty == true)
        #expect(mesh.reactor.mailbox.post(.tunnels { late.set($0) }))
        mesh.reactor.mailbox.close()
        #expect(late.items?.isEmpty == true)
        #expect(!mesh.reactor.mailbox.post(.tunnels { _ in }))
    }

    @Test("a data plane lists what all of its reactors serve, and nothing once it has ended")
    func plane() async throws {
        let state = try LoopbackMesh.state()
        let sink = try LogSink(descriptor: 2)
        defer { sink.close() }
        var config = ProxyConfig()
        config.inboundPlaintext = SocketAddress(.loopbackV4, 0)
        config.inbound = SocketAddress(.loopbackV4, 0)
        config.originalSource = .never
        config.accessLog.threshold = .off
        let plane = try DataPlane(config: config, state: state, sink: sink)
        // A peer that says nothing: its tunnel waits in the handshake.
        let address = try #require(plane.boundAddresses["inbound HBONE"])
        let (peer, _) = TCPSocket.connect(address, from: nil, options: SocketOptions())
        try #require(peer >= 0)
        var tunnels: [TunnelInfo] = []
        let deadline = ContinuousClock.now + .seconds(10)
        while tunnels.isEmpty, ContinuousClock.now < deadline { tunnels = await plane.tunnels() }
        #expect(tunnels.first?.phase == .handshaking)
        #expect(tunnels.first?.isClient == false)
        #expect(await plane.connections().isEmpty)
        plane.setAccessLogThreshold(.debug)
        plane.stop()
        plane.join()
        Kernel.close(peer)
        #expect(await plane.tunnels().isEmpty)
    }

    @Test("a data plane that has settled holds the state that was published last and none before it")
    func settled() async throws {
        let sink = try LogSink(descriptor: 2)
        defer { sink.close() }
        var config = ProxyConfig()
        config.inboundPlaintext = SocketAddress(.loopbackV4, 0)
        config.threads = 2
        config.originalSource = .never
        config.accessLog.threshold = .off
        var state = try LoopbackMesh.state()
        let plane = try DataPlane(config: config, state: state, sink: sink)
        // The first one too: the threads were started with it.
        for _ in 0..<20 {
            plane.publish(state)
            await plane.settled()
            weak let old = state
            state = try LoopbackMesh.state()
            plane.publish(state)
            await plane.settled()
            #expect(old == nil)
        }
        plane.stop()
        plane.join()
        await plane.settled()
    }
}
