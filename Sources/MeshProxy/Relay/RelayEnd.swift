import MeshCore
import MeshLinux

/// One socket of a plain TCP connection that is passed through unwrapped; its twin is the other. Confined to one
/// reactor.
///
/// Each end owns the direction that reads from it. Bytes are copied until the direction has proved bulky, then spliced
/// through a pipe: splice(2) halves the cost of bulk and doubles that of small requests.
@safe
final class RelayEnd {
    /// Bytes after which a direction is spliced.
    static let bulky = 128 << 10

    private unowned(unsafe) let home: Reactor
    /// Retained by the descriptor table, as we are; both leave it in the same call.
    private var twinLink = Unretained<RelayEnd>(nil)
    private let descriptor: Int32
    private var token: UInt64 = 0
    let record: ConnectionRecord
    /// True for the end that faces the client.
    let facesClient: Bool
    private let target: SocketAddress

    private var isConnecting: Bool
    private var readable = false
    private var writable = false
    /// A short read does not say that the socket is empty.
    private var readsOn = false
    private var readsLater = false
    private var endReceived = false
    /// The end of our input was passed on to the twin.
    private var endPassed = false
    private var isClosed = false

    private var moved = 0
    private var bulk = BulkMeter()
    private var queue = ByteQueue()
    private var pipe: SplicePipe?
    private var inPipe = 0

    private init(
        _ reactor: Reactor, _ descriptor: Int32, _ record: ConnectionRecord, facesClient: Bool, target: SocketAddress
    ) {
        unsafe home = reactor
        self.descriptor = descriptor
        self.record = record
        self.facesClient = facesClient
        self.target = target
        isConnecting = !facesClient
    }

    /// The reactor outlives everything that it serves.
    @inline(__always) var reactor: Reactor { unsafe home }

    private var twin: RelayEnd? {
        get { twinLink.object }
        set { twinLink.object = newValue }
    }

    /// Joins an accepted socket to one that is connecting to `target`.
    static func join(
        _ reactor: Reactor, accepted: Int32, connecting: Int32, target: SocketAddress, record: ConnectionRecord
    ) {
        let client = RelayEnd(reactor, accepted, record, facesClient: true, target: target)
        let server = RelayEnd(reactor, connecting, record, facesClient: false, target: target)
        client.twin = server
        server.twin = client
        guard let clientToken = reactor.adopt(accepted, .relay, client) else {
            Kernel.abort(accepted)
            Kernel.abort(connecting)
            return reactor.close(record, .outOfDescriptors)
        }
        client.token = clientToken
        reactor.metrics.countSocket(record.reporter, 1)
        reactor.connections += 1
        guard let serverToken = reactor.adopt(connecting, .relay, server) else {
            Kernel.abort(connecting)
            server.isClosed = true
            return client.relayFail(.outOfDescriptors)
        }
        server.token = serverToken
        let limit = UInt64(reactor.config.connectTimeout) * 1_000_000_000
        reactor.timers.set(.connect, serverToken, after: limit, now: reactor.now)
    }

    // MARK: Events

    func event(_ ready: Poller.Interest) {
        if isConnecting {
            guard ready.has(.connected) else { return }
            let error = Kernel.pendingError(descriptor)
            guard error == 0 else { return relayFail(.connect(target, errno: error)) }
            isConnecting = false
        }
        if ready.has(.error) { return ended("plain connection", Kernel.pendingError(descriptor)) }
        if ready.has(.breaksReading) { readsOn = true }
        if ready.has(.anythingToRead) { readable = true }
        if ready.has(.writable) {
            writable = true
            if let twin = twin { twin.move() }
        }
        if !isClosed, !readsLater { move() }
    }

    func alarm(_ alarm: Alarm) {
        guard alarm == .connect, isConnecting else { return }
        relayFail(.connectTimeout(target, seconds: reactor.config.connectTimeout))
    }

    func resume() {
        readsLater = false
        move()
    }

    // MARK: Moving bytes

    /// Passes on what our socket has, until one side refuses or the turn's share is used up.
    private func move() {
        guard !isClosed, let twin = twin, !isConnecting, !twin.isConnecting, !endPassed else { return }
        var budget = reactor.share
        let stopped = moved < Self.bulky && pipe == nil ? copy(to: twin, &budget) : splice(to: twin, &budget)
        if isClosed { return }
        if endReceived, queue.isEmpty, inPipe == 0 { return passEnd(to: twin) }
        if stopped == .budget, !readsLater {
            readsLater = true
            unsafe reactor.resumeLater(.relay(.passUnretained(self)))
        }
    }

    private enum Stop { case waiting, budget, failed }

