import MeshCore

/// How an application's connection came to us. Each way has tunnels of its own.
enum Origin: UInt8, Sendable { case captured, socks5 }

/// Tunnels to other proxies that take more streams. One per reactor: nothing is shared between threads.
struct TunnelPool {
    /// What two connections must agree on to share a tunnel.
    struct Key: Hashable {
        var destination: SocketAddress
        /// Who the far proxy may be. Part of the identity, left out of the hash.
        var identities: [SPIFFEID]
        /// Where the application's connection comes from.
        var source: IPAddress
        var origin = Origin.captured

        func hash(into hasher: inout Hasher) {
            hasher.combine(destination)
            hasher.combine(source)
        }
    }

    /// Tunnels of one key beyond which bulk is no reason for one more.
    static let spread = 4

    private var shelves: [Key: TunnelShelf] = [:]
    /// Tunnels that went to the worker's other reactor and are open there.
    private var away: [Key: Int] = [:]
    /// Tunnels that were looked at to find one with room, since the start: the cost of finding.
    private(set) var looks = 0

    /// A tunnel for one more stream: one that carries no bulk, else the one that carries least of it where there are
    /// `spread` already. Connecting ones count, so that callers share the first. Cost: constant.
    ///
    /// - Parameter other: a tunnel that has refused the stream.
    mutating func find(_ key: Key, _ need: TunnelNeed, except other: Tunnel? = nil) -> Tunnel? {
        guard let index = shelves.index(forKey: key) else { return nil }
        return shelves.values[index].find(need, except: other, looks: &looks)
    }

    mutating func add(_ tunnel: Tunnel, _ key: Key) {
        tunnel.poolKey = key
        shelves[key, default: TunnelShelf()].add(tunnel)
    }

    /// Takes no new streams on this tunnel any more.
    mutating func remove(_ tunnel: Tunnel) {
        guard let index = index(of: tunnel) else { return }
        shelves.values[index].remove(tunnel)
        if shelves.values[index].tunnels.isEmpty { shelves.remove(at: index) }
    }

    /// A stream of a tunnel that was found full has ended.
    mutating func roomAgain(_ tunnel: Tunnel) {
        if let index = index(of: tunnel) { shelves.values[index].roomAgain(tunnel) }
    }

    /// Gives a tunnel out of hands, for good: it takes no more streams. One that is not pooled may go as well.
    /// - Returns: false when as many as bulk may have are away.
    mutating func sendAway(_ tunnel: Tunnel) -> Bool {
        guard tunnel.isClient, let key = tunnel.poolKey else { return true }
        guard mayGo(key) else { return false }
        away[key, default: 0] += 1
        giveUp(tunnel)
        tunnel.isAway = true
        return true
    }

    /// Whether one more tunnel may go away.
    func mayGo(_ key: Key) -> Bool { away[key, default: 0] < Self.spread }

    /// Takes a client's tunnel out of the pool for good: it takes no more streams of ours.
    mutating func giveUp(_ tunnel: Tunnel) {
        guard tunnel.isClient else { return }
        remove(tunnel)
        tunnel.isLeaving = true
    }

    /// A tunnel that was away has ended, or come back.
    mutating func ended(_ key: Key) {
        guard let count = away[key] else { return }
        away[key] = count > 1 ? count - 1 : nil
    }

    private func index(of tunnel: Tunnel) -> Dictionary<Key, TunnelShelf>.Index? {
        guard tunnel.place.isShelved, let key = tunnel.poolKey else { return nil }
        return shelves.index(forKey: key)
    }

    /// Every pooled tunnel, for what concerns all of them.
    var all: [Tunnel] { shelves.values.flatMap(\.tunnels) }
}

/// What a stream needs of a tunnel, and the time at which it asks.
struct TunnelNeed {
    /// Streams that a tunnel carries at a time.
    var maxStreams: Int
    /// Wall clock, seconds since 1970.
    var nowSeconds: Int64
    /// Monotonic nanoseconds.
    var now: UInt64
}

/// What a tunnel offers a new stream.
enum TunnelRoom: Equatable {
    case free
    /// Bytes of bulk that it carried lately; a new stream would wait behind them.
    case bulk(Int)
    /// Its streams stand still.
    case stalled
    /// None before one of its streams ends.
    case full
}

/// Where a tunnel stands in the pool.
struct ShelfPlace {
    fileprivate var index = -1
    /// Stands among those that were found full.
    fileprivate(set) var isFull = false
    fileprivate var isShelved: Bool { index >= 0 }
}

/// The pooled tunnels of one key. Full ones stand behind the others and are not looked at until a stream of theirs ends.
private struct TunnelShelf {
    /// Tunnels without room, other than full ones, that one search looks at: they are few, and no search may be long.
    static let mostLooks = 8

    private(set) var tunnels: [Tunnel] = []
    /// Tunnels before this index may have room.
    private var full = 0
    /// Where the next search begins: streams gather on one tunnel until it is full.
    private var cursor = 0

    mutating func find(_ need: TunnelNeed, except other: Tunnel?, looks: inout Int) -> Tunnel? {
        var least: (tunnel: Tunnel, bytes: Int)?
        var left = min(full, Self.mostLooks)
        while left > 0, full > 0 {
            if cursor >= full { cursor = 0 }
            let tunnel = tunnels[cursor]
            looks += 1
            switch tunnel.room(need) {
            case .full:
                // Pays for itself: a stream was opened on it since it was looked at last.
                setFull(tunnel, true)
                continue
            case .free where tunnel !== other: return tunnel
            case .bulk(let bytes) where tunnel !== other && bytes < least?.bytes ?? .max: least = (tunnel, bytes)
            default: break
            }
            cursor += 1
            left -= 1
        }
        return tunnels.count < TunnelPool.spread ? nil : least?.tunnel
    }

    mutating func add(_ tunnel: Tunnel) {
        tunnel.place = ShelfPlace(index: tunnels.count, isFull: true)
        tunnels.append(tunnel)
        setFull(tunnel, false)
        cursor = tunnel.place.index
    }

    mutating func remove(_ tunnel: Tunnel) {
        if !tunnel.place.isFull { setFull(tunnel, true) }
        exchange(tunnel.place.index, tunnels.count - 1)
        tunnels.removeLast()
        tunnel.place = ShelfPlace()
    }

    mutating func roomAgain(_ tunnel: Tunnel) {
        if tunnel.place.isFull { setFull(tunnel, false) }
    }

    private mutating func setFull(_ tunnel: Tunnel, _ isFull: Bool) {
        if isFull { full -= 1 }
        exchange(tunnel.place.index, full)
        if !isFull { full += 1 }
        tunnel.place.isFull = isFull
    }

    private mutating func exchange(_ a: Int, _ b: Int) {
        tunnels.swapAt(a, b)
        tunnels[a].place.index = a
        tunnels[b].place.index = b
    }
}
