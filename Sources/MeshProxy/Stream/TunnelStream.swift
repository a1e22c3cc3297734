import CNghttp2
import MeshCore
import MeshLinux

/// What reading the application's socket for a tunnel gave.
enum ApplicationRead {
    case bytes(Int), end, nothingYet, stageFull, failed
}

/// An application's TCP connection joined to one HTTP/2 stream. Confined to one reactor at a time.
///
/// Uplink is application → tunnel, downlink tunnel → application. Each ends on its own (half-close); the connection is
/// over when both have.
@safe
final class TunnelStream {
    unowned(unsafe) var home: Reactor
    /// `nil` once HTTP/2 has closed the stream; bytes for the application may still be queued then.
    private var tunnelLink = Unretained<Tunnel>(nil)
    // Links of the tunnel's list of streams.
    private var nextLink = Unretained<TunnelStream>(nil)
    private var previousLink = Unretained<TunnelStream>(nil)

    let record: ConnectionRecord
    let descriptor: Int32
    var token: UInt64 = 0
    var id: Int32 = 0
    var queue = ByteQueue()
    /// Where an inbound connection goes.
    let target: SocketAddress
    /// Bytes of ours at the head of the queue, which an inbound application reads before the peer's (PROXY header).
    private var preambleLeft = 0

    // Uplink
    private var readable = false
    /// A short read does not say that the socket is empty.
    private var readsOn = false
    /// The far side has accepted: bytes may flow.
    private var isOpen = false
    /// Outbound: bytes that went ahead of the answer. They lie in the socket until it has come, for another tunnel if
    /// this one refuses the request.
    private var early = 0
    /// Bytes that may: what one DATA frame takes that no peer refuses, and no TLS record is cut for.
    private static let earlyLimit = 16 << 10
    private var maySendEarly: Bool { early == 0 && isAccepted && reactor.config.sendsEarly }
    /// HTTP/2 asked for bytes, got none, and waits to be told.
    private var isDeferred = false
    private var uplinkDone = false

    // Downlink
    /// The socket takes bytes, and nothing is queued for it.
    private(set) var writable = false
    private var endIsReceived = false
    private var writeShut = false

    private(set) var isConnecting: Bool
    /// Both ends have accepted.
    var isSettled: Bool { isOutbound ? isOpen : !isConnecting }
    private(set) var isClosed = false
    /// Outbound: a tunnel refused the request, which went to another one.
    private var isSecondTry: Bool { record.refusal != nil }

    /// - Parameter connectingTo: where the socket is on its way to (inbound); `nil` when it was accepted (outbound).
    init(_ reactor: Reactor, _ descriptor: Int32, record: ConnectionRecord, connectingTo: SocketAddress?) {
        unsafe home = reactor
        self.descriptor = descriptor
        self.record = record
        isConnecting = connectingTo != nil
        target = connectingTo ?? record.destination
        reactor.connections += 1
    }

    /// The reactor outlives everything that it serves.
    @inline(__always) var reactor: Reactor { unsafe home }

    private var isOutbound: Bool { record.direction == .outbound }
    /// An application's socket, and not the carrier of another tunnel.
    var isAccepted: Bool { isOutbound && record.carries == nil }

    @inline(__always) var tunnel: Tunnel? {
        get { tunnelLink.object }
        set { tunnelLink.object = newValue }
    }
    var next: TunnelStream? {
        get { nextLink.object }
        set { nextLink.object = newValue }
    }
    var previous: TunnelStream? {
        get { previousLink.object }
        set { previousLink.object = newValue }
    }

    /// Has the reactor poll the socket.
    /// - Returns: false when it cannot be, and then the socket is closed.
    func adopt() -> Bool {
        guard let token = reactor.adopt(descriptor, .stream, self) else {
            Kernel.abort(descriptor)
            isClosed = true
            reactor.connections -= 1
            return false
        }
        self.token = token
        if isAccepted { reactor.metrics.countSocket(.source, 1) }
        if isConnecting {
            let limit = UInt64(reactor.config.connectTimeout) * 1_000_000_000
            reactor.timers.set(.connect, token, after: limit, now: reactor.now)
        }
        return true
    }

