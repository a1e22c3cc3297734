import MeshCore
import MeshLinux
import MeshState
import MeshWire

extension Reactor {
    /// A connection that an application opened and that was redirected to us.
    func acceptOutbound(_ fd: Int32, _ peer: SocketAddress, on listener: Listener) {
        guard let original = TCPSocket.originalDestination(fd, isV4: peer.ip.isV4) else { return Kernel.abort(fd) }
        let record = ConnectionRecord(.outbound, source: peer, destination: original, start: now)
        record.sourceWorkload = state.own
        // Not redirected but aimed at us: passing it on would lead back here without end.
        if original.port == listener.address.port, TCPSocket.localAddress(fd) == original {
            Kernel.abort(fd)
            return close(
                record, .refused("\(original) is this proxy's own listener; only redirected traffic belongs here"))
        }
        if let unknown = unknownOwnRefusal {
            Kernel.abort(fd)
            return close(record, unknown)
        }
        let route = router.outbound(
            source: state.own, sourceIP: peer.ip, destination: original, snapshot: state.snapshot, random: &random)
        follow(route, fd, peer, record, .captured)
    }

    /// Sends an accepted connection where it was decided to go.
    func follow(
        _ route: OutboundRoute, _ fd: Int32, _ peer: SocketAddress, _ record: ConnectionRecord, _ origin: Origin
    ) {
        switch route {
        case .refuse(let why):
            Kernel.abort(fd)
            close(record, .refused(why.description))
        case .tcp(let route):
            record.destination = route.address
            record.destinationWorkload = route.destinationWorkload
            record.service = route.service
            open(record)
            relay(fd, to: route.address, from: nil, record)
        case .hbone(let route): tunnel(fd, peer, route, record, origin)
        case .doubleHBONE(let route): tunnelTwice(fd, peer, route, record, origin)
        case .resolve(let route): resolve(fd, peer, route, record, origin)
        }
    }

    /// Carries an accepted connection in HBONE.
    func tunnel(
        _ fd: Int32, _ peer: SocketAddress, _ route: HBONERoute, _ record: ConnectionRecord,
        _ origin: Origin = .captured
    ) {
        record.mutualTLS = true
        record.destination = route.nextHop
        record.hboneAddress = route.authority
        record.destinationWorkload = route.destinationWorkload
        record.service = route.service
        record.sourceIdentity = state.own.identity
        record.destinationIdentity = route.destinationWorkload?.identity
        open(record)

        let stream = TunnelStream(self, fd, record: record, connectingTo: nil)
        guard stream.adopt() else { return close(record, .outOfDescriptors) }
        let tunnel = findTunnel(
            TunnelPool.Key(
                destination: route.nextHop, identities: route.expectedIdentities, source: peer.ip, origin: origin))
        tunnel.open(stream, outgoingHead(route.authority, service: route.service, source: peer))
        if tunnel.phase == .awaitingCredential { tunnel.connect() }
    }

    /// Sends the request of a stream that `other` has refused on another tunnel.
    func openAgain(_ stream: TunnelStream, _ key: TunnelPool.Key, except other: Tunnel) {
        let record = stream.record
        let tunnel = findTunnel(key, except: other)
        tunnel.open(stream, outgoingHead(record.hboneAddress, service: record.service, source: record.source))
        if tunnel.phase == .awaitingCredential { tunnel.connect() }
    }

    func outgoingHead(_ authority: String, service: Service?, source: SocketAddress) -> OutgoingHead {
        OutgoingHead(
            authority: authority, baggage: state.baggage,
            forwarded: Forwarded(source: source, host: service?.hostname).headerValue,
            traceparent: Traceparent(random: &random).description)
    }

    /// A pooled tunnel with room, or a new one, which is not connected yet: its first stream must be on it before it
    /// can fail, so that the failure reaches the stream.
    ///
    /// - Parameter other: a tunnel that has refused the stream.
    func findTunnel(_ key: TunnelPool.Key, except other: Tunnel? = nil) -> Tunnel {
        let need = TunnelNeed(
            maxStreams: config.poolMaxStreams, nowSeconds: Kernel.realtimeMicroseconds() / 1_000_000, now: now)
        if let tunnel = tunnels.find(key, need, except: other) { return tunnel }
        let tunnel = Tunnel(self, client: true, peer: key.destination, local: SocketAddress(key.source, 0))
        tunnels.add(tunnel, key)
        return tunnel
    }

    /// Passes plain TCP on to `address`.
    func relay(_ fd: Int32, to address: SocketAddress, from source: IPAddress?, _ record: ConnectionRecord) {
        let (upstream, _) = TCPSocket.connect(address, from: source, options: config.socketOptions)
        guard upstream >= 0 else {
            Kernel.abort(fd)
            return close(record, .connect(address, errno: -upstream))
        }
        RelayEnd.join(self, accepted: fd, connecting: upstream, target: address, record: record)
    }
}
