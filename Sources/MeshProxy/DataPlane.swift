package import MeshCore
package import MeshLinux
import MeshTLS
import Synchronization

/// The data path as the control plane holds it: reactors on threads of their own, fed with snapshots.
package final class DataPlane: Sendable {
    /// Of every reactor.
    let mailboxes: [Mailbox]
    private let workers: [Worker]
    private let threads: Mutex<[KernelThread]>
    private let metrics: [TrafficMetrics]
    /// Nanoseconds.
    private let metricsIdle: UInt64
    private let missingPolicies: Mutex<MissingPolicyNotice>
    private let logFormat: LogLine.Format
    private let sink: LogSink
    private let hosts: HostResolver
    /// What is listened on, as bound: a port that was asked for as 0 is known here.
    package let boundAddresses: [String: SocketAddress]

    /// Binds every listener, then starts the reactors. Nothing is left behind when one of them fails.
    ///
    /// - Throws: the first listener or thread that could not be had.
    package init(
        config: ProxyConfig, state: ProxyState, sink: LogSink, resolvers: Resolvers = Resolvers()
    ) throws(KernelError) {
        var listening: [Int32] = []
        do throws(KernelError) {
            var workers: [Worker] = []
            var metrics: [TrafficMetrics] = []
            var bound: [String: SocketAddress] = [:]
            var starts: [(name: String, body: @Sendable () -> Void)] = []
            for index in 0..<max(1, config.threads) {
                var listeners: [BoundListener] = []
                var transparent = true
                for (role, wanted) in Self.roles(config) {
                    // The first reactor settles port 0; the others join it.
                    let address = bound[role.rawValue] ?? wanted
                    let made = try TCPSocket.listen(
                        address, reusePort: config.reusePort || config.threads > 1,
                        transparent: config.originalSource != .never,
                        options: role.facesApplications ? config.applicationSockets : config.socketOptions)
                    listening.append(made.descriptor)
                    if config.originalSource == .required, !made.transparent {
                        throw KernelError(
                            code: 1,
                            operation: "set IP_TRANSPARENT on \(address) (ENABLE_ORIG_SRC=true needs CAP_NET_ADMIN)")
                    }
                    transparent = transparent && made.transparent
                    let local = TCPSocket.localAddress(made.descriptor) ?? address
                    bound[role.rawValue] = SocketAddress(address.ip, local.port)
                    listeners.append(BoundListener(role: role, descriptor: made.descriptor, address: local))
                }
                let worker = Worker(requests: try Mailbox(), bulk: config.bulkThreads ? try Mailbox() : nil)
                workers.append(worker)
                let spoof = transparent && config.originalSource != .never
                func add(_ name: String, _ mailbox: Mailbox, _ listeners: [BoundListener], _ lane: Lane) {
                    let (series, first) = (TrafficMetrics(), Parcel(state))
                    metrics.append(series)
                    let body: @Sendable () -> Void = {
                        Self.serve(
                            config, first, mailbox, series, sink, listeners, transparent: spoof, resolvers, lane)
                    }
                    starts.append(("\(name)-\(index)", body))
                }
                add("reactor", worker.requests, listeners, .requests(bulk: worker.bulk))
                if let bulk = worker.bulk { add("bulk", bulk, [], .bulk(requests: worker.requests)) }
            }
            var threads: [KernelThread] = []
            for (name, body) in starts { threads.append(try KernelThread.start(name, body)) }
            self.workers = workers
            mailboxes = workers.flatMap { [$0.bulk, $0.requests].compactMap(\.self) }
            self.metrics = metrics
            hosts = resolvers.hosts
            metricsIdle = UInt64(max(0, config.metricsIdleTimeout)) * 1_000_000_000
            boundAddresses = bound
            missingPolicies = Mutex(MissingPolicyNotice())
            logFormat = config.accessLog.format
            self.sink = sink
            self.threads = Mutex(threads)
            warnOfMissingPolicies(state)
        } catch {
            for descriptor in listening { Kernel.close(descriptor) }
            throw error
        }
    }

    /// The reactors that share what one thread would accept.
    private struct Worker: Sendable {
        let requests: Mailbox
        let bulk: Mailbox?

        /// The first one hands it on, behind the tunnels that it has sent to the second.
        func drain() { if !requests.post(.drain) { bulk?.post(.drain) } }
    }

    private struct BoundListener: Sendable {
        let role: Listener.Role
        let descriptor: Int32
        let address: SocketAddress
    }

    private static func roles(_ config: ProxyConfig) -> [(Listener.Role, SocketAddress)] {
        var roles: [(Listener.Role, SocketAddress)] = []
        if let address = config.outbound { roles.append((.outbound, address)) }
        if let address = config.inbound { roles.append((.inbound, address)) }
        if let address = config.inboundPlaintext { roles.append((.inboundPlaintext, address)) }
        if let address = config.socks5 { roles.append((.socks5, address)) }
        return roles
    }

    /// The body of a reactor's thread: the reactor is made there, and never leaves it.
    private static func serve(
        _ config: ProxyConfig, _ first: Parcel<ProxyState>, _ mailbox: Mailbox, _ metrics: TrafficMetrics,
        _ sink: LogSink, _ listeners: [BoundListener], transparent: Bool, _ resolvers: Resolvers, _ lane: Lane
    ) {
        let mine = listeners.map { Listener($0.role, descriptor: $0.descriptor, address: $0.address) }
        // Not kept while the reactor runs: it replaces its state, and nobody else is to hold the first one.
        func reactor() throws(KernelError) -> Reactor? {
            guard let state = first.take() else { return nil }
            return try Reactor(
                config: config, state: state, mailbox: mailbox, metrics: metrics, sink: sink, listeners: mine,
                transparent: transparent, resolvers: resolvers, lane: lane)
        }
        do {
            try reactor()?.run()
        } catch {
            var lines: [UInt8] = []
            var line = LogLine(
                format: config.accessLog.format, level: "error", target: "reactor", message: "reactor could not start")
            line.text("error", "\(error)")
            line.finish(into: &lines)
            sink.write(lines)
            for listener in mine { Kernel.close(listener.descriptor) }
        }
        mailbox.close()
    }

    /// Connections accepted from now on are judged by `state`. Open inbound ones are judged again when its policies are
    /// others than before, and closed when they would be refused now.
    package func publish(_ state: ProxyState) {
        warnOfMissingPolicies(state)
        post(.publish(state))
    }

    /// Returns when every reactor has taken what was published before, or has ended.
    ///
    /// Who holds the old state until then frees it himself: a state of many records takes a reactor long to free.
    package func settled() async {
        for mailbox in mailboxes {
            await withCheckedContinuation { continuation in
                if !mailbox.post(.settled { continuation.resume() }) { continuation.resume() }
            }
        }
    }

    private func warnOfMissingPolicies(_ state: ProxyState) {
        let lines = missingPolicies.withLock { $0.lines(state, format: logFormat) }
        if !lines.isEmpty { sink.write(lines) }
    }

    /// Stops accepting; open connections may finish until the drain deadline.
    package func drain() { for worker in workers { worker.drain() } }

    /// Closes everything.
    package func stop() { post(.stop) }

    /// Blocks until every reactor has ended.
    package func join() {
        for thread in threads.withLock({ threads in
            defer { threads = [] }
            return threads
        }) { thread.join() }
    }

    func post(_ mail: Mail) { for mailbox in mailboxes { mailbox.post(mail) } }

    /// The traffic metrics as OpenMetrics text, without the closing `# EOF`.
    package func metricsText() -> String {
        TrafficMetrics.text(metrics, now: Kernel.monotonicNanoseconds(), idle: metricsIdle) + hosts.metricsText()
    }
}
