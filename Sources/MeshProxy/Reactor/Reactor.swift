import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import MeshTLS
import Synchronization

/// Who goes on reading in the next turn. Not retained: see `Reactor.graveyard`.
@safe
enum Reader {
    case tunnel(Unmanaged<Tunnel>)
    case relay(Unmanaged<RelayEnd>)

    func isTunnel(_ pointer: UnsafeMutableRawPointer) -> Bool {
        guard case .tunnel(let reader) = self else { return false }
        return unsafe reader.toOpaque() == pointer
    }
}

/// One thread's share of the data path: its own epoll, listeners, connections, buffers and timers.
///
/// Nothing in it is shared with another thread but the mailbox, the metrics (relaxed atomics) and the log sink. It
/// never blocks and never takes a lock while it holds I/O. A turn is: events, timers, unfinished readers, tunnels with
/// something to send, log lines, and last the release of what was closed; no callback runs inside another's turn.
@safe
final class Reactor {
    /// Bytes of plaintext that one turn gathers for one tunnel, and of ciphertext that one read takes.
    static let stageCapacity = 512 << 10
    static let cipherCapacity = 512 << 10
    /// Bytes that one connection may move in one turn before others get theirs: large ones cost least per byte.
    static let turnBudget = 1 << 20
    /// The same while connections that carry little are at work beside it, and wait for the end of its share.
    static let contendedBudget = 128 << 10
    /// Bytes that a tunnel may seal at a time while memory is short: its socket may refuse them.
    static let scarceStage = 16 << 10
    /// Nanoseconds for which such work is expected to go on.
    static let lightMemory: UInt64 = 10_000_000

    let config: ProxyConfig
    let poller: Poller
    let pool: BufferPool
    let mailbox: Mailbox
    let metrics: TrafficMetrics
    var table = DescriptorTable()
    var timers: TimerWheel
    var log: AccessLog
    var state: ProxyState
    var random = QuickRandom()
    /// Monotonic nanoseconds, read once per turn.
    var now: UInt64

    // Scratch, shared by every connection of this reactor; nothing in it outlives the handling of one event.
    let cipher: UnsafeMutablePointer<UInt8>
    let plain: UnsafeMutablePointer<UInt8>
    let stage: UnsafeMutablePointer<UInt8>
    static let plainCapacity = cipherCapacity + (64 << 10)
    /// Bytes of `stage` in use while one tunnel is pumped.
    var staged = 0
    /// Bytes of `stage` that payload may fill.
    var stageLimit = stageCapacity
    /// When a connection that carries no bulk last moved something.
    private var lightWorkAt: UInt64 = 0
    let gather = Gather()
    var requestHead = RequestHead()

    // Work lists of this turn and the next. Entries are not retained: what is closed stays in the graveyard until no
    // list can hold it any more. Exclusive access goes without a check, as every turn and every request would pay for it:
    // no call that is made while one of them changes leads back here.
    @exclusivity(unchecked) private var dirty: [Unmanaged<Tunnel>] = unsafe []
    private var again: [Reader] = []
    @exclusivity(unchecked) private var spareDirty: [Unmanaged<Tunnel>] = unsafe []
    private var spareAgain: [Reader] = []
    private var due: [TimerWheel.Entry] = []
    @exclusivity(unchecked) private var graveyard: [Unmanaged<AnyObject>] = unsafe []
    @exclusivity(unchecked) private var olderGraveyard: [Unmanaged<AnyObject>] = unsafe []

    let lane: Lane
    /// The tunnel that is to go to the worker's other reactor at the end of this turn. Alive until then: see `graveyard`.
    var leaver = Unretained<Tunnel>(nil)
    /// Half of what connections may hold has gone there.
    var hasLentMemory = false

