import MeshLinux

extension Reactor {
    /// This turn's share of every walk.
    func stepWalks() {
        stepJudging()
        guard !walks.connections.isEmpty || !walks.tunnels.isEmpty else { return }
        let clock = WallClock(realtime: Kernel.realtimeMicroseconds(), monotonic: now)
        for index in walks.connections.indices { stepConnections(index, clock) }
        for index in walks.tunnels.indices { stepTunnels(index, clock) }
        walks.connections.removeAll { $0.finish() }
        walks.tunnels.removeAll { $0.finish() }
    }

    private func stepConnections(_ index: Int, _ clock: WallClock) {
        var walk = walks.connections[index].walk
        walk.step(self) { occupant, object in
            guard let info = Self.describe(occupant, object, clock) else { return }
            walks.connections[index].found.append(info)
        }
        walks.connections[index].walk = walk
    }

    private static func describe(_ occupant: Occupant, _ object: AnyObject, _ clock: WallClock) -> ConnectionInfo? {
        switch occupant {
        case .stream:
            // A stream that carries another tunnel is no connection of anybody's.
            guard let stream = object as? TunnelStream, stream.record.carries == nil else { return nil }
            return ConnectionInfo(stream.record, tunnel: stream.tunnel?.number, clock)
        case .relay:
            // Both ends are in the table; the connection is listed once.
            guard let relay = object as? RelayEnd, relay.facesClient else { return nil }
            return ConnectionInfo(relay.record, tunnel: nil, clock)
        default: return nil
        }
    }

    private func stepTunnels(_ index: Int, _ clock: WallClock) {
        var walk = walks.tunnels[index].walk
        walk.step(self) { _, object in
            guard let tunnel = object as? Tunnel else { return }
            walks.tunnels[index].found.append(TunnelInfo(tunnel, clock))
        }
        if walk.isDone {
            // Those that wait for our certificate have no socket yet. Last, since one may get it during the walk.
            for tunnel in tunnels.all where tunnel.descriptor < 0 {
                walks.tunnels[index].found.append(TunnelInfo(tunnel, clock))
            }
        }
        walks.tunnels[index].walk = walk
    }

    /// The reactor ends: who still asks gets what was found so far.
    func abandonWalks() {
        for listing in walks.connections { listing.answer(listing.found) }
        for listing in walks.tunnels { listing.answer(listing.found) }
        walks = Walks()
    }
}

extension Listing {
    /// Answers when the walk is over.
    /// - Returns: whether it is.
    fileprivate func finish() -> Bool {
        if walk.isDone { answer(found) }
        return walk.isDone
    }
}
