import CNghttp2
import MeshCore
import MeshLinux
import MeshPolicy
import MeshTLS
import Synchronization

/// One HBONE connection: a socket, a TLS session and an HTTP/2 session whose streams are TCP connections.
///
/// Life: (waiting for our certificate →) connecting → handshaking → open → closed; an accepted one starts with the
/// handshake. Streams may be opened from the start: HTTP/2 holds them until the session can send. Confined to one
/// reactor at a time.
@safe
final class Tunnel {
    enum Phase: UInt8 { case awaitingCredential, connecting, handshaking, open, closed }

    /// Changes when the tunnel moves to the worker's other reactor: see `Lane`.
    unowned(unsafe) var home: Reactor
    /// Tells it from every other tunnel of this process, for people.
    let number: UInt64
    private static let count = Atomic<UInt64>(0)
    /// Monotonic nanoseconds.
    let madeAt: UInt64
    /// True when we made the connection.
    let isClient: Bool
    /// The far end of the socket.
    let peer: SocketAddress
    /// The near end: for an accepted tunnel the address that it was aimed at.
    let local: SocketAddress
    private(set) var phase: Phase
    private(set) var descriptor: Int32 = -1
    var token: UInt64 = 0

    private(set) var session: TLSSession?
    /// Who is at the far end; known once the tunnel is open.
    private(set) var peerIdentity: PeerIdentity?
    /// Owned; freed in `deinit`. An accepted tunnel has none until its handshake is done.
    private var http2Session: OpaquePointer?

    // Socket state, as edge-triggered events tell it.
    private var readable = false
    private var writable = true
    /// A short read does not say that the socket is empty.
    private var readsOn = false
    var isDirty = false
    var readsLater = false
    /// A CONNECT was submitted since the last pump.
    var requestsWait = false
    private var pace = ReadPace()
    /// What it carried lately in large frames.
    var bulk = BulkMeter()
    /// Place in the reactor's list of unfinished handshakes.
    var gateLinks = HandshakeGate.Links()

    // Streams that are alive, in a list through their own links.
    private var firstLink = Unretained<TunnelStream>(nil)
    private(set) var streamCount = 0
    /// No new streams: the peer sent GOAWAY, or we drain.
    var isLeaving = false
    /// Left its pool for the worker's other reactor, and counts there.
    var isAway = false
    /// Who may be at the far end of a tunnel inside another one; `nil` for all others. Such a tunnel is not pooled.
    let innerIdentities: [SPIFFEID]?
    /// Where the pool keeps a client's tunnel.
    var poolKey: TunnelPool.Key?
    var place = ShelfPlace()
    /// Since when there has been no stream.
    private var idleSince: UInt64

    // Flow control: payload that application sockets refused, and connection credit held back because of it.
    private(set) var queuedBytes = 0
    private var heldCredit = 0
    private(set) var window: CreditWindow
    /// An alarm is set to look again whether there is memory.
    private(set) var awaitsRelief = false
    /// Whether an alarm is set on this reactor for the end of the time without streams.
    var awaitsIdle = false
    /// The widest connection window that the peer was seen to give us, and the part of it that is too little for more.
    private var widestWindow: Int32 = 0
    private static let narrow: Int32 = 16

    private var pingSentAt: UInt64?
    var floodGuard: FloodGuard
    /// What our own HTTP/2 callbacks found wrong; ends the tunnel.
    var protocolFailure: String?

    /// - Parameter innerIdentities: for a tunnel inside another one, which carries one stream and no second one.
    init(
        _ reactor: Reactor, client: Bool, peer: SocketAddress, local: SocketAddress, innerIdentities: [SPIFFEID]? = nil
    ) {
        unsafe home = reactor
        number = Self.count.add(1, ordering: .relaxed).newValue
        madeAt = reactor.now
        isClient = client
        self.peer = peer
        self.local = local
        self.innerIdentities = innerIdentities
        phase = innerIdentities == nil ? .awaitingCredential : .connecting
        isLeaving = innerIdentities != nil
        idleSince = reactor.now
        floodGuard = FloodGuard(now: reactor.now)
        window = CreditWindow(most: reactor.config.connectionWindow)
        reactor.pool.notePromise(window.size)
        reactor.connections += 1
    }