    let router: Router
    let resolvers: Resolvers
    /// Whether upstream sockets may take the client's address.
    let transparent: Bool
    var tunnels = TunnelPool()
    var sources = BaggagePeers()
    var handshakes = HandshakeGate()
    var pipes = PipePool()
    private(set) var series: SeriesBook
    private(set) var listeners: [Listener] = []
    /// Tunnels and relays that are alive; what draining waits for.
    var connections = 0
    var walks = Walks()
    private(set) var draining = false
    private static let closing = Mutex(())
    private var peakConnections = 0
    /// When memory that only bulk needs was used last, and whether it is to be given back.
    private var bulkMemoryUsedAt: UInt64 = 0
    private var awaitsCalm = false
    /// Bytes of each scratch buffer that are kept.
    static let smallScratch = 64 << 10
    private var settles = false
    /// Connections whose memory is worth giving back, and how long after they went that is done.
    static let crowd = 256
    static let settleDelay: UInt64 = 2_000_000_000
    /// When running out of descriptors may be logged again.
    private var nextComplaint: UInt64 = 0
    private var nextMemoryComplaint: UInt64 = 0
    static let complaintInterval: UInt64 = 10_000_000_000
    private var stopped = false

    init(
        config: ProxyConfig, state: ProxyState, mailbox: Mailbox, metrics: TrafficMetrics, sink: LogSink,
        listeners: [Listener], transparent: Bool, resolvers: Resolvers = Resolvers(), lane: Lane = .requests(bulk: nil)
    ) throws(KernelError) {
        self.config = config
        self.lane = lane
        self.transparent = transparent
        self.resolvers = resolvers
        router = Self.makeRouter(config)
        self.state = state
        self.mailbox = mailbox
        self.metrics = metrics
        series = SeriesBook(config, metrics)
        self.listeners = listeners
        poller = try Poller()
        now = Kernel.monotonicNanoseconds()
        timers = TimerWheel(now: now)
        log = AccessLog(config.accessLog, sink: sink)
        pool = BufferPool(
            outputCapacity: TLSSession.sealedSize(of: Self.stageCapacity + Stage.slack) + (64 << 10),
            limit: Self.memory(config, lane))
        unsafe cipher = .allocate(capacity: Self.cipherCapacity)
        unsafe plain = .allocate(capacity: Self.plainCapacity)
        unsafe stage = .allocate(capacity: Stage.bytes)
        for listener in listeners {
            listener.handsOver = TCPSocket.letSuccessorInherit(listener.descriptor)
            listener.token = table.occupy(listener.descriptor, .listener, listener)
            _ = poller.add(listener.descriptor, .readable, token: listener.token)
        }
        let token = table.occupy(mailbox.descriptor, .doorbell, mailbox)
        _ = poller.add(mailbox.descriptor, .readable, token: token)
        setTidyAlarm()
    }

    deinit {
        unsafe cipher.deallocate()
        unsafe plain.deallocate()
        unsafe stage.deallocate()
    }

    /// Bytes that connections may hold; a second reactor gets its part with the first tunnel.
    private static func memory(_ config: ProxyConfig, _ lane: Lane) -> Int {
        guard case .requests = lane else { return 0 }
        return config.bufferLimit / max(1, config.threads)
    }

    private static func makeRouter(_ config: ProxyConfig) -> Router {
        var router = Router()
        router.network = config.network
        router.hbonePort = config.hbonePort
        router.illegalPorts = config.illegalPorts
        router.localhostAppTunnel = config.localhostAppTunnel
        return router
    }

    /// Serves until stopped, or until a drain has come to its end.
    func run() {
        // After a turn of bulk those go first that wait for this core and have had less of it: small requests wait for
        // bulk no longer than one turn takes. Yielding gives up the rest of a slice, so only with short ones: with the
        // usual ones, others that want the core for long would get most of it.
        let yields = if case .bulk = lane { Kernel.takeShortSlices() } else { false }
        while !stopped {
            turn()
            if yields { Kernel.yield() }
        }
        closeListeners()
        for tunnel in everyTunnel { tunnel.close(.drained, graceful: true) }
        for case let relay as RelayEnd in table.all(.relay) { relay.relayFail(.drained) }
        for case let stream as TunnelStream in table.all(.stream) { stream.cut(.drained) }
        abandonWalks()
        for case let parked as ParkedConnection in table.all(.parked) { parked.giveUp(.drained) }
        for case let client as SOCKS5Connection in table.all(.socks5) { client.giveUp(.drained) }
        log.flush()
        releaseGraveyard()
        releaseGraveyard()
    }

