import CNghttp2
import Glibc
import MeshCore
import MeshState
import Testing

@testable import MeshProxy

extension LoopbackMesh {
    /// Where this mesh takes tunnels.
    var tunnelAddress: SocketAddress {
        get throws { try #require(reactor.listeners.first { $0.role == .inbound }?.address) }
    }

    /// An application's connection as the reactor accepts it, and the application's end of it.
    private func pair() throws -> (near: Int32, far: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        return (ends[0], ends[1])
    }

    /// Opens a tunnelled connection as if it came from `source`; the application's end of it.
    func connect(to application: SocketAddress, from source: IPAddress) throws -> Int32 {
        let (near, far) = try pair()
        let peer = SocketAddress(source, 1)
        reactor.tunnel(
            near, peer,
            HBONERoute(
                nextHop: try tunnelAddress, authority: application.description,
                expectedIdentities: [try #require(workload.identity)], destinationWorkload: workload, service: nil,
                actual: application, reason: .workload),
            ConnectionRecord(.outbound, source: peer, destination: application, start: reactor.now))
        return far
    }

    /// Sends a request with exactly these headers, and waits for the answer.
    /// - Returns: its status and its `baggage`.
    func request(_ headers: [(name: String, value: String)]) throws -> (status: Int, baggage: String) {
        let (near, far) = try pair()
        defer { close(far) }
        let source = SocketAddress(.loopbackV4, 0)
        let stream = TunnelStream(
            reactor, near, record: ConnectionRecord(.outbound, source: source, destination: source, start: 0),
            connectingTo: nil)
        stream.record.isOpen = true
        try #require(stream.adopt())
        let tunnel = Tunnel(reactor, client: true, peer: try tunnelAddress, local: source)
        reactor.tunnels.add(
            tunnel,
            TunnelPool.Key(
                destination: try tunnelAddress, identities: [try #require(workload.identity)], source: source.ip))
        tunnel.add(stream)
        let fields = headers.map { header in
            nghttp2_nv(
                name: Self.bytes(header.name), value: Self.bytes(header.value), namelen: header.name.utf8.count,
                valuelen: header.value.utf8.count, flags: 0)
        }
        stream.id = nghttp2_submit_request(
            tunnel.http2, nil, fields, fields.count, nil, Unmanaged.passUnretained(stream).toOpaque())
        // The library has copied them.
        for field in fields {
            field.name.deallocate()
            field.value.deallocate()
        }
        try #require(stream.id > 0)
        reactor.requestHead.reset()
        reactor.markDirty(tunnel)
        tunnel.connect()
        try turn { reactor.requestHead.status != 0 || stream.isClosed }
        let answer = (reactor.requestHead.status, reactor.requestHead.baggageText)
        if !stream.isClosed { stream.cut(.drained) }
        try turn { tunnel.streamCount == 0 }
        tunnel.close(.drained, graceful: true)
        return answer
    }

    private static func bytes(_ text: String) -> UnsafeMutablePointer<UInt8> {
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
        for (index, byte) in text.utf8.enumerated() { bytes[index] = byte }
        return bytes
    }

    /// What the proxy's server side counted.
    var inbound: [TrafficSeries] { reactor.metrics.snapshot().filter { $0.reporter == .destination } }

    /// Has the proxy describe itself with this baggage.
    func announce(_ baggage: String) {
        let old = reactor.state
        reactor.state = ProxyState(
            snapshot: old.snapshot, own: old.own, policy: old.policy, credential: old.credential, baggage: baggage)
    }
}
