import MeshCore

/// Accepted tunnels whose handshake is not done, oldest first. One per reactor.
///
/// A handshake that goes on costs a descriptor and, once its first bytes came, some 45 KiB in libssl for up to ten
/// seconds, and asks no certificate of whoever begins it. Honest peers are done within milliseconds, so what is old is
/// given up for what is new.
struct HandshakeGate {
    /// Unfinished handshakes of all peers of one reactor; beyond it the oldest ends.
    static let limit = 2048
    /// Of one address; beyond it its new connections are refused, so that one peer cannot crowd out the others.
    static let limitPerSource = 512

    /// A tunnel's place in the list. Not retained: a tunnel leaves the gate when it closes.
    struct Links {
        fileprivate var isWaiting = false
        fileprivate var older = Unretained<Tunnel>(nil)
        fileprivate var newer = Unretained<Tunnel>(nil)
    }

    private var oldest = Unretained<Tunnel>(nil)
    private var newest = Unretained<Tunnel>(nil)
    private var sources: [IPAddress: Int] = [:]
    private(set) var count = 0

    enum Admission {
        case admitted
        /// Admitted, and this one has to go.
        case admittedFor(Tunnel)
        case refused
    }

    mutating func enter(_ tunnel: Tunnel) -> Admission {
        guard sources[tunnel.peer.ip, default: 0] < Self.limitPerSource else { return .refused }
        let leaver = count >= Self.limit ? oldest.object : nil
        sources[tunnel.peer.ip, default: 0] += 1
        count += 1
        tunnel.gateLinks.isWaiting = true
        tunnel.gateLinks.older = newest
        if let last = newest.object { last.gateLinks.newer.object = tunnel } else { oldest.object = tunnel }
        newest.object = tunnel
        return leaver.map { .admittedFor($0) } ?? .admitted
    }

    /// The handshake of `tunnel` is over, either way. Does nothing for one that is not waiting.
    mutating func leave(_ tunnel: Tunnel) {
        let links = tunnel.gateLinks
        guard links.isWaiting else { return }
        tunnel.gateLinks = Links()
        if let older = links.older.object { older.gateLinks.newer = links.newer } else { oldest = links.newer }
        if let newer = links.newer.object { newer.gateLinks.older = links.older } else { newest = links.older }
        count -= 1
        let left = sources[tunnel.peer.ip, default: 1] - 1
        sources[tunnel.peer.ip] = left > 0 ? left : nil
    }
}

extension Reactor {
    /// Lets an accepted tunnel begin its handshake.
    /// - Returns: why not, or `nil`.
    func admitHandshake(_ tunnel: Tunnel) -> ConnectionFailure? {
        switch handshakes.enter(tunnel) {
        case .admitted: return nil
        case .admittedFor(let oldest):
            oldest.close(
                .handshake(oldest.peer, "given up for newer ones: \(HandshakeGate.limit) are unfinished"),
                graceful: false)
            return nil
        case .refused:
            return .handshake(
                tunnel.peer, "refused: \(HandshakeGate.limitPerSource) from this address are unfinished")
        }
    }
}