    /// Waits for events and handles them; what `run` repeats.
    func turn() {
        let idle =
            unsafe dirty.isEmpty && again.isEmpty && graveyard.isEmpty && olderGraveyard.isEmpty && walks.isEmpty
        let count = poller.wait(milliseconds: idle ? timers.wait(now: now) : 0)
        now = Kernel.monotonicNanoseconds()
        for index in 0..<count { dispatch(poller.token(index), poller.ready(index)) }
        ringAlarms()
        if !walks.isEmpty { stepWalks() }
        if !again.isEmpty { resumeReaders() }
        if unsafe !dirty.isEmpty { pumpDirty() }
        if leaver.object != nil { moveLeaver() }
        log.flush()
        releaseGraveyard()
        notePeak()
        noteBlocks()
        if draining, connections == 0 { stopped = true }
    }

    @inline(__always)
    private func dispatch(_ token: UInt64, _ ready: Poller.Interest) {
        let (occupant, object) = unsafe table.find(token)
        guard let object = unsafe object else { return }
        switch occupant {
        case .stream:
            unsafe object._withUnsafeGuaranteedRef { unsafe unsafeDowncast($0, to: TunnelStream.self).event(ready) }
        case .tunnel: unsafe object._withUnsafeGuaranteedRef { unsafe unsafeDowncast($0, to: Tunnel.self).event(ready) }
        case .relay:
            unsafe object._withUnsafeGuaranteedRef { unsafe unsafeDowncast($0, to: RelayEnd.self).event(ready) }
        case .parked:
            unsafe object._withUnsafeGuaranteedRef { unsafe unsafeDowncast($0, to: ParkedConnection.self).event(ready) }
        case .socks5:
            unsafe object._withUnsafeGuaranteedRef { unsafe unsafeDowncast($0, to: SOCKS5Connection.self).event(ready) }
        case .listener: unsafe object._withUnsafeGuaranteedRef { unsafe accept(unsafeDowncast($0, to: Listener.self)) }
        case .doorbell: readMail()
        case .nobody: break
        }
    }

    private func ringAlarms() {
        timers.expire(now: now, into: &due) { unsafe table.find($0).occupant != .nobody }
        if due.isEmpty { return }
        // Ringing may set timers, never expire them: the list is ours until it is cleared.
        for entry in due { ring(entry.alarm, entry.token) }
        due.removeAll(keepingCapacity: due.capacity <= 4096)
    }

    /// One of the reactor's own, which ring at its doorbell.
    private func setAlarm(_ alarm: Alarm, after nanoseconds: UInt64) {
        timers.set(alarm, table.token(of: mailbox.descriptor), after: nanoseconds, now: now)
    }

    private func ring(_ alarm: Alarm, _ token: UInt64) {
        let (occupant, object) = unsafe table.find(token)
        guard let object = unsafe object?.takeUnretainedValue() else { return }
        switch occupant {
        case .stream: unsafe unsafeDowncast(object, to: TunnelStream.self).alarm(alarm)
        case .tunnel: unsafe unsafeDowncast(object, to: Tunnel.self).alarm(alarm)
        case .relay: unsafe unsafeDowncast(object, to: RelayEnd.self).alarm(alarm)
        case .parked: unsafe unsafeDowncast(object, to: ParkedConnection.self).alarm(alarm)
        case .socks5: unsafe unsafeDowncast(object, to: SOCKS5Connection.self).alarm(alarm)
        case .listener: unsafe wake(unsafeDowncast(object, to: Listener.self))
        case .doorbell:
            // The deadline of a drain has come: what is still open is cut.
            if alarm == .drain { stopped = true }
            if alarm == .tidy { tidy() }
            if alarm == .settle { settle() }
            if alarm == .cool { cool() }
        case .nobody: break
        }
    }

