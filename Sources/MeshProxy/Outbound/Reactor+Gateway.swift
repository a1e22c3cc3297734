import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import MeshWire

extension Reactor {
    /// Carries an accepted connection in a tunnel of its own, and that in a stream of a pooled tunnel to a network
    /// gateway. The two are joined by a pair of sockets.
    ///
    /// The connection counts as opened when the inner tunnel stands; what fails before is one line of the log.
    func tunnelTwice(
        _ fd: Int32, _ peer: SocketAddress, _ route: DoubleHBONERoute, _ record: ConnectionRecord, _ origin: Origin
    ) {
        record.mutualTLS = true
        record.isDoubleTunnel = true
        record.destination = route.nextHop
        record.hboneAddress = route.authority
        record.service = route.service
        record.sourceIdentity = state.own.identity

        let stream = TunnelStream(self, fd, record: record, connectingTo: nil)
        guard stream.adopt() else { return close(record, .outOfDescriptors) }
        let source = SocketAddress(peer.ip, 0)
        let inner = Tunnel(
            self, client: true, peer: route.nextHop, local: source, innerIdentities: route.innerIdentities)
        var head = outgoingHead(route.authority, service: route.service, source: peer)
        let outerHead = head
        head.forwardedNetwork = config.network
        inner.open(stream, head)
        guard let (near, far) = Kernel.socketPair() else { return inner.close(.outOfDescriptors, graceful: false) }
        guard inner.awaitCarrier(near) else {
            Kernel.close(far)
            return
        }

        let carrier = ConnectionRecord(.outbound, source: peer, destination: route.nextHop, start: now)
        carrier.carries = inner
        // What a second request would be made of, should the first tunnel refuse.
        carrier.hboneAddress = route.authority
        carrier.service = route.service
        let outerStream = TunnelStream(self, far, record: carrier, connectingTo: nil)
        guard outerStream.adopt() else { return close(carrier, .outOfDescriptors) }
        let outer = findTunnel(
            TunnelPool.Key(
                destination: route.nextHop, identities: route.gatewayIdentities, source: peer.ip, origin: origin))
        outer.open(outerStream, outerHead)
        if outer.phase == .awaitingCredential { outer.connect() }
    }

    /// The far end of one of two tunnels has answered 200.
    func bothTunnelsProgress(_ record: ConnectionRecord, _ tunnel: Tunnel?) {
        if let inner = record.carries { return inner.carrierOpened() }
        // The inner one stands. Only its far end knows whom we talk to: the gateway chose.
        record.destinationIdentity = tunnel?.peerIdentity?.id
        record.destinationWorkload = sources.find(requestHead.baggageText, identity: record.destinationIdentity)
        open(record)
    }
}
