import MeshCore
import MeshKubernetes
import MeshPolicy

/// What policies would have said of the traffic that a log tells of. The encoded keys are a promise.
package struct ReplayReport: Encodable, Sendable {
    package struct Change: Encodable, Sendable {
        package let from: String
        package let to: String
        package let request: String?
        package let logged: String
        package let now: String
        package let reason: String
        package fileprivate(set) var lines: Int
        /// From 1.
        package let firstLine: Int
    }
    package struct Skipped: Encodable, Sendable {
        package let reason: String
        package let lines: Int
    }

    package let lines: Int
    package let judged: Int
    package let same: Int
    package let changed: Int
    /// Most lines first, at most `LogReplay.changeLimit`.
    package let changes: [Change]
    package let skipped: [Skipped]
}

/// Judges access logs line by line. Confined to one task. Memory does not grow with the log.
package final class LogReplay {
    package static let lineLimit = 1 << 20
    package static let changeLimit = 1000
    private static let cacheLimit = 100_000

    private let judge: PolicyJudge
    package private(set) var lines = 0
    private var (judged, same, changed) = (0, 0, 0)
    private var skipped: [String: Int] = [:]
    private var changes: [ReplayReport.Change] = []
    /// Where each of them is.
    private var named: [Key: Int] = [:]
    /// The same by what is at hand without words; -1 for those that came when there were enough.
    private var known: [FastKey: Int] = [:]
    private var peers: [LogText: PeerIdentity?] = [:]
    private var addresses: [LogText: IPAddress?] = [:]
    private var engines: [IPAddress: PolicyEngine?] = [:]
    private var places: [PlaceKey: Lookup] = [:]
    /// The start of a line whose end has not come yet.
    private var rest: [UInt8] = []

    private struct Key: Hashable {
        let from: String
        let to: String
        let request: String?
        let isAllowed: Bool
    }

    private enum FastKey: Hashable {
        case connection(peer: ObjectIdentifier?, IPAddress?, to: SocketAddress, isAllowed: Bool)
        case request(ObjectIdentifier, method: LogText, path: LogText, isAllowed: Bool)

        /// Without the piece of the log that it came in.
        var own: FastKey {
            switch self {
            case .connection: self
            case .request(let place, let method, let path, let isAllowed):
                .request(place, method: method.own, path: path.own, isAllowed: isAllowed)
            }
        }
    }

    /// Of a request, all but what differs from one to the next.
    private struct PlaceKey: Hashable {
        let authority: LogText
        let destination: LogText
        let source: LogText
    }

    /// An object, since a set of policies is much to copy for each line.
    private final class Place {
        let client: String
        let target: String
        let policies: RequestPolicySet
        /// Client and destination.
        let facts: RequestFacts

        init(client: String, target: String, policies: RequestPolicySet, facts: RequestFacts) {
            self.client = client
            self.target = target
            self.policies = policies
            self.facts = facts
        }
    }

    private enum Lookup {
        case found(Place)
        /// Why its requests cannot be judged.
        case missing(String)
    }

    package init(_ judge: PolicyJudge) { self.judge = judge }

    /// Takes the next piece of a log, cut anywhere.
    package func take(_ bytes: ArraySlice<UInt8>) {
        var bytes = bytes
        if !rest.isEmpty {
            let end = bytes.firstIndex(of: 10)
            let head = bytes[..<(end ?? bytes.endIndex)]
            // A longer line is nothing that a proxy wrote; it is counted as one and thrown away.
            if rest.count + head.count <= Self.lineLimit { rest += head } else { rest = Array(rest.prefix(1)) }
            guard let end else { return }
            line(rest[...])
            rest.removeAll(keepingCapacity: true)
            bytes = bytes[(end + 1)...]
        }
        while let end = LogText.lineEnd(bytes) {
            line(bytes[bytes.startIndex..<end])
            bytes = bytes[(end + 1)...]
        }
        rest += bytes
    }

    package func finish() -> ReplayReport {
        if !rest.isEmpty { line(rest[...]) }
        rest = []
        return ReplayReport(
            lines: lines, judged: judged, same: same, changed: changed,
            changes: changes.sorted { ($1.lines, $0.firstLine) < ($0.lines, $1.firstLine) },
            skipped: skipped.map { .init(reason: $0.key, lines: $0.value) }.sorted { $0.reason < $1.reason })
    }

    private func skip(_ reason: String) { skipped[reason, default: 0] += 1 }

    private func line(_ bytes: ArraySlice<UInt8>) {
        lines += 1
        if bytes.isEmpty { return skip("empty") }
        guard let fields = LogLineFields(bytes) else { return skip("not a line of an access log") }
        switch fields.shape {
        case .tunnel: connection(fields)
        case .request: request(fields)
        }
    }

    // MARK: Connections, judged by the node proxy

    private func connection(_ fields: LogLineFields) {
        // The proxy of the destination judges; that of the source only tells of it once more.
        guard fields.direction.elementsEqual("inbound".utf8) else { return skip("outbound, judged at its destination") }
        guard !fields.message.elementsEqual("connection opened".utf8) else { return skip("opened, judged at its end") }
        let target = fields.hboneAddress.isEmpty ? fields.destination : fields.hboneAddress
        guard let (host, port) = Self.split(target), let destination = address(host) else {
            return skip("destination is no address")
        }
        guard let (sourceHost, _) = Self.split(fields.source), let source = address(sourceHost) else {
            return skip("source is no address")
        }
        guard let engine = engine(destination) else { return skip("destination is not in the manifests") }
        let peer = peer(fields.sourceIdentity)
        let facts = PolicyFacts(source: source, destination: SocketAddress(destination, port), peer: peer)
        let verdict = engine.decide(facts).verdict
        let wasDenied = Self.isPolicyError(fields.error)
        let key = FastKey.connection(
            peer: peer.map { ObjectIdentifier($0) }, peer == nil ? source : nil, to: SocketAddress(destination, port),
            isAllowed: verdict.isAllowed)
        note(wasAllowed: !wasDenied, isAllowed: verdict.isAllowed, key) {
            let name = judge.index.workload(at: destination).map { "\($0.namespace)/\($0.appName)" } ?? "\(destination)"
            return (peer?.id.description ?? "plaintext from \(source)", "\(name):\(port)", nil, judge.describe(verdict))
        }
    }

    /// Source: the errors of ztunnel and of this node proxy.
    private static func isPolicyError(_ error: ArraySlice<UInt8>) -> Bool {
        !error.isEmpty && policyErrors.contains { error.starts(with: $0) }
    }

    private static let policyErrors = [
        "connection closed due to policy rejection", "connection closed due to policy change", "explicitly denied by",
        "allow policies exist",
    ].map { Array($0.utf8) }

    private func engine(_ address: IPAddress) -> PolicyEngine? {
        if let known = engines[address] { return known }
        if engines.count >= Self.cacheLimit { engines.removeAll() }
        let engine = judge.index.workload(at: address).map { judge.engine(for: $0) }
        engines[address] = .some(engine)
        return engine
    }

    private func peer(_ text: ArraySlice<UInt8>) -> PeerIdentity? {
        if text.isEmpty { return nil }
        if let known = peers[LogText(text)] { return known }
        if peers.count >= Self.cacheLimit {
            peers.removeAll()
            // Named by these peers, and the next one may get the place of one that is gone.
            known.removeAll()
        }
        let peer = (try? SPIFFEID(parsing: String(decoding: text, as: UTF8.self))).map { PeerIdentity($0) }
        peers[LogText(text).own] = .some(peer)
        return peer
    }

    private func address(_ text: ArraySlice<UInt8>) -> IPAddress? {
        if let known = addresses[LogText(text)] { return known }
        if addresses.count >= Self.cacheLimit { addresses.removeAll() }
        let ip = IPAddress(String(decoding: text, as: UTF8.self))
        addresses[LogText(text).own] = .some(ip)
        return ip
    }

    /// Host and port of `1.2.3.4:80` or `[::1]:80`.
    private static func split(_ text: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, UInt16)? {
        guard let colon = text.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        var host = text[text.startIndex..<colon]
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") { host = host.dropFirst().dropLast() }
        var port = 0
        for byte in text[(colon + 1)...] {
            guard (48...57).contains(byte), port < 10000 else { return nil }
            port = port * 10 + Int(byte - 48)
        }
        return UInt16(exactly: port).map { (host, $0) }
    }

    // MARK: Requests, judged by the waypoint

    private func request(_ fields: LogLineFields) {
        let place: Place
        switch lookup(fields) {
        case .missing(let reason): return skip(reason)
        case .found(let found): place = found
        }
        let head = RequestHead(
            version: .http2, method: fields.method, authority: fields.authority, target: fields.path, headers: [])
        let judgement: RequestJudgement?
        var refusal = ""
        do throws(RequestHead.Refusal) {
            let checked = try head.checked(judge.cluster.settings.pathNormalization)
            var facts = place.facts
            (facts.method, facts.host, facts.target) = (checked.method, checked.host, checked.target)
            judgement = judge.judgement(place.policies, facts, isGRPC: false)
        } catch {
            (judgement, refusal) = (nil, "\(error)")
        }
        let wasDenied =
            fields.details.starts(with: "rbac_access_denied".utf8)
            || (fields.details.isEmpty && fields.status.elementsEqual("403".utf8))
        let isAllowed = judgement?.isAllowed ?? false
        let key = FastKey.request(
            ObjectIdentifier(place), method: LogText(fields.method), path: LogText(fields.path), isAllowed: isAllowed)
        note(wasAllowed: !wasDenied, isAllowed: isAllowed, key) {
            let request =
                String(decoding: fields.method, as: UTF8.self) + " "
                + String(decoding: fields.path, as: UTF8.self)
            return (place.client, place.target, request, judgement?.reason ?? refusal)
        }
    }

    private func lookup(_ fields: LogLineFields) -> Lookup {
        let source = Self.split(fields.source)?.0 ?? fields.source
        let key = PlaceKey(
            authority: LogText(fields.authority), destination: LogText(fields.destination), source: LogText(source))
        if let known = places[key] { return known }
        if places.count >= Self.cacheLimit {
            places.removeAll()
            known.removeAll()
        }
        let found = find(key)
        places[PlaceKey(authority: key.authority.own, destination: key.destination.own, source: key.source.own)] = found
        return found
    }

    private func find(_ key: PlaceKey) -> Lookup {
        let authority = String(decoding: key.authority.bytes, as: UTF8.self)
        let host = authority.lastIndex(of: ":").map { String(authority[..<$0]) } ?? authority
        let local = Self.split(key.destination.bytes)
        let named = judge.index.service(named: host)
        guard let service = named ?? local.flatMap({ address($0.0) }).flatMap({ judge.index.service(at: $0) }) else {
            return .missing("service is not in the manifests")
        }
        let wanted =
            local?.1 ?? authority.lastIndex(of: ":").flatMap { UInt16(authority[authority.index(after: $0)...]) }
        guard let port = service.ports.first(where: { $0.port == wanted }) ?? service.ports.first else {
            return .missing("service has no port")
        }
        guard let gateway = judge.index.waypoint(of: service).gateway else {
            return .missing("service has no waypoint")
        }
        guard let source = address(key.source.bytes), let workload = judge.index.workload(at: source) else {
            return .missing("client is not in the manifests")
        }
        let client = FlowClient(
            name: "\(workload.namespace)/\(workload.appName)", identity: judge.index.identity(of: workload),
            address: source)
        let target = FlowTarget.service(service, port)
        // Without a request there is nothing in it that could be refused.
        guard case .success(let facts) = judge.facts(client, target, FlowRequest(), .tcp) else {
            return .missing("client is not in the manifests")
        }
        return .found(
            Place(
                client: client.name, target: "\(service):\(port.port)",
                policies: judge.requestPolicies(gateway, target, .http), facts: facts))
    }

    // MARK: Counting

    /// Words are made once for each change, not for each line.
    private func note(
        wasAllowed: Bool, isAllowed: Bool, _ fast: FastKey,
        _ describe: () -> (from: String, to: String, request: String?, reason: String)
    ) {
        judged += 1
        guard wasAllowed != isAllowed else {
            same += 1
            return
        }
        changed += 1
        if let place = known[fast] {
            if place >= 0 { changes[place].lines += 1 }
            return
        }
        let (from, to, request, reason) = describe()
        let key = Key(from: from, to: to, request: request, isAllowed: isAllowed)
        var place = named[key] ?? -1
        if place >= 0 {
            changes[place].lines += 1
        } else if changes.count < Self.changeLimit {
            place = changes.count
            named[key] = place
            changes.append(
                ReplayReport.Change(
                    from: from, to: to, request: request, logged: wasAllowed ? "allowed" : "denied",
                    now: isAllowed ? "allowed" : "denied", reason: reason, lines: 1, firstLine: lines))
        }
        if known.count >= Self.cacheLimit { known.removeAll() }
        known[fast.own] = place
    }
}
