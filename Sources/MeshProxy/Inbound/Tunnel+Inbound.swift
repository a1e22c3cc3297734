import CNghttp2
import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import MeshWire

/// The server's side of HBONE: from a CONNECT to the application's socket, one check after the other.
extension Tunnel {
    var headerLimit: Int {
        isClient ? reactor.config.clientMaxHeaderList : reactor.config.serverMaxHeaderList
    }

    /// A peer's request is complete. Order of the checks and their statuses: spec of the node proxy, section 8.
    func connectReceived(id: Int32) {
        let reactor = reactor
        let head = reactor.requestHead
        let record = ConnectionRecord(.inbound, source: peer, destination: local, start: reactor.now)
        guard head.isConnect, !head.isMalformed else {
            return refuse(id, 400, record, "the request is not a plain CONNECT")
        }
        guard let authority = unsafe head.withAuthority({ unsafe HBONEAuthority(bytes: $0) }) else {
            return refuse(
                id, 400, record, "no valid authority: \"\(head.authorityText.prefix(280))\"; expected host:port")
        }
        if let unknown = reactor.unknownOwnRefusal { return refuse(id, 503, record, "\(unknown)") }
        switch reactor.router.inbound(
            own: reactor.state.own, connectionDestination: local.ip, authority: authority,
            snapshot: reactor.state.snapshot)
        {
        case .refuse(let why): refuse(id, why.status, record, why.description)
        case .accept(let target): admit(id, authority, target, record)
        }
    }

    private func refuse(_ id: Int32, _ status: Int, _ record: ConnectionRecord, _ why: String) {
        unsafe HTTP2.submitRefusal(http2, id: id, status: status)
        reactor.close(record, .refused(why))
        countRefusal()
    }

    private func countRefusal() {
        if let failure = floodGuard.count(.refusal, now: reactor.now) { protocolFailure = failure }
    }

    /// The request may be served: policy, then the application.
    private func admit(
        _ id: Int32, _ authority: HBONEAuthority, _ target: InboundTarget, _ record: ConnectionRecord
    ) {
        let reactor = reactor
        describe(record, authority, target)
        let facts = PolicyFacts(source: peer.ip, destination: target.policyDestination, peer: peerIdentity)
        let verdict = reactor.judge(record, facts)
        reactor.open(record)
        guard verdict.isAllowed else {
            unsafe HTTP2.submitRefusal(http2, id: id, status: 401)
            countRefusal()
            return reactor.close(record, .denied("\(verdict)"))
        }
        let (fd, _) = TCPSocket.connect(
            target.upstream, from: reactor.spoofedSource(peer.ip, towards: target),
            options: reactor.config.applicationSockets)
        guard fd >= 0 else {
            unsafe HTTP2.submitRefusal(http2, id: id, status: 503)
            return reactor.close(record, .connect(target.upstream, errno: -fd))
        }
        let stream = TunnelStream(reactor, fd, record: record, connectingTo: target.upstream)
        guard stream.adopt() else {
            unsafe HTTP2.submitRefusal(http2, id: id, status: 503)
            return reactor.close(record, .outOfDescriptors)
        }
        stream.id = id
        add(stream)
        if let destination = target.proxyDestination {
            stream.queuePreamble(
                ProxyHeader(source: peer, destination: destination, identity: peerIdentity?.id).encoded)
        }
        _ = unsafe nghttp2_session_set_stream_user_data(http2, id, Unmanaged.passUnretained(stream).toOpaque())
    }

    private func describe(_ record: ConnectionRecord, _ authority: HBONEAuthority, _ target: InboundTarget) {
        let reactor = reactor
        let (state, head) = (reactor.state, reactor.requestHead)
        record.mutualTLS = true
        record.hboneAddress = authority.description
        record.sourceIdentity = peerIdentity?.id
        record.destinationWorkload = state.own
        record.destinationIdentity = state.own.identity
        // A gateway of another network hides the source's address, and only the baggage tells.
        let foreign = head.forwardedNetworkText.map { $0.lowercased() != reactor.config.network.lowercased() } ?? false
        if !foreign {
            record.sourceWorkload = state.snapshot.findWorkload(network: reactor.config.network, ip: peer.ip)
        }
        if record.sourceWorkload == nil, reactor.config.responseBaggage {
            record.sourceWorkload = reactor.sources.find(head.baggageText)
        }
        let host = unsafe head.withForwarded { unsafe Forwarded(bytes: $0) }?.host
        record.forwardedHost = host
        record.service = reactor.router.inboundService(
            own: state.own, authorityService: target.service, forwardedHost: host, port: target.upstream.port,
            snapshot: state.snapshot)
    }

    // MARK: Answers

    /// The application took the connection.
    func accept(_ stream: TunnelStream) {
        let reactor = reactor
        unsafe HTTP2.submitAccepted(
            http2, stream, baggage: reactor.config.responseBaggage ? reactor.state.baggage : [])
        reactor.markDirty(self)
    }

    /// The application cannot be reached.
    func refuse(_ stream: TunnelStream, status: Int) {
        countRefusal()
        unsafe HTTP2.submitRefusal(http2, id: stream.id, status: status)
        reactor.markDirty(self)
    }

    // MARK: Client

    /// Sends a CONNECT for `stream`, now or as soon as the tunnel stands.
    func open(_ stream: TunnelStream, _ head: OutgoingHead) {
        add(stream)
        let id = unsafe HTTP2.submitConnect(http2, stream, head)
        guard id > 0 else {
            // Stream numbers are used up, or the peer said GOAWAY in this very turn.
            reactor.tunnels.remove(self)
            remove(stream)
            if stream.tryAgain(refusedBy: self, isLeaving ? .goaway : .unsent) { return }
            return stream.tunnelClosed(.http2(peer, unsafe String(cString: nghttp2_strerror(id))))
        }
        stream.id = id
        requestsWait = true
        reactor.markDirty(self)
    }

    // MARK: Limits

    /// Looks at each frame as it begins.
    /// - Returns: 0, or what ends the session.
    func frameBegins(type: UInt8, flags: UInt8, length: Int) -> Int32 {
        let frame: FloodGuard.Frame
        switch UInt32(type) {
        case NGHTTP2_RST_STREAM.rawValue: frame = .reset
        case NGHTTP2_PING.rawValue where flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0: frame = .ping
        case NGHTTP2_SETTINGS.rawValue: frame = .settings
        case NGHTTP2_PRIORITY.rawValue: frame = .priority
        case NGHTTP2_WINDOW_UPDATE.rawValue: frame = .windowUpdate
        case NGHTTP2_DATA.rawValue where length == 0 && flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) == 0:
            frame = .emptyData
        default: return 0
        }
        guard let failure = floodGuard.count(frame, now: reactor.now) else { return 0 }
        protocolFailure = failure
        return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    }
}