    /// The reactor outlives everything that it serves.
    @inline(__always) var reactor: Reactor { unsafe home }

    deinit { unsafe nghttp2_session_del(http2Session) }

    /// Made when it is first needed: a peer that never finishes its handshake costs none.
    var http2: OpaquePointer {
        if let made = unsafe http2Session { return unsafe made }
        return unsafe makeHTTP2()
    }

    // Never inlined: every use of the session would have its code beside it.
    @inline(never)
    private func makeHTTP2() -> OpaquePointer {
        let made = unsafe HTTP2.makeSession(client: isClient, config: reactor.config, window: window.size)
        unsafe HTTP2.attach(made, to: self)
        unsafe http2Session = made
        return unsafe made
    }

    // MARK: Beginning

    /// Takes over an accepted socket.
    func serve(_ fd: Int32) {
        guard adopt(fd) else { return }
        reactor.metrics.countSocket(.destination, 1)
        if let failure = reactor.admitHandshake(self) { return close(failure, graceful: false) }
        beginHandshake()
    }

    /// Has the reactor poll the socket.
    /// - Returns: false when it cannot be, and then the tunnel is closed.
    func adopt(_ fd: Int32) -> Bool {
        guard let token = reactor.adopt(fd, .tunnel, self) else {
            Kernel.close(fd)
            close(.outOfDescriptors, graceful: false)
            return false
        }
        descriptor = fd
        self.token = token
        return true
    }

    /// Connects to the far proxy, or waits until our certificate is decided.
    func connect() {
        switch reactor.state.credential {
        case .pending: phase = .awaitingCredential
        case .unavailable(let why): close(.identityUnavailable(why), graceful: false)
        case .available: dial()
        }
    }

    private func dial() {
        let (fd, _) = TCPSocket.connect(peer, from: nil, options: reactor.config.socketOptions)
        guard fd >= 0 else { return close(.connect(peer, errno: -fd), graceful: false) }
        phase = .connecting
        if adopt(fd) { setAlarm(.connect, seconds: reactor.config.connectTimeout) }
    }

    /// Our certificate has come, or has turned out not to.
    func credentialDecided() {
        guard phase == .awaitingCredential else { return }
        if isClient, innerIdentities == nil { connect() } else { beginHandshake() }
    }

    func beginHandshake() {
        phase = .awaitingCredential
        switch reactor.state.credential {
        case .pending:
            setAlarm(.handshake, seconds: reactor.config.handshakeTimeout)
        case .unavailable(let why):
            close(.identityUnavailable(why), graceful: false)
        case .available(let credential):
            phase = .handshaking
            setAlarm(.handshake, seconds: reactor.config.handshakeTimeout)
            if !isClient {
                if readable { read() }
            } else if makeSession(credential) != nil {
                stepHandshake(0)
            }
        }
    }

    private func makeSession(_ credential: TLSCredential) -> TLSSession? {
        let expectation: PeerExpectation =
            isClient
            ? .oneOf(innerIdentities ?? poolKey?.identities ?? []) : .trustDomain(credential.identity.trustDomain)
        do throws(TLSError) {
            session = try TLSSession(
                credential: credential, role: isClient ? .client : .server, expecting: expectation)
        } catch {
            close(.tlsConfiguration("\(error)"), graceful: false)
        }
        return session
    }

    /// The session of an accepted tunnel is made when the peer's first bytes come: one that says nothing costs little.
    private func readingSession() -> TLSSession? {
        if let session { return session }
        guard phase == .handshaking, case .available(let credential) = reactor.state.credential else { return nil }
        return makeSession(credential)
    }

    func setAlarm(_ alarm: Alarm, seconds: Int) {
        setAlarm(alarm, after: UInt64(seconds) * 1_000_000_000)
    }

    func setAlarm(_ alarm: Alarm, after nanoseconds: UInt64) {
        reactor.timers.set(alarm, token, after: nanoseconds, now: reactor.now)
    }

    // MARK: Events