    // MARK: Work lists

    /// Bytes that one connection may move in this turn.
    @inline(__always) var share: Int {
        now &- lightWorkAt < Self.lightMemory ? Self.contendedBudget : Self.turnBudget
    }

    /// A connection that carried so much lately moved something.
    @inline(__always)
    func noteWork(of bulk: BulkMeter) {
        if !bulk.isBulk(now: now) { lightWorkAt = now }
    }

    /// The same for a tunnel, which may have to leave small requests alone.
    @inline(__always)
    func noteWork(of tunnel: Tunnel) {
        let bytes = tunnel.bulk.bytes(now: now)
        if bytes < BulkMeter.threshold { lightWorkAt = now }
        guard bytes >= config.heavyBytes, case .requests(.some) = lane else { return }
        if now &- lightWorkAt < Self.lightMemory { leaver.object = tunnel }
    }

    /// A tunnel that left small requests alone goes back to them when it carries no bulk any more.
    func noteCalm(of tunnel: Tunnel) {
        if case .bulk = lane, tunnel.bulk.bytes(now: now) == 0 { leaver.object = tunnel }
    }

    /// `tunnel` has something to send: it is pumped at the end of this turn.
    @inline(__always)
    func markDirty(_ tunnel: Tunnel) {
        if tunnel.isDirty { return }
        tunnel.isDirty = true
        unsafe dirty.append(.passUnretained(tunnel))
    }

    /// `reader` used up its share of this turn with bytes left to read.
    func resumeLater(_ reader: Reader) { again.append(reader) }

    private func resumeReaders() {
        swap(&again, &spareAgain)
        for reader in spareAgain {
            switch reader {
            case .tunnel(let tunnel): unsafe tunnel._withUnsafeGuaranteedRef { $0.resume() }
            case .relay(let relay): unsafe relay._withUnsafeGuaranteedRef { $0.resume() }
            }
        }
        spareAgain.removeAll(keepingCapacity: true)
    }

    private func pumpDirty() {
        unsafe swap(&dirty, &spareDirty)
        for index in unsafe spareDirty.indices { unsafe spareDirty[index]._withUnsafeGuaranteedRef { $0.pump() } }
        unsafe spareDirty.removeAll(keepingCapacity: true)
    }

    /// Takes a tunnel that moves away out of what the next turn works through.
    func forget(_ tunnel: Tunnel) {
        let gone = unsafe Unmanaged.passUnretained(tunnel).toOpaque()
        if tunnel.isDirty { unsafe dirty = dirty.filter { unsafe $0.toOpaque() != gone } }
        if tunnel.readsLater { again = again.filter { unsafe !$0.isTunnel(gone) } }
        (tunnel.isDirty, tunnel.readsLater) = (false, false)
    }

    // MARK: Descriptors

    /// Takes `fd` into the table and polls it.
    /// - Returns: its token; `nil` when the kernel refuses to poll it, and then nothing is kept.
    func adopt(_ fd: Int32, _ occupant: Occupant, _ object: AnyObject) -> UInt64? {
        let token = table.occupy(fd, occupant, object)
        if poller.add(fd, .connection, token: token) >= 0 { return token }
        unsafe table.vacate(fd)?.release()
        return nil
    }

    /// Lets go of `fd`, which the caller closes; its object lives on until the lists of work have forgotten it.
    func dismiss(_ fd: Int32) {
        if let object = unsafe table.vacate(fd) { unsafe graveyard.append(object) }
    }

    /// The same for an object that has no descriptor.
    func bury(_ object: AnyObject) { unsafe graveyard.append(.passRetained(object)) }

    /// Stops polling `fd`, which goes on in other hands; its object goes as with `dismiss`.
    func handOver(_ fd: Int32) {
        dismiss(fd)
        poller.remove(fd)
    }

