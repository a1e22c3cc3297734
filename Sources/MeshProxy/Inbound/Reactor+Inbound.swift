import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import MeshWire

extension Reactor {
    /// A tunnel from another proxy.
    func acceptTunnel(_ fd: Int32, _ peer: SocketAddress) {
        guard let local = TCPSocket.localAddress(fd) else { return Kernel.abort(fd) }
        Tunnel(self, client: false, peer: peer, local: local).serve(fd)
    }

    /// Plaintext for our workload that was redirected to us.
    func acceptPlaintext(_ fd: Int32, _ peer: SocketAddress, on listener: Listener) {
        guard let original = TCPSocket.originalDestination(fd, isV4: peer.ip.isV4) else { return Kernel.abort(fd) }
        let record = ConnectionRecord(.inbound, source: peer, destination: original, start: now)
        guard !config.illegalPorts.contains(original.port), original.port != listener.address.port else {
            Kernel.abort(fd)
            return close(record, .refused("port \(original.port) belongs to the proxy itself"))
        }
        if let unknown = unknownOwnRefusal {
            Kernel.abort(fd)
            return close(record, unknown)
        }
        record.sourceWorkload = state.snapshot.findWorkload(network: config.network, ip: peer.ip)
        record.destinationWorkload = state.own
        record.service = router.inboundService(
            own: state.own, authorityService: nil, forwardedHost: nil, port: original.port, snapshot: state.snapshot)
        let verdict = judge(record, PolicyFacts(source: peer.ip, destination: original, peer: nil))
        open(record)
        guard verdict.isAllowed else {
            Kernel.abort(fd)
            return close(record, .denied("\(verdict)"))
        }
        relay(fd, to: original, from: transparent && peer.ip != original.ip ? peer.ip : nil, record)
    }

    /// The address that an application is to see as the client's: the peer's, where we may take it.
    func spoofedSource(_ peer: IPAddress, towards target: InboundTarget) -> IPAddress? {
        if target.usesLoopback || !transparent || peer == target.upstream.ip { return nil }
        return peer
    }
}