    func event(_ ready: Poller.Interest) {
        if phase == .connecting {
            guard innerIdentities == nil, ready.has(.connected) else { return }
            let error = Kernel.pendingError(descriptor)
            guard error == 0 else { return close(.connect(peer, errno: error), graceful: false) }
            beginHandshake()
            if phase == .closed { return }
        }
        if ready.has(.breaksReading) { readsOn = true }
        if ready.has(.writable) {
            writable = true
            reactor.markDirty(self)
        }
        if ready.has(.anythingToRead) {
            readable = true
            if !readsLater { read() }
        }
    }

    func alarm(_ alarm: Alarm) {
        switch (alarm, phase) {
        case (.connect, .connecting):
            close(.tunnelTimeout(peer, seconds: reactor.config.connectTimeout), graceful: false)
        case (.handshake, .awaitingCredential) where !isClient:
            close(.identityUnavailable("it was not issued in time"), graceful: false)
        case (.handshake, .handshaking):
            close(.handshakeTimeout(peer, seconds: reactor.config.handshakeTimeout), graceful: false)
        case (.ping, .open):
            ping()
            if phase == .open { reactor.noteCalm(of: self) }
        case (.idle, .open): releaseWhenIdle()
        case (.drain, .open): finishDrain()
        case (.relief, .open): lookForMemory()
        default: break
        }
    }

    // MARK: Receiving

    func resume() {
        readsLater = false
        read()
    }

    private func read() {
        guard readable, phase == .handshaking || phase == .open, let session = readingSession() else { return }
        // A GOAWAY that waits to be read would take back requests which are not sent yet; sent ones it lets finish.
        if requestsWait { pump() }
        if phase == .closed { return }
        lendOutput(session)
        let share = reactor.share
        var budget = share
        repeat {
            let size = min(pace.size, share)
            let count = unsafe Kernel.receive(descriptor, reactor.cipher, size)
            guard count > 0 else {
                if count == -Kernel.again {
                    readable = false
                    break
                }
                return close(endOfSocket(count), graceful: false)
            }
            // A short read emptied the socket, so the next edge will come; unless the end is already there to be read.
            if count < size, !readsOn { readable = false }
            budget -= count
            reactor.noteScratch(count)
            if phase == .handshaking {
                stepHandshake(count)
            } else {
                decrypt(session, count)
            }
            if phase == .closed { return }
            if pace.note(count) { budget = 0 }
        } while readable && budget > 0
        reactor.noteWork(of: self)
        if readable, !readsLater {
            readsLater = true
            unsafe reactor.resumeLater(.tunnel(.passUnretained(self)))
        }
        reclaimOutput(session)
    }

    private func endOfSocket(_ result: Int) -> ConnectionFailure {
        let why = result == 0 ? "the peer closed the connection" : KernelError.text(Int32(-result))
        return phase == .handshaking ? .handshake(peer, why) : .tunnelClosed(peer, why)
    }

    private func stepHandshake(_ count: Int) {
        guard let session else { return }
        lendOutput(session)
        switch unsafe session.handshake(count > 0 ? reactor.cipher : nil, count) {
        case .wantsInput:
            reactor.markDirty(self)
        case .failed(let failure):
            _ = flush(session)
            close(.handshake(peer, failure.description), graceful: false)
        case .done:
            phase = .open
            setAlarm(.ping, seconds: reactor.config.pingInterval)
            becameOpen()
            if phase == .closed { return }
            reactor.markDirty(self)
            // What came behind the handshake is still in the session's window.
            decrypt(session, 0)
        }
    }

    /// Gives `count` bytes of ciphertext in the reactor's scratch to TLS, and what comes out of it to HTTP/2.
    private func decrypt(_ session: TLSSession, _ count: Int) {
        let plain = unsafe reactor.plain
        var input = count
        while true {
            let window = unsafe input > 0 ? reactor.cipher : nil
            let result = unsafe session.open(window, input, into: plain, capacity: Reactor.plainCapacity)
            input = 0
            switch result {
            case .data(let length):
                unsafe receive(plain, length)
                if phase == .closed { return }
            case .wantsInput:
                return
            case .closed:
                return close(.tunnelClosed(peer, "the peer ended TLS"), graceful: false)
            case .failed(let failure):
                return close(.tunnelClosed(peer, failure.description), graceful: false)
            }
        }
    }

