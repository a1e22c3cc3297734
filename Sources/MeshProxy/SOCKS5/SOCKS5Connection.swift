import MeshCore
import MeshLinux
import MeshState
import MeshWire

/// An application's connection while it speaks SOCKS5: until its request is answered. Confined to one reactor.
///
/// It reads no further than the handshake, so that what follows stays in the socket for whoever carries it on.
@safe
final class SOCKS5Connection {
    private unowned(unsafe) let home: Reactor
    private let descriptor: Int32
    private let peer: SocketAddress
    private let record: ConnectionRecord
    private var token: UInt64 = 0
    private var handshake = SOCKS5Handshake()
    /// Once a name has been asked for.
    private var wantedName: (name: String, port: UInt16)?
    private var isOver = false

    private init(_ reactor: Reactor, _ descriptor: Int32, _ peer: SocketAddress, _ listener: SocketAddress) {
        unsafe home = reactor
        self.descriptor = descriptor
        self.peer = peer
        record = ConnectionRecord(.outbound, source: peer, destination: listener, start: reactor.now)
        record.sourceWorkload = reactor.state.own
    }

    /// The reactor outlives everything that it serves.
    private var reactor: Reactor { unsafe home }

    /// Takes over an accepted socket.
    static func serve(_ reactor: Reactor, _ fd: Int32, _ peer: SocketAddress, _ listener: SocketAddress) {
        let connection = SOCKS5Connection(reactor, fd, peer, listener)
        guard let token = reactor.adopt(fd, .socks5, connection) else {
            Kernel.abort(fd)
            return reactor.close(connection.record, .outOfDescriptors)
        }
        connection.token = token
        reactor.connections += 1
        let limit = UInt64(reactor.config.handshakeTimeout) * 1_000_000_000
        reactor.timers.set(.handshake, token, after: limit, now: reactor.now)
    }

    func event(_ ready: Poller.Interest) {
        guard !isOver else { return }
        if ready.has(.error) { return giveUp(.socket("application", errno: Kernel.pendingError(descriptor))) }
        if ready.has(.anythingToRead), wantedName == nil { read() }
        if ready.has(.hangup), !isOver { giveUp(.socket("application", errno: 0)) }
    }

    func alarm(_ alarm: Alarm) {
        guard !isOver else { return }
        let seconds = reactor.config.handshakeTimeout
        switch (alarm, wantedName) {
        case (.handshake, nil): giveUp(.refused("no SOCKS5 request within \(seconds) s"))
        case (.connect, let wanted?):
            refuse(.unreachable, unresolved(wanted.name, .timedOut(seconds: reactor.config.connectTimeout)))
        default: break
        }
    }

    private func read() {
        while !isOver, wantedName == nil, handshake.wanted > 0 {
            let wanted = min(handshake.wanted, SOCKS5Handshake.readLimit)
            let count = unsafe Kernel.receive(descriptor, reactor.plain, wanted)
            guard count > 0 else {
                if count == -Kernel.again { return }
                return giveUp(
                    count == 0
                        ? .refused("the SOCKS5 client left before its request")
                        : .socket("read from the application", errno: Int32(-count)))
            }
            do throws(SOCKS5Error) {
                let bytes = unsafe UnsafeBufferPointer(start: reactor.plain, count: count)
                switch try handshake.take(unsafe bytes.span) {
                case nil: break
                case .greeted: say(SOCKS5Reply.noAuthentication)
                case .connect(.address(let address)): carry(to: address)
                case .connect(.hostname(let name, let port)): find(name, port)
                }
            } catch {
                say(error.reply)
                giveUp(.refused("\(error)"), abort: false)
            }
        }
    }

    /// A few bytes into a socket that has sent nothing else: they always fit, unless nobody is there.
    private func say(_ bytes: [UInt8]) {
        let sent = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe bytes.baseAddress.map { unsafe Kernel.send(descriptor, $0, bytes.count) } ?? 0
        }
        if sent != bytes.count { giveUp(.socket("answer the SOCKS5 client", errno: Int32(sent < 0 ? -sent : 0))) }
    }

    // MARK: Names

    private func find(_ name: String, _ port: UInt16) {
        guard let resolver = reactor.resolvers.names else {
            return refuse(.unreachable, unresolved(name, .noResolver))
        }
        wantedName = (name, port)
        let limit = UInt64(reactor.config.connectTimeout) * 1_000_000_000
        reactor.timers.set(.connect, token, after: limit, now: reactor.now)
        let (mailbox, token) = (reactor.mailbox, token)
        resolver.resolve(name, wantsV4: peer.ip.isV4, for: reactor.state.own) { answer in
            mailbox.post(.resolved(token: token, answer))
        }
    }

    func answered(_ answer: HostAnswer) {
        guard !isOver, let (name, port) = wantedName else { return }
        switch answer {
        case .success(let addresses):
            guard let first = addresses.first else { return refuse(.unreachable, unresolved(name, .noAddress)) }
            carry(to: SocketAddress(first, port))
        case .failure(let failure): refuse(.unreachable, unresolved(name, failure))
        }
    }

    private func unresolved(_ name: String, _ failure: LookupFailure) -> ConnectionFailure {
        .refused("SOCKS5: look up \(name): \(failure)")
    }

    // MARK: Ending

    /// Goes on as if the connection had been captured on its way to `destination`.
    private func carry(to destination: SocketAddress) {
        if let unknown = reactor.unknownOwnRefusal { return refuse(.general, unknown) }
        say(SOCKS5Reply.accepted)
        guard !isOver else { return }
        isOver = true
        let reactor = reactor
        reactor.handOver(descriptor)
        reactor.connections -= 1
        record.destination = destination
        // The client's own address is loopback, which tells nothing of who it is.
        let route = reactor.router.outbound(
            source: reactor.state.own, destination: destination, snapshot: reactor.state.snapshot,
            random: &reactor.random)
        reactor.follow(route, descriptor, peer, record, .socks5)
    }

    private func refuse(_ code: SOCKS5Reply.Code, _ failure: ConnectionFailure) {
        say(SOCKS5Reply.refused(code))
        giveUp(failure, abort: false)
    }

    /// - Parameter abort: resets the connection; not where a reply is on its way.
    func giveUp(_ failure: ConnectionFailure, abort: Bool = true) {
        guard !isOver else { return }
        isOver = true
        reactor.dismiss(descriptor)
        if abort { Kernel.abort(descriptor) } else { Kernel.close(descriptor) }
        reactor.connections -= 1
        reactor.close(record, failure)
    }
}