    private func releaseGraveyard() {
        // Two generations: what was closed in this turn may stand in a list that the next turn works through.
        for index in unsafe olderGraveyard.indices { unsafe olderGraveyard[index].release() }
        unsafe olderGraveyard.removeAll(keepingCapacity: true)
        unsafe swap(&graveyard, &olderGraveyard)
    }

    // MARK: Memory

    /// The allocator keeps what a crowd of connections needed. When most of them have gone it is told to give it back.
    @inline(__always)
    private func notePeak() {
        if connections > peakConnections {
            peakConnections = connections
        } else if connections < peakConnections / 4, peakConnections > Self.crowd, !settles {
            settles = true
            setAlarm(.settle, after: Self.settleDelay)
        }
    }

    /// So much of the scratch was used at once.
    @inline(__always)
    func noteScratch(_ count: Int) {
        if count > Self.smallScratch { awaitCalm() }
    }

    /// Blocks may come back long after bulk has passed: from an application that was slow.
    @inline(__always)
    private func noteBlocks() {
        guard pool.hasUsedBlocks else { return }
        pool.hasUsedBlocks = false
        awaitCalm()
    }

    /// Memory was used that is worth giving back, once none has been for a while.
    private func awaitCalm() {
        bulkMemoryUsedAt = now
        if awaitsCalm { return }
        awaitsCalm = true
        setAlarm(.cool, after: Self.settleDelay)
    }

    /// Bulk leaves some MiB of scratch behind, for which small requests have no use.
    private func cool() {
        let due = bulkMemoryUsedAt + Self.settleDelay
        if now < due { return setAlarm(.cool, after: due - now) }
        awaitsCalm = false
        unsafe Kernel.forget(cipher + Self.smallScratch, Self.cipherCapacity - Self.smallScratch)
        unsafe Kernel.forget(plain + Self.smallScratch, Self.plainCapacity - Self.smallScratch)
        unsafe Kernel.forget(stage + Self.smallScratch, Stage.bytes - Self.smallScratch)
        pool.forget()
    }

    private func settle() {
        settles = false
        if connections < peakConnections / 4 { Kernel.returnFreeMemory() }
        peakConnections = connections
    }

    // MARK: Control

    private func readMail() {
        for mail in mailbox.collect() {
            switch mail {
            case .publish(let next): publish(next)
            case .drain: drain()
            case .settled(let answer): answer()
            case .stop: stopped = true
            case .connections(let answer): walks.connections.append(Listing(answer))
            case .tunnels(let answer): walks.tunnels.append(Listing(answer))
            case .accessLog(let threshold): log.set(threshold: threshold)
            case .policyLog(let threshold): log.set(policyThreshold: threshold)
            case .resolved(let token, let answer): hand(answer, to: token)
            case .take(let moving): take(moving)
            case .ended(let key): tunnels.ended(key)
            }
        }
    }

    private func publish(_ next: ProxyState) {
        let wasPending = if case .pending = state.credential { true } else { false }
        let samePolicies = next.policy.isSame(as: state.policy)
        state = next
        if !samePolicies { beginJudging() }
        guard wasPending else { return }
        if case .pending = next.credential { return }
        for tunnel in everyTunnel { tunnel.credentialDecided() }
    }

    /// Those with a socket, and those that wait in the pool for our certificate.
    private var everyTunnel: [Tunnel] {
        table.all(.tunnel).compactMap { $0 as? Tunnel } + tunnels.all.filter { $0.phase == .awaitingCredential }
    }

    private func drain() {
        guard !draining else { return }
        draining = true
        // Behind whatever was sent there before; nothing follows.
        if case .requests(let bulk) = lane { bulk?.post(.drain) }
        // What the kernel accepted for us is for our successor; where it cannot be handed over, it is served here.
        for listener in listeners where !listener.handsOver { acceptWaiting(listener) }
        // One reactor after the other: what waits may move to a sibling's listener first, which must not be closing.
        Self.closing.withLock { _ in closeListeners() }
        setAlarm(.drain, after: UInt64(config.drainDeadline) * 1_000_000_000)
        for tunnel in everyTunnel { tunnel.beginDrain() }
    }