    private func receive(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        let used = unsafe nghttp2_session_mem_recv(http2, bytes, count)
        reactor.flushGather()
        if unsafe nghttp2_session_get_outbound_queue_size(http2) > FloodGuard.maxQueuedFrames {
            protocolFailure = "the peer does not read what it makes us answer"
        }
        if let failure = protocolFailure { return endForFault(failure) }
        guard used == count else { return endForFault(unsafe String(cString: nghttp2_strerror(Int32(used)))) }
        reactor.markDirty(self)
    }

    /// The peer broke HTTP/2, or floods us. A tunnel that has no stream to tell of it has a log line of its own.
    private func endForFault(_ what: String) {
        let who = peerIdentity.map { "; it is \($0.id)" } ?? ""
        let failure = ConnectionFailure.http2(peer, what + who)
        if streamCount == 0 { reportAlone(failure) }
        close(failure, graceful: true)
    }

    // MARK: Sending

    /// Sends what HTTP/2 has to say, until the socket refuses or the turn's share is used up.
    func pump() {
        isDirty = false
        requestsWait = false
        guard let session, phase == .handshaking || phase == .open else { return }
        lendOutput(session)
        defer { reclaimOutput(session) }
        guard writable, flush(session), phase == .open else { return }
        lendOutput(session)
        var budget = reactor.share
        reactor.stageLimit = reactor.pool.isFull ? Reactor.scarceStage : min(budget, Reactor.stageCapacity)
        while budget > 0 {
            reactor.staged = 0
            let result = unsafe nghttp2_session_send(http2)
            guard result == 0 else {
                return close(.http2(peer, unsafe String(cString: nghttp2_strerror(result))), graceful: false)
            }
            let count = reactor.staged
            if count == 0 { break }
            reactor.noteWork(of: self)
            guard case .sealed = unsafe session.seal(reactor.stage, count) else {
                return close(.tunnelClosed(peer, "TLS could not seal records"), graceful: false)
            }
            budget -= count
            if !flush(session) { return }
        }
        if budget <= 0 { return reactor.markDirty(self) }
        if unsafe nghttp2_session_want_read(http2) == 0, unsafe nghttp2_session_want_write(http2) == 0 {
            close(isLeaving ? .drained : .tunnelClosed(peer, "HTTP/2 session ended"), graceful: true)
        }
    }

    /// Writes ciphertext that waits. True when nothing is left of it.
    private func flush(_ session: TLSSession) -> Bool {
        while let base = unsafe session.output.base, session.output.start < session.output.end {
            let left = session.output.end - session.output.start
            let wrote = unsafe Kernel.send(descriptor, base + session.output.start, left)
            if wrote <= 0 {
                writable = false
                // The error shows once more when it is read, where the tunnel is closed.
                if wrote != -Kernel.again { (readable, readsOn) = (true, true) }
                return false
            }
            reactor.noteScratch(wrote)
            session.output.start += wrote
            if wrote < left {
                writable = false
                return false
            }
        }
        session.output.start = 0
        session.output.end = 0
        return true
    }

    /// TLS writes into a large buffer of the reactor's. While its socket refuses bytes a tunnel keeps it, or a small one
    /// where they are few.
    private func lendOutput(_ session: TLSSession) {
        let pool = reactor.pool
        if session.output.capacity == pool.outputCapacity || !session.output.isEmpty { return }
        pool.give(session.output)
        session.output = pool.takeOutput()
    }

    private func reclaimOutput(_ session: TLSSession) {
        let pool = reactor.pool
        if !session.output.isEmpty {
            session.output = pool.fitted(session.output)
        } else {
            pool.give(session.output)
            session.output = CipherQueue()
        }
    }

    // MARK: Streams

    /// A copy, since what is done with them may change the list.
    var streams: [TunnelStream] {
        var streams: [TunnelStream] = []
        streams.reserveCapacity(streamCount)
        var next = firstLink.object
        while let stream = next {
            streams.append(stream)
            next = stream.next
        }
        return streams
    }

    func add(_ stream: TunnelStream) {
        stream.tunnel = self
        stream.next = firstLink.object
        if let first = firstLink.object { first.previous = stream }
        firstLink.object = stream
        streamCount += 1
    }

