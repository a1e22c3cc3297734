import Logging
import MeshCore
import MeshState
import MeshWire
import NIOCore

/// Takes questions, decides, answers or asks upstream.
///
/// Isolation: one event loop, on which it is made and used.
final class DNSService {
    let settings: DNSSettings
    let eventLoop: any EventLoop
    let source: ResolverSource
    private let slot: DNSStateSlot
    private let metrics: DNSMetrics
    private let logger: Logger
    private let forwarder: Forwarder
    private var names: MeshNames
    private var random = QuickRandom()

    /// Open questions, those from before a stop first.
    private var open = (before: 0, since: 0)
    private var whenDrained: (() -> Void)?
    private var isStopping = false
    private var connections: [ObjectIdentifier: StreamConnection] = [:]

    init(
        _ settings: DNSSettings, slot: DNSStateSlot, metrics: DNSMetrics, logger: Logger, eventLoop: any EventLoop
    ) {
        self.settings = settings
        self.slot = slot
        self.metrics = metrics
        self.logger = logger
        self.eventLoop = eventLoop
        source = ResolverSource(settings, logger: logger, now: eventLoop.now)
        forwarder = Forwarder(settings, source: source, eventLoop: eventLoop)
        names = Self.names(settings, source.current)
    }

    private static func names(_ settings: DNSSettings, _ conf: ResolvConf) -> MeshNames {
        MeshNames(
            expansion: NameExpansion(
                clusterDomain: settings.clusterDomain,
                searchDomains: settings.searchDomains == .kubernetes ? .kubernetes : .fixed(conf.searchDomains)),
            preferredNamespace: settings.preferredNamespace, ipv6: settings.ipv6)
    }

    private func refresh() {
        if source.refresh(now: eventLoop.now) { names = Self.names(settings, source.current) }
    }

    var outstanding: Int { forwarder.outstanding }

    // MARK: Connections

