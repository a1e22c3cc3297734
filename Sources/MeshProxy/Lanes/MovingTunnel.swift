import MeshLinux
import MeshTLS

/// A tunnel and its streams on the way from one reactor to another.
///
/// Unchecked: the sender has let go of all of it before it posts this, and the mailbox's lock orders what both do with it.
/// It holds the streams, which nobody else does while no descriptor table has them.
struct MovingTunnel: @unchecked Sendable {
    let tunnel: Tunnel
    let streams: [TunnelStream]
    /// Of what the sender's connections may hold, the part that goes with it, in bytes.
    let allowance: Int
    let sender: Mailbox

    /// The reactor that it was sent to has ended: the sender goes on with it, unless that has ended as well.
    func returnToSender() {
        if sender.post(.take(self)) { return }
        for stream in streams { Kernel.abort(stream.descriptor) }
        Kernel.abort(tunnel.descriptor)
    }
}

extension Tunnel {
    /// Whether it can go on upon another reactor: nothing is half done, and nothing would be left behind, as the tunnel
    /// inside of double HBONE would be.
    var isMovable: Bool {
        phase == .open && innerIdentities == nil && streamCount > 0
            && streams.allSatisfy { $0.isSettled && $0.record.carries == nil }
    }

    /// Lets go of the reactor, which forgets it.
    /// - Returns: its streams, which have let go as well.
    func leave() -> [TunnelStream] {
        let streams = streams
        for stream in streams {
            stream.count(-1)
            reactor.handOver(stream.descriptor)
        }
        count(-1)
        reactor.handOver(descriptor)
        reactor.forget(self)
        return streams
    }

    /// Goes on upon `reactor`. What its sockets can do is told anew, as of every socket that is polled.
    func arrive(at reactor: Reactor, with streams: [TunnelStream]) {
        unsafe home = reactor
        count(1)
        for stream in streams {
            unsafe stream.home = reactor
            stream.count(1)
        }
        guard let token = reactor.adopt(descriptor, .tunnel, self) else {
            return close(.outOfDescriptors, graceful: false)
        }
        self.token = token
        setAlarm(.ping, seconds: reactor.config.pingInterval)
        // It has streams, so nothing is lost with an alarm that the other reactor has.
        awaitsIdle = false
        if awaitsRelief { setAlarm(.relief, after: Self.reliefInterval) }
        for stream in streams {
            if let token = reactor.adopt(stream.descriptor, .stream, stream) {
                stream.token = token
            } else {
                stream.cut(.outOfDescriptors)
            }
        }
        reactor.markDirty(self)
    }

    /// Counts it among what the reactor has (1), or no more (-1).
    private func count(_ sign: Int) {
        reactor.connections += sign
        reactor.pool.noteHeld(sign * (session?.output.capacity ?? 0))
        reactor.pool.notePromise(sign * window.size)
        if !isClient { reactor.metrics.countSocket(.destination, sign) }
    }
}

extension TunnelStream {
    /// As `Tunnel.count`; the series is that of the reactor, which alone may write to it.
    fileprivate func count(_ sign: Int) {
        reactor.connections += sign
        reactor.pool.noteHeld(sign * queue.held)
        if isAccepted { reactor.metrics.countSocket(.source, sign) }
        guard record.isOpen else { return }
        if sign > 0 { record.series = reactor.findSeries(record) }
        record.series?.countMoved(sign)
    }
}
