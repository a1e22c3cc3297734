import MeshCore
import MeshLinux
import MeshState

/// An application's connection that waits for the address of the next hop. Confined to one reactor.
///
/// Nothing is read from it meanwhile; it is polled only to hear that the application has given up.
@safe
final class ParkedConnection {
    private unowned(unsafe) let home: Reactor
    private let descriptor: Int32
    private let peer: SocketAddress
    private let route: HostnameRoute
    private let record: ConnectionRecord
    private let origin: Origin
    private var isOver = false

    fileprivate init(
        _ reactor: Reactor, _ descriptor: Int32, _ peer: SocketAddress, _ route: HostnameRoute,
        _ record: ConnectionRecord, _ origin: Origin
    ) {
        unsafe home = reactor
        self.descriptor = descriptor
        self.peer = peer
        self.route = route
        self.record = record
        self.origin = origin
    }

    /// The reactor outlives everything that it serves.
    private var reactor: Reactor { unsafe home }

    /// Asks, and waits at most as long as for a connect.
    fileprivate func wait() {
        guard let token = reactor.adopt(descriptor, .parked, self) else {
            Kernel.abort(descriptor)
            return reactor.close(record, .outOfDescriptors)
        }
        reactor.connections += 1
        if let failure = reactor.resolvers.hosts.ask(route.hostname, reactor.mailbox, token) {
            return giveUp(reactor.unresolved(route, failure))
        }
        let limit = UInt64(reactor.config.connectTimeout) * 1_000_000_000
        reactor.timers.set(.connect, token, after: limit, now: reactor.now)
    }

    func event(_ ready: Poller.Interest) {
        // An application that has only shut down its side still wants the answer.
        guard ready.has(.broken) else { return }
        giveUp(.socket("application", errno: Kernel.pendingError(descriptor)))
    }

    func alarm(_ alarm: Alarm) {
        guard alarm == .connect else { return }
        giveUp(reactor.unresolved(route, .timedOut(seconds: reactor.config.connectTimeout)))
    }

    func answered(_ answer: HostAnswer) {
        guard !isOver else { return }
        isOver = true
        reactor.handOver(descriptor)
        reactor.connections -= 1
        reactor.follow(route, answer, descriptor, peer, record, origin)
    }

    func giveUp(_ failure: ConnectionFailure) {
        guard !isOver else { return }
        isOver = true
        reactor.dismiss(descriptor)
        Kernel.abort(descriptor)
        reactor.connections -= 1
        reactor.close(record, failure)
    }
}

extension Reactor {
    /// Finds the address of the next hop, at once or when the resolver has answered.
    func resolve(
        _ fd: Int32, _ peer: SocketAddress, _ route: HostnameRoute, _ record: ConnectionRecord, _ origin: Origin
    ) {
        if let answer = resolvers.hosts.use(route.hostname, by: state.own) {
            return follow(route, answer, fd, peer, record, origin)
        }
        ParkedConnection(self, fd, peer, route, record, origin).wait()
    }

    fileprivate func follow(
        _ route: HostnameRoute, _ answer: HostAnswer, _ fd: Int32, _ peer: SocketAddress, _ record: ConnectionRecord,
        _ origin: Origin
    ) {
        let failure: LookupFailure
        switch answer {
        case .success(let addresses):
            if let found = route.route(among: addresses, random: &random) {
                return follow(found, fd, peer, record, origin)
            }
            failure = .noAddress
        case .failure(let why): failure = why
        }
        Kernel.abort(fd)
        close(record, unresolved(route, failure))
    }

    fileprivate func unresolved(_ route: HostnameRoute, _ failure: LookupFailure) -> ConnectionFailure {
        .refused("workload \(route.workload.uid) has only a hostname: look up \(route.hostname): \(failure)")
    }

    /// Gives an answer to whom it was for, if that one still waits.
    func hand(_ answer: HostAnswer, to token: UInt64) {
        let (occupant, object) = unsafe table.find(token)
        guard let object = unsafe object?.takeUnretainedValue() else { return }
        switch occupant {
        case .parked: unsafe unsafeDowncast(object, to: ParkedConnection.self).answered(answer)
        case .socks5: unsafe unsafeDowncast(object, to: SOCKS5Connection.self).answered(answer)
        default: break
        }
    }
}