    private func closeListeners() {
        for listener in listeners {
            dismiss(listener.descriptor)
            Kernel.close(listener.descriptor)
        }
        listeners = []
    }

    // MARK: Accepting

    private func accept(_ listener: Listener) {
        // A bound per turn: a flood of new connections must not starve the open ones.
        for _ in 0..<64 {
            let error = acceptOne(listener)
            if error == 0 { continue }
            if Kernel.isExhaustion(error) { rest(listener, error) }
            return
        }
    }

    private func acceptWaiting(_ listener: Listener) { while acceptOne(listener) == 0 {} }

    /// - Returns: 0, or the error for which nothing was accepted.
    private func acceptOne(_ listener: Listener) -> Int32 {
        let (fd, peer) = TCPSocket.accept(listener.descriptor)
        guard fd >= 0 else { return -fd }
        switch listener.role {
        case .outbound: acceptOutbound(fd, peer, on: listener)
        case .inbound: acceptTunnel(fd, peer)
        case .inboundPlaintext: acceptPlaintext(fd, peer, on: listener)
        case .socks5: SOCKS5Connection.serve(self, fd, peer, listener.address)
        }
        return 0
    }

    /// No descriptor is left: stop asking for a moment instead of spinning on a connection that cannot be taken.
    private func rest(_ listener: Listener, _ error: Int32) {
        if now >= nextComplaint {
            nextComplaint = now + Self.complaintInterval
            log.warn(
                "cannot accept connections",
                reason:
                    "\(KernelError.text(error)) (errno \(error)); they wait until others have ended, or raise the limit"
                    + " of open files")
        }
        listener.resting = true
        _ = poller.modify(listener.descriptor, .nothing, token: listener.token)
        timers.set(.settle, listener.token, after: 100_000_000, now: now)
    }

    /// What is held for those who do not read has reached the limit.
    func complainOfMemory() {
        guard now >= nextMemoryComplaint else { return }
        nextMemoryComplaint = now + Self.complaintInterval
        log.warn(
            "tunnels with slow readers wait",
            reason:
                "\(pool.held) bytes wait for applications and peers that do not read, of \(pool.limit) that may"
                + " (MESHCTL_BUFFER_LIMIT); their tunnels get no more before some are read")
    }

    private func wake(_ listener: Listener) {
        guard listener.resting else { return }
        listener.resting = false
        _ = poller.modify(listener.descriptor, .readable, token: listener.token)
    }

    // MARK: Metrics

    func findSeries(_ record: ConnectionRecord) -> TrafficSeries { series.find(record) }

    /// Opens `record` for the metrics and the log.
    func open(_ record: ConnectionRecord) {
        record.isOpen = true
        let series = series.find(record)
        record.series = series
        TrafficSeries.add(1, to: series.opened)
        log.opened(record)
    }

    private func setTidyAlarm() {
        guard config.metricsIdleTimeout > 0 else { return }
        let round = UInt64(config.metricsIdleTimeout) * 1_000_000_000 / UInt64(SeriesBook.quietRounds)
        setAlarm(.tidy, after: round)
    }

    private func tidy() {
        series.tidy(now: now)
        sources.tidy()
        pool.shrink()
        setTidyAlarm()
    }

    /// The end of a connection: one line, and one count. A record that never opened is logged as failed early.
    func close(_ record: ConnectionRecord, _ failure: ConnectionFailure?) {
        if let inner = record.carries { return inner.carrierEnded(failure) }
        guard record.isOpen else {
            if let failure { log.failed(record, failure) }
            return
        }
        record.isOpen = false
        record.series?.countClosed(failure?.flag ?? .none)
        log.complete(record, failure: failure, now: now)
    }
}