    /// False when there are as many as may be.
    func connectionOpened(_ connection: StreamConnection, from peer: NIOCore.SocketAddress?) -> Bool {
        guard connections.count < settings.connectionLimit, !isStopping else {
            logger.debug(
                "connection refused",
                metadata: [
                    LogKey.peer: "\(peer.map(String.init(describing:)) ?? "")",
                    LogKey.reason: "\(settings.connectionLimit) connections are open already",
                ])
            return false
        }
        connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func connectionClosed(_ connection: StreamConnection) { connections[ObjectIdentifier(connection)] = nil }

    func closeConnections() { for connection in Array(connections.values) { connection.close() } }

    // MARK: Stop

    /// Lets connections end, and tells when the questions that are open now have their answers.
    func drain(_ done: @escaping () -> Void) {
        isStopping = true
        (open.before, open.since) = (open.before + open.since, 0)
        for connection in Array(connections.values) { connection.finish() }
        if open.before == 0 { done() } else { whenDrained = done }
    }

    func stop() {
        isStopping = true
        forwarder.stop()
    }

    private func begin() -> () -> Void {
        let isLate = isStopping
        if isLate { open.since += 1 } else { open.before += 1 }
        return { [self] in
            if isLate { open.since -= 1 } else { open.before -= 1 }
            if isStopping, open.before == 0, let done = whenDrained {
                whenDrained = nil
                done()
            }
        }
    }

    // MARK: Questions

    /// - Parameter reply: is called once, perhaps before this returns; `nil` for what deserves no answer.
    func handle(
        _ bytes: [UInt8], over transport: DNSTransport, from peer: NIOCore.SocketAddress?,
        reply: @escaping ([UInt8]?) -> Void
    ) {
        guard let header = DNSHeader(bytes.span) else { return reply(nil) }
        func refuse(_ code: DNSResponseCode, _ reason: String, _ message: DNSMessage? = nil) {
            logger.debug(
                "refused",
                metadata: [
                    LogKey.transport: "\(transport.rawValue)", LogKey.responseCode: "\(code)",
                    LogKey.reason: "\(reason)",
                ])
            reply(Self.refusal(code, to: header, message))
        }
        if header.isResponse {
            // Over UDP the sender may be forged: two proxies would answer each other's answers for ever.
            if transport == .udp { return reply(nil) }
            return refuse(.formatError, "a response came as a request")
        }
        guard header.opcode == DNSHeader.queryOpcode else {
            return refuse(.notImplemented, "opcode \(header.opcode) is not QUERY")
        }
        let message: DNSMessage
        do throws(DNSMessageError) {
            message = try DNSMessage.parse(bytes.span)
        } catch {
            return refuse(.formatError, "\(error)")
        }
        guard message.questions.count == 1 else {
            return refuse(.formatError, "\(message.questions.count) questions; there must be one", message)
        }
        if let edns = message.edns, edns.version > 0 {
            return refuse(.badVersion, "EDNS version \(edns.version); only 0 exists", message)
        }
        answer(Request(bytes: bytes, message: message, asked: message.questions[0], transport: transport), peer, reply)
    }

    private struct Request {
        var bytes: [UInt8]
        var message: DNSMessage
        var asked: DNSQuestion
        var transport: DNSTransport

        /// What the client reads of us.
        var limit: Int {
            if transport == .tcp { return DNSMessage.byteLimit }
            return message.edns.map { min(Int($0.payloadSize), 65507) } ?? DNSMessage.plainPayload
        }

        var facts: Logger.Metadata {
            [
                LogKey.name: "\(asked.name)", LogKey.type: "\(asked.type)",
                LogKey.transport: "\(transport.rawValue)",
            ]
        }
    }

    private func answer(_ request: Request, _ peer: NIOCore.SocketAddress?, _ reply: @escaping ([UInt8]?) -> Void) {
        let state = slot.load()
        let labels = DNSMetrics.Labels(
            type: "\(request.asked.type)", transport: request.transport, client: state.client)
        metrics.countRequest(labels)
        refresh()
        let decision = names.decide(
            NameQuestion(request.asked), client: state.client, in: state.snapshot, random: &random)
        func finish(_ message: DNSMessage) {
            log("answered", request.facts, message.header.code, "\(decision.reason)")
            reply(message.encoded(limit: request.limit))
        }
        switch decision.outcome {
        case .answer(let addresses, let alias):
            var message = request.message.reply(.noError)
            message.header.isAuthoritative = true
            message.answers = Self.records(request.asked.name, addresses, alias: alias)
            finish(message)
        case .empty:
            var message = request.message.reply(.noError)
            message.header.isAuthoritative = true
            finish(message)
        case .serverFailure:
            finish(request.message.reply(.serverFailure))
        case .forward:
            if forwarder.isOwn(request.message.header, request.asked, fromPort: peer?.port) {
                metrics.countForward(labels, failed: true, seconds: nil)
                logger.warning(
                    "question came back", metadata: request.facts.adding(LogKey.reason, "\(ForwardFailure.loop)"))
                return reply(request.message.reply(.serverFailure).encoded(limit: request.limit))
            }
            forward(request, labels, decision.reason, reply)
        }
    }

    private func forward(
        _ request: Request, _ labels: DNSMetrics.Labels, _ reason: NameReason, _ reply: @escaping ([UInt8]?) -> Void
    ) {
        let question = Forwarder.Question(
            bytes: request.bytes, header: request.message.header, asked: request.asked,
            needsWhole: request.transport == .tcp,
            payload: Int(request.message.edns?.payloadSize ?? UInt16(DNSMessage.plainPayload)))
        ask(question, labels) { [self] result in
            switch result {
            case .success(let (bytes, server)):
                var bytes = bytes
                if var header = DNSHeader(bytes.span) {
                    header.id = request.message.header.id
                    header.isAuthoritative = false
                    header.recursionAvailable = true
                    header.overwrite(&bytes)
                    log(
                        "forwarded", request.facts.adding(LogKey.upstream, "\(server)"), header.code, "\(reason)")
                }
                reply(DNSMessage.fitting(bytes, limit: request.limit, edns: request.message.edns?.echo))
            case .failure(let failure):
                log("forwarded", request.facts, .serverFailure, "\(reason); \(failure)")
                reply(request.message.reply(.serverFailure).encoded(limit: request.limit))
            }
        }
    }

    private func ask(
        _ question: Forwarder.Question, _ labels: DNSMetrics.Labels, _ done: @escaping (Forwarder.Reply) -> Void
    ) {
        let ended = begin()
        let start = NIODeadline.now()
        forwarder.forward(question) { [metrics] result in
            let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
            switch result {
            case .success: metrics.countForward(labels, failed: false, seconds: seconds)
            case .failure(.noServers), .failure(.tooMany), .failure(.stopped):
                metrics.countForward(labels, failed: true, seconds: nil)
            case .failure: metrics.countForward(labels, failed: true, seconds: seconds)
            }
            done(result)
            ended()
        }
    }

    /// Nothing is put together unless it is written.
    private func log(
        _ message: Logger.Message, _ facts: @autoclosure () -> Logger.Metadata, _ code: DNSResponseCode,
        _ reason: @autoclosure () -> String
    ) {
        logger.debug(
            message,
            metadata: facts().adding(LogKey.responseCode, "\(code)").adding(LogKey.reason, reason()))
    }

    private static func records(_ name: DNSName, _ addresses: [IPAddress], alias: String?) -> [DNSRecord] {
        var records: [DNSRecord] = []
        var owner = name
        if let target = alias.flatMap({ DNSName($0) }) {
            records.append(
                DNSRecord(name: name, timeToLive: NameDecision.timeToLive, content: .cname(target)))
            owner = target
        }
        return records
            + addresses.map { ip in
                DNSRecord(
                    name: owner, timeToLive: NameDecision.timeToLive, content: ip.isV4 ? .a(ip) : .aaaa(ip))
            }
    }

    /// Repeats the question where it could be read.
    private static func refusal(_ code: DNSResponseCode, to header: DNSHeader, _ message: DNSMessage?) -> [UInt8] {
        (message ?? DNSMessage(header: header, questions: [])).reply(code)
            .encoded(limit: DNSMessage.plainPayload)
    }

    // MARK: Names asked by our own parts

    /// - Parameter done: is called once, perhaps before this returns.
    func resolve(_ host: String, _ family: AddressFamily, _ done: @escaping (NameResolution) -> Void) {
        guard let name = DNSName(host) else {
            return done(NameResolution(addresses: [], reason: "\"\(host)\" is no DNS name"))
        }
        let asked = DNSQuestion(name: name, type: family == .v4 ? .a : .aaaa)
        let state = slot.load()
        refresh()
        let decision = names.decide(NameQuestion(asked), client: state.client, in: state.snapshot, random: &random)
        switch decision.outcome {
        case .answer(let addresses, _): done(NameResolution(addresses: addresses, reason: "\(decision.reason)"))
        case .empty, .serverFailure: done(NameResolution(addresses: [], reason: "\(decision.reason)"))
        case .forward:
            let query = DNSMessage.query(id: 0, asked, edns: EDNS(payloadSize: 1232))
            let question = Forwarder.Question(
                bytes: query.encoded(), header: DNSHeader(query.encoded().span) ?? query.header, asked: asked,
                needsWhole: true, payload: 1232)
            let labels = DNSMetrics.Labels(type: "\(asked.type)", transport: .udp, client: state.client)
            ask(question, labels) { done(NameResolution($0, asked)) }
        }
    }
}

extension NameQuestion {
    init(_ asked: DNSQuestion) {
        let family: AddressFamily? =
            switch asked.type {
            case .a: .v4
            case .aaaa: .v6
            default: nil
            }
        self.init(
            host: asked.name.hostname, family: asked.recordClass == DNSQuestion.internet ? family : nil)
    }
}

extension EDNS {
    /// What a reply says of itself to a request with this.
    fileprivate var echo: EDNS { EDNS(payloadSize: payloadSize, wantsDNSSEC: wantsDNSSEC) }
}

extension DNSMessage {
    /// A reply without records.
    fileprivate func reply(_ code: DNSResponseCode) -> DNSMessage {
        var edns = edns?.echo
        edns?.codeHigh = UInt8(truncatingIfNeeded: code.rawValue >> 4)
        // More than one is refused, and would not fit.
        return DNSMessage(header: header.reply(code), questions: Array(questions.prefix(1)), edns: edns)
    }
}

extension Logger.Metadata {
    fileprivate func adding(_ key: String, _ value: String) -> Logger.Metadata {
        var facts = self
        facts[key] = "\(value)"
        return facts
    }
}