    // MARK: Events

    func event(_ ready: Poller.Interest) {
        if isConnecting {
            guard ready.has(.connected) else { return }
            let error = Kernel.pendingError(descriptor)
            guard error == 0 else { return connectFailed(.connect(target, errno: error)) }
            connected()
        }
        if ready.has(.error) { return applicationFailed("application", Kernel.pendingError(descriptor)) }
        if ready.has(.breaksReading) { readsOn = true }
        if ready.has(.anythingToRead) {
            readable = true
            wantSend()
        }
        if ready.has(.writable), !writable, !isClosed {
            writable = true
            if !queue.isEmpty { drainQueue() } else if endIsReceived { shutWrite() }
        }
    }

    func alarm(_ alarm: Alarm) {
        // What an inner tunnel said last has been under way for long enough.
        if alarm == .settle, record.carries != nil { return cut(.drained) }
        guard alarm == .connect, isConnecting else { return }
        connectFailed(.connectTimeout(target, seconds: reactor.config.connectTimeout))
    }

    // MARK: Opening

    /// Inbound: the application took our connection.
    private func connected() {
        isConnecting = false
        isOpen = true
        guard let tunnel = tunnel else { return }
        tunnel.accept(self)
    }

    /// Inbound: bytes that go the way of refused ones, ahead of all others; the socket's first event sends them. To be
    /// called before the peer's first byte, which may come while the application is still being connected to.
    func queuePreamble(_ preamble: [UInt8]) {
        unsafe preamble.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            unsafe queue.append(base, bytes.count, from: reactor.pool)
        }
        preambleLeft = preamble.count
        tunnel?.noteQueued(preamble.count)
    }

    private func connectFailed(_ failure: ConnectionFailure) {
        tunnel?.refuse(self, status: 503)
        finish(failure, abort: true)
    }

    /// Outbound: `tunnel` has not processed the request, and never will; nothing of it was answered, and no byte of the
    /// application is lost. It is sent once more, on another tunnel.
    ///
    /// Source: RFC 9113, section 8.7. Deviation: ztunnel lets the connection fail.
    /// - Returns: false when it is not to be sent again.
    func tryAgain(refusedBy tunnel: Tunnel, _ refusal: RequestRefusal) -> Bool {
        guard isOutbound, !isOpen, !isClosed, !isSecondTry, let key = tunnel.poolKey else { return false }
        record.refusal = refusal
        isDeferred = false
        early = 0
        // What went ahead is still to be read, and no event will say so.
        readable = true
        reactor.openAgain(self, key, except: tunnel)
        return true
    }

    /// Outbound: the far proxy answered.
    func responseReceived(status: Int) {
        guard isOutbound, !isOpen else { return }
        guard status == 200 else {
            resetStream(NGHTTP2_CANCEL)
            return finish(.status(status), abort: true)
        }
        isOpen = true
        if !record.isOpen { reactor.bothTunnelsProgress(record, tunnel) }
        if early > 0, !takeEarly() { return }
        wantSend()
    }

    /// The bytes that went ahead have arrived for good.
    /// - Returns: false when the connection has ended.
    private func takeEarly() -> Bool {
        // Nothing is staged while answers are read.
        let count = unsafe Kernel.receive(descriptor, reactor.stage, early)
        guard count == early else {
            applicationFailed("read from the application", count < 0 ? Int32(-count) : 0)
            return false
        }
        record.countClientToServer(early)
        return true
    }

    /// Has what the application said first go with the request, or as soon as it says it, without waiting for the answer:
    /// that saves a round trip. Once, since what is not read yet can only be seen from its beginning.
    private func readAhead(atMost length: Int) -> ApplicationRead {
        let room = reactor.stageLimit - reactor.staged - HTTP2.frameHeader
        guard maySendEarly, !isClosed, room >= 4096 else {
            isDeferred = true
            return .nothingYet
        }
        let wanted = min(length, room, Self.earlyLimit)
        let count = unsafe Kernel.peek(descriptor, reactor.stage + reactor.staged + HTTP2.frameHeader, wanted)
        // What came is all there is, until the next event: nothing to look for once the answer has come.
        if count < wanted, !readsOn { readable = false }
        if count > 0 {
            early = count
            return .bytes(count)
        }
        if count == 0 || count == -Kernel.again {
            isDeferred = true
            return .nothingYet
        }
        // Told once: the socket forgets it.
        return readFailed(count)
    }

    // MARK: Uplink

    /// Tells HTTP/2 that the application has bytes.
    private func wantSend() {
        guard isOpen || maySendEarly, isDeferred, readable, !uplinkDone else { return }
        tunnelLink.use { tunnel in
            isDeferred = false
            _ = unsafe nghttp2_session_resume_data(tunnel.http2, id)
            tunnel.reactor.markDirty(tunnel)
        }
    }

    /// Called by HTTP/2 for the payload of the next DATA frame, which goes straight to its place in the stage.
    func readApplication(atMost length: Int) -> ApplicationRead {
        guard isOpen else { return readAhead(atMost: length) }
        guard readable, !isClosed else {
            isDeferred = true
            return .nothingYet
        }
        let room = reactor.stageLimit - reactor.staged - HTTP2.frameHeader
        guard room >= 4096 else { return .stageFull }
        let wanted = min(length, room)
        let count = unsafe Kernel.receive(descriptor, reactor.stage + reactor.staged + HTTP2.frameHeader, wanted)
        if count > 0 {
            if count < wanted, !readsOn { readable = false }
            if isOutbound { record.countClientToServer(count) } else { record.countServerToClient(count) }
            return .bytes(count)
        }
        if count == 0 {
            uplinkDone = true
            if writeShut { finish(nil, abort: false) }
            if record.carries != nil { reactor.timers.set(.settle, token, after: 5_000_000_000, now: reactor.now) }
            return .end
        }
        if count == -Kernel.again {
            readable = false
            isDeferred = true
            return .nothingYet
        }
        return readFailed(count)
    }

    private func readFailed(_ result: Int) -> ApplicationRead {
        let errno = Int32(-result)
        finish(Self.ignorable(errno) ? nil : .socket("read from the application", errno: errno), abort: true)
        return .failed
    }

    // MARK: Downlink

    /// The gathered bytes of a turn were written (`done` of `total`) and the rest queued.
    func delivered(_ done: Int, of total: Int) {
        if isOutbound { record.countServerToClient(total) } else { record.countClientToServer(total) }
        if done < total { writable = false }
        tunnelLink.use { tunnel in
            if done < total { tunnel.noteQueued(total - done) }
            if done > 0 { tunnel.credit(self, done) }
        }
    }

    private func drainQueue() {
        let (sent, error) = queue.drain(to: descriptor, pool: reactor.pool)
        if error == -Kernel.again { writable = false }
        if sent > 0, let tunnel = tunnel {
            tunnel.noteQueued(-sent)
            let ours = min(sent, preambleLeft)
            preambleLeft -= ours
            if sent > ours { tunnel.credit(self, sent - ours) }
        }
        if error != 0, error != -Kernel.again { return applicationFailed("write to the application", Int32(-error)) }
        if queue.isEmpty, endIsReceived { shutWrite() }
    }

    /// The far side will send no more.
    func endReceived() {
        guard !endIsReceived, !isClosed else { return }
        endIsReceived = true
        if queue.isEmpty, !isConnecting { shutWrite() }
    }

    private func shutWrite() {
        guard !writeShut else { return }
        writeShut = true
        if uplinkDone { finish(nil, abort: false) } else { Kernel.shutdownWrite(descriptor) }
    }

    // MARK: Ending

    /// HTTP/2 closed the stream: both sides ended it, or one reset it.
    func closedByHTTP2(_ code: UInt32) {
        guard !isClosed else { return }
        let tunnel = tunnel
        detach()
        if code == NGHTTP2_REFUSED_STREAM.rawValue, let tunnel,
            tryAgain(refusedBy: tunnel, tunnel.isLeaving ? .goaway : .reset)
        {
            return
        }
        if code == NGHTTP2_NO_ERROR.rawValue, isOpen {
            // A reset without an error says: I have sent all and want no more.
            uplinkDone = true
            endReceived()
            if writeShut { finish(nil, abort: false) }
            return
        }
        if endIsReceived, uplinkDone { return }
        // A cancelled stream ended early on the far side, which is no failure of the mesh; but the application must not
        // take it for a complete transfer.
        let cancelled = code == NGHTTP2_CANCEL.rawValue && isOpen
        finish(cancelled ? nil : .streamReset(code: code), abort: true)
    }

    /// The tunnel under this stream is gone.
    func tunnelClosed(_ failure: ConnectionFailure) {
        detach()
        // Both ends were received already: what is queued for the application still goes out.
        if endIsReceived, uplinkDone { return }
        finish(failure, abort: true)
    }

    func applicationFailed(_ what: String, _ errno: Int32) {
        resetStream(NGHTTP2_CANCEL)
        finish(errno == 0 || Self.ignorable(errno) ? nil : .socket(what, errno: errno), abort: true)
    }

    /// How applications commonly end connections; not failures.
    private static func ignorable(_ errno: Int32) -> Bool { Kernel.isDisconnect(errno) }

    private func resetStream(_ code: nghttp2_error_code) {
        guard let tunnel = tunnel else { return }
        _ = unsafe nghttp2_submit_rst_stream(tunnel.http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
        reactor.markDirty(tunnel)
    }

    /// Cuts the tie to HTTP/2: no callback finds this stream any more.
    private func detach() {
        guard let tunnel = tunnel else { return }
        _ = unsafe nghttp2_session_set_stream_user_data(tunnel.http2, id, nil)
        tunnel.remove(self)
    }

    /// Ends the connection. Called once; later calls do nothing.
    private func finish(_ failure: ConnectionFailure?, abort: Bool) {
        guard !isClosed else { return }
        isClosed = true
        detach()
        let failure = isSecondTry && !isOpen ? failure.map { .secondTry($0) } : failure
        queue.discard(reactor.pool)
        reactor.dismiss(descriptor)
        if abort { Kernel.abort(descriptor) } else { Kernel.close(descriptor) }
        if isAccepted { reactor.metrics.countSocket(.source, -1) }
        reactor.connections -= 1
        reactor.close(record, isOutbound && !isOpen ? failure?.beforeAnswer : failure)
    }

    /// A policy that changed refuses this inbound connection.
    func refuse(_ failure: ConnectionFailure) {
        guard isConnecting else { return cut(failure) }
        tunnel?.refuse(self, status: 401)
        finish(failure, abort: true)
    }

    /// Ends the connection from outside: a policy changed, the process stops.
    func cut(_ failure: ConnectionFailure) {
        resetStream(NGHTTP2_CANCEL)
        finish(failure, abort: true)
    }
}

extension Reactor {
    /// Adds decrypted payload to what one application socket gets in one write.
    @inline(__always)
    func deliver(_ stream: TunnelStream, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        if gather.stream.object !== stream || gather.isFull {
            flushGather()
            gather.stream.object = stream
        }
        unsafe gather.add(bytes, count)
    }

    /// Writes what is gathered, and queues what the socket refuses.
    func flushGather() {
        let stream = gather.stream
        gather.stream.object = nil
        stream.use(flushGather)
    }

    @inline(__always)
    private func flushGather(to stream: TunnelStream) {
        let total = gather.bytes
        guard !stream.isClosed else { return gather.clear() }
        var done = 0
        if stream.writable {
            let wrote = gather.write(to: stream.descriptor)
            if wrote < 0, wrote != -Kernel.again {
                gather.clear()
                return stream.applicationFailed("write to the application", Int32(-wrote))
            }
            done = max(0, wrote)
        }
        if done < total { gather.keep(after: done, in: &stream.queue, pool) }
        gather.clear()
        stream.delivered(done, of: total)
    }
}