    func remove(_ stream: TunnelStream) {
        if let previous = stream.previous {
            previous.next = stream.next
        } else {
            firstLink.object = stream.next
        }
        if let next = stream.next { next.previous = stream.previous }
        stream.previous = nil
        stream.next = nil
        stream.tunnel = nil
        streamCount -= 1
        if place.isFull { reactor.tunnels.roomAgain(self) }
        noteQueued(-stream.queue.count)
        if streamCount == 0 { becameIdle() }
    }

    private func becameIdle() {
        idleSince = reactor.now
        if phase == .open { resizeWindow { $0.reset() } }
        guard phase == .open else {
            // A client whose only stream gave up before the tunnel stood: nobody needs it.
            if isClient, phase != .closed { close(.drained, graceful: false) }
            return
        }
        if isLeaving {
            reactor.markDirty(self)
            closeWhenDone()
        } else if isClient {
            awaitIdle(idleLimit)
        }
    }

    /// Nanoseconds that a tunnel of ours may be without streams.
    private var idleLimit: UInt64 { UInt64(reactor.config.poolIdleTimeout) * 1_000_000_000 }

    /// One alarm at a time: where streams come one after another, a tunnel falls idle thousands of times in a second.
    private func awaitIdle(_ nanoseconds: UInt64) {
        if awaitsIdle { return }
        awaitsIdle = true
        setAlarm(.idle, after: nanoseconds)
    }

    private func releaseWhenIdle() {
        awaitsIdle = false
        guard isClient, streamCount == 0 else { return }
        let idle = reactor.now - idleSince
        if idle >= idleLimit { close(.drained, graceful: true) } else { awaitIdle(idleLimit - idle) }
    }

    /// What this tunnel offers one more stream.
    func room(_ need: TunnelNeed) -> TunnelRoom {
        guard phase != .closed, !isLeaving, streamCount < need.maxStreams else { return .full }
        // A tunnel whose certificate has run out since is left to its streams.
        if let session, session.credential.notAfter <= need.nowSeconds { return .full }
        // Its streams stand still for applications that do not read, ours or theirs: another tunnel will not.
        if heldCredit > 0 { return .stalled }
        if phase == .open {
            let window = unsafe nghttp2_session_get_remote_window_size(http2)
            widestWindow = max(widestWindow, window)
            if window <= widestWindow / Self.narrow { return .stalled }
        }
        // Bulk that has ended holds up nobody.
        if streamCount > 0, let bytes = bulk.bulk(now: need.now) { return .bulk(bytes) }
        return .free
    }

    // MARK: Flow control

    /// Connection credit is given back at once, so that one slow application does not stall the others, until too much
    /// is queued for slow ones.
    func received(_ count: Int) {
        pace.payload &+= count
        bulk.note(count, now: reactor.now)
        if queuedBytes <= reactor.pool.share {
            _ = unsafe nghttp2_session_consume_connection(http2, count)
        } else {
            heldCredit += count
            awaitRelief()
        }
    }

    /// The application took bytes of a stream: its window is given back.
    @inline(__always)
    func credit(_ stream: TunnelStream, _ count: Int) {
        guard phase == .open else { return }
        _ = unsafe nghttp2_session_consume_stream(http2, stream.id, count)
        if window.took(count), reactor.pool.mayPromise(window.size) { resizeWindow { $0.grow() } }
        reactor.markDirty(self)
    }

    func noteQueued(_ delta: Int) {
        if delta == 0 { return }
        queuedBytes += delta
        if heldCredit > 0, queuedBytes <= reactor.pool.share { releaseCredit() }
    }

    private func releaseCredit() {
        guard phase == .open else { return }
        if reactor.pool.isTight { resizeWindow { $0.shrink() } }
        _ = unsafe nghttp2_session_consume_connection(http2, heldCredit)
        heldCredit = 0
        reactor.markDirty(self)
    }

    /// A larger one is announced; a smaller one keeps back credit that would be due.
    private func resizeWindow(_ change: (inout CreditWindow) -> Void) {
        let before = window.size
        change(&window)
        guard window.size != before else { return }
        reactor.pool.notePromise(window.size - before)
        _ = unsafe nghttp2_session_set_local_window_size(
            http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(window.size))
    }

