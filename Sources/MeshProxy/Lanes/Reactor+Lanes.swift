import MeshLinux

extension Reactor {
    /// Sends the tunnel that is to leave to the worker's other reactor. At the end of a turn: nothing works with it then.
    func moveLeaver() {
        guard let tunnel = leaver.object else { return }
        leaver.object = nil
        guard !draining, tunnel.isMovable else { return }
        let other: Mailbox
        switch lane {
        case .requests(let bulk):
            guard let bulk, tunnels.sendAway(tunnel) else { return }
            other = bulk
        case .bulk(let requests):
            // One that was made here, for a request that another had refused, stands in the pool of this reactor.
            tunnels.giveUp(tunnel)
            other = requests
        }
        let moving = MovingTunnel(
            tunnel: tunnel, streams: tunnel.leave(), allowance: lendMemory(), sender: mailbox)
        if !other.post(.take(moving)) { take(moving) }
    }

    /// Half of what connections of a worker's first reactor may hold goes to the second one, once that has something.
    private func lendMemory() -> Int {
        guard case .requests = lane, !hasLentMemory else { return 0 }
        hasLentMemory = true
        return pool.cedeHalf()
    }

    /// Goes on with a tunnel of the other reactor.
    func take(_ moving: MovingTunnel) {
        let tunnel = moving.tunnel
        // The sender may have read the clock after this turn began, and times are subtracted.
        now = Kernel.monotonicNanoseconds()
        pool.gain(moving.allowance)
        tunnel.arrive(at: self, with: moving.streams)
        if case .requests = lane { noteEnd(ofMoved: tunnel) }
        // By what this reactor goes by now; by what comes later they are judged with all others.
        for stream in moving.streams where !stream.isClosed {
            if let why = lateRefusal(stream.record) { stream.refuse(why) }
        }
        if draining { tunnel.beginDrain() }
    }

    /// A tunnel that was sent away has ended, or come back: another one of its pool may go.
    func noteEnd(ofMoved tunnel: Tunnel) {
        guard tunnel.isAway, let key = tunnel.poolKey else { return }
        tunnel.isAway = false
        switch lane {
        case .requests: tunnels.ended(key)
        case .bulk(let requests): requests.post(.ended(key))
        }
    }
}
