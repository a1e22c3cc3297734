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

    private var open: [Key: [Tunnel]] = [:]

    /// A tunnel with room for one more stream; connecting ones count, so that callers share the first.
    func find(_ key: Key, maxStreams: Int, nowSeconds: Int64) -> Tunnel? {
        guard let tunnels = open[key] else { return nil }
        for tunnel in tunnels where tunnel.hasRoom(maxStreams, nowSeconds: nowSeconds) { return tunnel }
        return nil
    }

    mutating func add(_ tunnel: Tunnel, _ key: Key) {
        tunnel.poolKey = key
        open[key, default: []].append(tunnel)
    }

    /// Takes no new streams on this tunnel any more.
    mutating func remove(_ tunnel: Tunnel) {
        guard let key = tunnel.poolKey, let index = open.index(forKey: key) else { return }
        open.values[index].removeAll { $0 === tunnel }
        if open.values[index].isEmpty { open.remove(at: index) }
    }

    /// Every pooled tunnel, for what concerns all of them.
    var all: [Tunnel] { open.values.flatMap(\.self) }
}