    /// Looks again soon: what frees memory is mostly the work of other tunnels.
    private func awaitRelief() {
        if reactor.pool.share == BufferPool.smallestShare { reactor.complainOfMemory() }
        if awaitsRelief { return }
        awaitsRelief = true
        setAlarm(.relief, after: Self.reliefInterval)
    }

    static let reliefInterval: UInt64 = 50_000_000

    private func lookForMemory() {
        awaitsRelief = false
        guard heldCredit > 0 else { return }
        if queuedBytes <= reactor.pool.share { releaseCredit() } else { awaitRelief() }
    }

    // MARK: Keeping alive

    private func ping() {
        if let sent = pingSentAt {
            let waited = reactor.now - sent
            if waited >= UInt64(reactor.config.pingTimeout) * 1_000_000_000 {
                return close(
                    .tunnelClosed(peer, "no answer to PING within \(waited / 1_000_000_000) s"), graceful: true)
            }
        } else {
            _ = unsafe nghttp2_submit_ping(http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
            pingSentAt = reactor.now
            reactor.markDirty(self)
        }
        setAlarm(.ping, seconds: reactor.config.pingInterval)
    }

    func pongReceived() { pingSentAt = nil }

    // MARK: Ending

    /// Ends the tunnel and every stream on it.
    ///
    /// - Parameter graceful: sends what HTTP/2 still has to say (GOAWAY) and TLS's close_notify, as far as the socket
    ///   takes it at once.
    func close(_ failure: ConnectionFailure, graceful: Bool) {
        guard phase != .closed else { return }
        reactor.handshakes.leave(self)
        reactor.flushGather()
        let wasOpen = phase == .open
        reportFailedHandshake(failure)
        if graceful, wasOpen, let session { sayGoodbye(session) }
        phase = .closed
        reactor.tunnels.remove(self)
        reactor.noteEnd(ofMoved: self)
        reactor.pool.notePromise(-window.size)
        while let stream = firstLink.object {
            stream.tunnelClosed(innerIdentities == nil ? failure : failure.inside(stream.record.hboneAddress))
        }
        if let session {
            reactor.pool.give(session.output)
            session.output = CipherQueue()
        }
        session = nil
        reactor.connections -= 1
        if descriptor >= 0 {
            if !isClient { reactor.metrics.countSocket(.destination, -1) }
            reactor.dismiss(descriptor)
            Kernel.close(descriptor)
            descriptor = -1
        } else {
            reactor.bury(self)
        }
    }

    private func sayGoodbye(_ session: TLSSession) {
        _ = unsafe nghttp2_session_terminate_session(http2, NGHTTP2_NO_ERROR.rawValue)
        lendOutput(session)
        guard writable, flush(session) else { return }
        lendOutput(session)
        reactor.staged = 0
        if unsafe nghttp2_session_send(http2) == 0, reactor.staged > 0 {
            _ = unsafe session.seal(reactor.stage, reactor.staged)
        }
        session.close()
        _ = flush(session)
    }

    /// An accepted tunnel that fails before it stands has no stream to tell of it: it gets a log line of its own.
    private func reportFailedHandshake(_ failure: ConnectionFailure) {
        guard !isClient, phase != .open else { return }
        if case .drained = failure { return }
        reportAlone(failure)
    }

    private func reportAlone(_ failure: ConnectionFailure) {
        guard !isClient else { return }
        let record = ConnectionRecord(.inbound, source: peer, destination: local, start: reactor.now)
        reactor.close(record, failure)
    }

    private func becameOpen() {
        reactor.handshakes.leave(self)
        if isClient, streamCount == 0 { awaitIdle(idleLimit) }
        peerIdentity = session?.peerIdentity.map(PeerIdentity.init)
        if reactor.config.keepsQueuesShort {
            ReceiveQueue.shorten(descriptor, away: TCPSocket.leastRoundTrip(descriptor))
        }
        // Draining began during the handshake: only now can the peer be told.
        if reactor.draining { beginDrain() }
    }
}
