import Glibc
import MeshCore
import MeshLinux
import MeshState
import Testing

@testable import MeshProxy

/// What the metrics call the way in which a connection fails. Source: spec of the node proxy, section 18.
@Suite("Response flags", .serialized)
struct ResponseFlagTests {
    private func flags(_ mesh: LoopbackMesh, _ reporter: Reporter = .source) -> [ResponseFlag] {
        let series = mesh.reactor.metrics.snapshot().filter { $0.reporter == reporter }
        return ResponseFlag.allCases.filter { flag in series.contains { $0.closed(flag) > 0 } }
    }

    @Test("NETWORK_POLICY: the HBONE port does not answer")
    func networkPolicy() throws {
        let mesh = try LoopbackMesh { $0.connectTimeout = 1 }
        let silent = try SilentPort()
        defer { withExtendedLifetime(silent) {} }
        let client = try mesh.connect(to: silent.address, by: silent.address)
        defer { close(client) }
        try mesh.turn { flags(mesh) == [.networkPolicy] }
    }

    @Test("CONNECT: the HBONE port refuses")
    func refused() throws {
        let unused = try Application()
        Kernel.close(unused.descriptor)
        let mesh = try LoopbackMesh()
        let client = try mesh.connect(to: unused.address, by: unused.address)
        defer { close(client) }
        try mesh.turn { flags(mesh) == [.connect] }
    }

    @Test("IDENTITY_ERROR: we have no certificate")
    func identity() throws {
        let mesh = try LoopbackMesh()
        let state = mesh.reactor.state
        mesh.reactor.state = ProxyState(
            snapshot: state.snapshot, own: state.own, policy: state.policy,
            credential: .unavailable("the authority is away"), baggage: "")
        let client = try mesh.connect(to: SocketAddress(.loopbackV4, 1))
        defer { close(client) }
        try mesh.turn { flags(mesh) == [.identityError] }
    }

    @Test("CONNECT: the far proxy is somebody else")
    func handshake() throws {
        let mesh = try LoopbackMesh()
        let stranger = try SPIFFEID(parsing: "spiffe://cluster.local/ns/shop/sa/other")
        let client = try mesh.connect(to: SocketAddress(.loopbackV4, 1), expecting: [stranger])
        defer { close(client) }
        try mesh.turn { flags(mesh) == [.connect] }
    }

    @Test("CONNECT at the source, DENY at the destination: a policy refuses")
    func denied() throws {
        let mesh = try LoopbackMesh(policies: [LivePolicyTests.denyAll])
        let client = try mesh.connect(to: SocketAddress(.loopbackV4, 80))
        defer { close(client) }
        try mesh.turn { flags(mesh) == [.connect] }
        #expect(flags(mesh, .destination) == [.deny])
    }

    enum Loss: CaseIterable { case stream, tunnel }

    @Test("H2_HANDSHAKE_FAILURE: stream or tunnel ends before the CONNECT is answered", arguments: Loss.allCases)
    func unanswered(_ loss: Loss) throws {
        let mesh = try LoopbackMesh()
        // The far proxy answers when its application does.
        let silent = try SilentPort()
        defer { withExtendedLifetime(silent) {} }
        let client = try mesh.connect(to: silent.address)
        defer { close(client) }
        try mesh.turn { mesh.inboundStream != nil }
        try mesh.lose(loss)
        try mesh.turn { flags(mesh) == [.h2HandshakeFailure] }
    }

    @Test("CONNECT, or none for a stream that is cancelled: they end later", arguments: Loss.allCases)
    func answered(_ loss: Loss) throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let received = Count()
        let server = try application.serve { readAll($0, received) }
        let client = try mesh.connect(to: application.address)
        defer { close(client) }
        writeZeros(client, 5)
        try mesh.turn { received.now == 5 }
        try mesh.lose(loss)
        try mesh.turn { flags(mesh) == [loss == .stream ? .none : .connect] }
        server.join()
    }
}

extension LoopbackMesh {
    fileprivate var inboundStream: TunnelStream? {
        reactor.table.all(.stream).lazy.compactMap { $0 as? TunnelStream }.first { $0.record.direction == .inbound }
    }

    /// Has the far proxy's side end.
    fileprivate func lose(_ loss: ResponseFlagTests.Loss) throws {
        let accepted = reactor.table.all(.tunnel).lazy.compactMap { $0 as? Tunnel }.first { !$0.isClient }
        switch loss {
        case .stream: try #require(inboundStream).cut(.drained)
        case .tunnel: try #require(accepted).close(.drained, graceful: false)
        }
    }
}
