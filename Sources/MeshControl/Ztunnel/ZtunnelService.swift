import Logging
import MeshCA
import MeshCore
import MeshDNS
import MeshLinux
import MeshProxy
import MeshState
import MeshTLS
import UnixSignals

/// A node proxy in dedicated mode: builds the parts in order, and takes them down in reverse.
package struct ZtunnelService: Sendable {
    private let settings: ZtunnelSettings

    package init(_ settings: ZtunnelSettings) { self.settings = settings }

    /// Serves until SIGTERM or SIGINT, then drains; a second SIGINT ends at once.
    ///
    /// - Throws: `MeshFailure` when a port cannot be bound or the certificate files are unusable.
    package func run() async throws {
        let sink: LogSink
        let plane: DataPlane
        let readiness = Readiness(pending: ["state manager", "proxy", "certificate"])
        let records: ProxyRecords
        let followed: Parcel<LocalConfigWatcher.Records>
        let names = DNSNames()
        guard let first = settings.records.take() else {
            throw MeshFailure(.bug, doing: "start ztunnel", reason: "it has run before")
        }
        do {
            // Before anything is opened; a refusal leaves the limit as it is.
            Kernel.occupyStandardDescriptors()
            _ = try? Kernel.raiseDescriptorLimit()
            try Self.checkDescriptorLimit()
            sink = try LogSink(descriptor: 1, format: settings.format)
            records = ProxyRecords(
                first.store.snapshot, first.config.origins, own: settings.own, credential: try firstCredential())
            // Each of these has one owner from here on, which lets go of it when the file has changed.
            followed = Parcel(consume first)
            plane = try DataPlane(
                config: settings.proxy, state: records.current, sink: sink,
                resolvers: Resolvers(names: settings.dns == nil ? nil : names))
        } catch let error as KernelError {
            throw Self.startFailure(error)
        }
        let control = LogControl(settings.filter) { filter in
            plane.setAccessLogThreshold(.init(filter.level(of: "access")))
            plane.setPolicyLogThreshold(.init(filter.level(of: "state")))
        }
        let format = settings.format
        func makeLogger(_ target: String) -> Logger {
            Logger(label: target) { MeshLogHandler(target: $0, control: control, format: format, sink: sink) }
        }
        let logger = makeLogger("ztunnel")
        let dns = settings.dns.map { settings in
            readiness.add("dns proxy")
            let first = DNSStateSlot.State(records.current)
            return DNSServer(settings, slot: DNSStateSlot(first), logger: makeLogger("dns"))
        }
        names.serve(dns)
        let deadline = settings.proxy.drainDeadline
        let drain = DrainSwitch { cause in
            logger.info("draining", metadata: ["cause": "\(cause)", "deadline": "\(deadline)s"])
            readiness.add("draining")
            plane.drain()
        }
        let proxy = RunningProxy(
            settings, plane: plane, dns: dns, records: consume records, readiness: readiness, log: control, sink: sink,
            drain: drain)
        if case .fixed(let pem, _) = settings.credential {
            proxy.credential.set(.available(chain: pem.certificateChain, roots: pem.trustBundle))
        }
        readiness.complete("state manager")
        for (role, address) in plane.boundAddresses.sorted(by: { $0.key < $1.key }) {
            logger.info("listening", metadata: ["for": "\(role)", "address": "\(address)"])
        }
        // Whichever way this ends, the reactors have ended before.
        defer { sink.close() }
        try await serve(proxy, followed, logger)
    }

    private func serve(
        _ proxy: RunningProxy, _ records: Parcel<LocalConfigWatcher.Records>, _ logger: Logger
    ) async throws {
        let (plane, readiness) = (proxy.plane, proxy.readiness)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await serveHTTP(proxy, logger)
                throw Finished()
            }
            if let dns = proxy.dns { group.addTask { try await serveNames(dns, proxy, logger) } }
            if !settings.source.paths().isEmpty { group.addTask { try await follow(records, proxy, logger) } }
            if case .authority(let client, let ttl) = settings.credential, let identity = settings.own.identity {
                let renewal = CertificateRenewal(
                    source: client, identity: identity, ttl: ttl, impersonate: false, logger: logger)
                let tls = settings.tls
                group.addTask {
                    await renewal.run { state in
                        let credential = ProxyState.Credential(state, tls, logger)
                        proxy.credential.set(.init(credential, state))
                        proxy.update { $0.credential = credential }
                        if case .available = credential { readiness.complete("certificate") }
                    }
                }
            } else {
                readiness.complete("certificate")
            }
            readiness.complete("proxy")
            group.addTask {
                // Once the other tasks have started too.
                try? await Task.sleep(for: .seconds(2))
                Kernel.forgetStartupCode()
            }
            group.addTask {
                try await untilDrained(proxy)
                logger.info("drained")
                proxy.end.begin("drained")
            }
            defer { group.cancelAll() }
            // Not waitForAll: that hears of the first error only when the last task has ended.
            do {
                for try await _ in group {}
            } catch is Finished {
            } catch {
                // The task that waits for the reactors must come to its end, or the group never does.
                plane.stop()
                throw error
            }
        }
    }

    /// Ends the group of tasks when the process has drained.
    private struct Finished: Error {}

    private func listening(_ address: SocketAddress) -> AdminServer.Listening {
        AdminServer.Listening(address, isShared: settings.proxy.reusePort)
    }

    private func servers(_ proxy: RunningProxy, _ logger: Logger) -> [AdminServer] {
        let metrics = MetricsPage(
            istioVersion: settings.config.istioVersion,
            traffic: { proxy.plane.metricsText() + (proxy.dns?.metricsText() ?? "") })
        let pages = AdminPages(proxy.subject)
        return [
            AdminServer(listening(settings.metrics), purpose: "metrics", logger: logger) { metrics.answer($0) },
            AdminServer(listening(settings.readiness), purpose: "readiness", logger: logger) {
                proxy.readiness.answer($0)
            },
        ]
            + settings.admin.map { listening in
                AdminServer(listening, purpose: "admin", logger: logger) { await pages.answer($0) }
            }
    }

    /// Serves the ports of HTTP until the end, and those who are being answered then.
    private func serveHTTP(_ proxy: RunningProxy, _ logger: Logger) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for server in servers(proxy, logger) {
                group.addTask {
                    try await server.run(leaving: proxy.drain.untilBegun, ending: proxy.end.untilBegun) { port in
                        logger.info("listening", metadata: ["for": "\(server.purpose)", "address": "port \(port)"])
                    }
                }
            }
            for try await _ in group {}
        }
        // A successor may have taken the ports over long before.
        for await _ in proxy.end.untilBegun {}
    }

    /// Answers questions until the drain begins; those that are open then get their answers.
    private func serveNames(_ dns: DNSServer, _ proxy: RunningProxy, _ logger: Logger) async throws {
        for address in try await dns.start() {
            logger.info("listening", metadata: ["for": "dns", "address": "\(address)"])
        }
        proxy.readiness.complete("dns proxy")
        for await _ in proxy.drain.untilBegun {}
        await dns.stop(graceful: !Task.isCancelled)
    }

    /// Has connections judged by what the files say now.
    private func follow(
        _ records: Parcel<LocalConfigWatcher.Records>, _ proxy: RunningProxy, _ logger: Logger
    ) async throws {
        guard let first = records.take() else { return }
        let watcher = LocalConfigWatcher(settings.source, logger: logger)
        do throws(KernelError) {
            try await watcher.run(from: consume first) { update in
                await take(update, proxy, logger)
                // Free places among the new records: the allocator keeps their pages until it is told.
                if update.changes.count > Self.manyChanges { Kernel.returnFreeMemory() }
            }
        } catch {
            logger.error(
                "local configuration is not followed, changes need a restart",
                metadata: ["path": "\(settings.source.name)", "reason": "\(error)"])
        }
    }

    /// Changes beyond which what they leave behind is worth giving back.
    private static let manyChanges = 1000

    /// Has connections judged by these records, and frees those that nobody has any more: here, not in the last reactor
    /// that had them.
    private func take(_ update: LocalConfigWatcher.Update, _ proxy: RunningProxy, _ logger: Logger) async {
        let old = proxy.current
        defer { withExtendedLifetime(old) {} }
        if let problem = proxy.update({ $0.take(update.snapshot, update.origins) }) {
            logger.error("own workload is not usable, nothing new is taken", metadata: ["reason": "\(problem)"])
        }
        await proxy.plane.settled()
    }

    /// Returns when the last reactor has ended, after a signal or a word to the admin port.
    private func untilDrained(_ proxy: RunningProxy) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                    // Whoever presses Ctrl-C twice does not want to wait.
                    if !proxy.drain.begin("\(signal)"), signal == .sigint { proxy.plane.stop() }
                }
            }
            group.addTask {
                await join(proxy.plane)
                throw Finished()
            }
            defer { group.cancelAll() }
            // Not waitForAll: that hears of the first error only when the last task has ended.
            do { for try await _ in group {} } catch is Finished {}
        }
    }

    /// Waits for the reactors without holding a thread of the concurrency pool.
    private func join(_ plane: DataPlane) async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            do throws(KernelError) {
                _ = try KernelThread.start("join") {
                    plane.join()
                    done.resume()
                }
            } catch {
                plane.join()
                done.resume()
            }
        }
    }

    private func firstCredential() throws -> ProxyState.Credential {
        guard case .fixed(let pem, let origin) = settings.credential else { return .pending }
        let credential: TLSCredential
        do throws(TLSError) {
            credential = try TLSCredential(pem, options: settings.tls)
        } catch {
            throw MeshFailure(.corrupt, doing: "load \(origin)", reason: "\(error)")
        }
        guard credential.identity == settings.own.identity else {
            throw MeshFailure(
                .usage, doing: "load \(origin)",
                reason: "they are for \(credential.identity), but this proxy acts for "
                    + (settings.own.identity.map { "\($0)" } ?? "a workload without identity"))
        }
        return .available(credential)
    }

    /// What opens its descriptors later cannot say well that there are none.
    private static func checkDescriptorLimit() throws(MeshFailure) {
        let fewest = 64
        guard let limit = ProcessFacts.descriptorLimit, limit < fewest else { return }
        throw MeshFailure(
            .unavailable, doing: "start ztunnel",
            reason: "it may open \(limit) files and needs \(fewest) at the least; raise the limit (ulimit -n)")
    }

    private static func startFailure(_ error: KernelError) -> MeshFailure {
        switch error.code {
        case 1, 13:
            MeshFailure(
                .denied, doing: "start ztunnel",
                reason: "\(error); run as root or with CAP_NET_ADMIN, or without a packet mark")
        default:
            MeshFailure(
                .unavailable, doing: "start ztunnel",
                reason: "\(error)" + (error.code == 98 ? "; is another proxy running in this network namespace?" : ""))
        }
    }
}

extension CredentialStanding.State {
    /// - Parameter credential: what became of `state` when it was loaded.
    fileprivate init(_ credential: ProxyState.Credential, _ state: CertificateRenewal.State) {
        switch (credential, state) {
        case (.available, .available(let issued)):
            self = .available(
                chain: Array(issued.certificateChainPEM.utf8), roots: Array(issued.trustBundlePEM.utf8))
        case (.unavailable(let why), _): self = .unavailable(why)
        case (.pending, _), (.available, .unavailable): self = .initializing
        }
    }
}