    private func copy(to twin: RelayEnd, _ budget: inout Int) -> Stop {
        let scratch = unsafe reactor.plain
        while budget > 0, moved < Self.bulky {
            if let stop = drainQueue(to: twin) { return stop }
            guard readable, !endReceived else { return .waiting }
            let count = unsafe Kernel.receive(descriptor, scratch, Self.bulky)
            guard count > 0 else { return noBytes(count) }
            if count < Self.bulky, !readsOn { readable = false }
            note(count)
            reactor.noteScratch(count)
            budget -= count
            var done = 0
            if twin.writable {
                let wrote = unsafe Kernel.send(twin.descriptor, scratch, count)
                if wrote < 0, wrote != -Kernel.again { return fail("write", wrote) }
                done = max(0, wrote)
            }
            if done < count {
                twin.writable = false
                unsafe queue.append(scratch + done, count - done, from: reactor.pool)
                return .waiting
            }
        }
        return .budget
    }

    private func splice(to twin: RelayEnd, _ budget: inout Int) -> Stop {
        // What was copied but refused goes first.
        if let stop = drainQueue(to: twin) { return stop }
        if pipe == nil {
            guard readable, !endReceived else { return .waiting }
            pipe = reactor.pipes.take()
        }
        guard let pipe else { return fail("open a pipe", -Int(Kernel.tooManyFiles)) }
        while budget > 0 {
            var progress = false
            if readable, !endReceived, inPipe < pipe.capacity {
                let count = Kernel.splice(
                    from: descriptor, to: pipe.write, min(pipe.capacity - inPipe, budget))
                if count > 0 {
                    inPipe += count
                    note(count)
                    budget -= count
                    progress = true
                } else if count == -Kernel.again {
                    // With bytes in the pipe this may also mean that its slots are used up.
                    if inPipe == 0 { readable = false }
                } else if case .failed = noBytes(count) {
                    return .failed
                }
            }
            if inPipe > 0, twin.writable {
                let count = Kernel.splice(from: pipe.read, to: twin.descriptor, inPipe)
                if count > 0 {
                    inPipe -= count
                    progress = true
                } else if count == -Kernel.again {
                    twin.writable = false
                } else {
                    return fail("write", count)
                }
            }
            if !progress { break }
        }
        // A pipe is kept only while bytes are under way: many quiet connections share few pipes.
        if inPipe == 0 {
            reactor.pipes.give(pipe, isEmpty: true)
            self.pipe = nil
        }
        return budget > 0 ? .waiting : .budget
    }

    /// Writes what the twin refused before.
    /// - Returns: why no more can be moved; `nil` when nothing is left of it.
    private func drainQueue(to twin: RelayEnd) -> Stop? {
        let (_, error) = queue.drain(to: twin.descriptor, pool: reactor.pool)
        if error == 0 { return nil }
        guard error == -Kernel.again else { return fail("write", error) }
        twin.writable = false
        return .waiting
    }

    private func note(_ count: Int) {
        moved += count
        bulk.note(count, now: reactor.now)
        reactor.noteWork(of: bulk)
        if facesClient { record.countClientToServer(count) } else { record.countServerToClient(count) }
    }

    /// Nothing was read: not now, never again, or an error.
    private func noBytes(_ result: Int) -> Stop {
        if result == 0 {
            endReceived = true
            return .waiting
        }
        if result == -Kernel.again {
            readable = false
            return .waiting
        }
        return fail("read", result)
    }

    private func fail(_ what: String, _ result: Int) -> Stop {
        ended(what, Int32(-result))
        return .failed
    }

    // MARK: Ending

    private func passEnd(to twin: RelayEnd) {
        endPassed = true
        if twin.endPassed { finish(nil, abort: false) } else { Kernel.shutdownWrite(twin.descriptor) }
    }

    private func ended(_ what: String, _ errno: Int32) {
        finish(errno == 0 || Kernel.isDisconnect(errno) ? nil : .socket(what, errno: errno), abort: true)
    }

    func relayFail(_ failure: ConnectionFailure) { finish(failure, abort: true) }

    private func finish(_ failure: ConnectionFailure?, abort: Bool) {
        guard !isClosed else { return }
        release(abort: abort)
        if let twin = twin { twin.release(abort: abort) }
        reactor.connections -= 1
        reactor.close(record, failure)
    }

    private func release(abort: Bool) {
        guard !isClosed else { return }
        isClosed = true
        if facesClient { reactor.metrics.countSocket(record.reporter, -1) }
        queue.discard(reactor.pool)
        if let pipe { reactor.pipes.give(pipe, isEmpty: inPipe == 0) }
        pipe = nil
        reactor.dismiss(descriptor)
        if abort { Kernel.abort(descriptor) } else { Kernel.close(descriptor) }
    }
}
