import Glibc
import MeshCore
import MeshLinux
import MeshPolicy
import Testing

@testable import MeshProxy

/// Lines of a log, without the time that each begins with (plain) or names (JSON).
private struct Lines: ~Copyable {
    let writing: Int32
    private let reading: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        keepFromPrograms(ends[0], ends[1])
        (reading, writing) = (ends[0], ends[1])
    }

    /// What was written until now, by a sink that has been closed.
    consuming func read() -> [String] {
        close(writing)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let length = Glibc.read(reading, &buffer, buffer.count)
            guard length > 0 else { break }
            bytes += buffer[..<length]
        }
        close(reading)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            if line.hasPrefix("{") {
                let parts = line.split(separator: ",", omittingEmptySubsequences: false)
                return parts.filter { !$0.hasPrefix("\"time\":") }.joined(separator: ",")
            }
            return String(line[(line.firstIndex(of: "\t") ?? line.startIndex)...].dropFirst())
        }
    }
}

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Access log", .serialized)
struct AccessLogTests {
    private static func workload(_ name: String, pod: String) -> Workload {
        var fields = Workload.Fields()
        fields.name = pod
        fields.namespace = "shop"
        fields.serviceAccount = name
        fields.trustDomain = "cluster.local"
        fields.canonicalName = name
        fields.clusterID = "Kubernetes"
        return Workload(fields)
    }

    private static func record(_ direction: ConnectionRecord.Direction, mutualTLS: Bool) -> ConnectionRecord {
        let record = ConnectionRecord(
            direction, source: SocketAddress(IPAddress(v4: 0x0A00_0001), 40000),
            destination: SocketAddress(IPAddress(v4: 0x0A00_0002), mutualTLS ? 15008 : 80), start: 1_000_000)
        record.mutualTLS = mutualTLS
        record.sourceWorkload = workload("cart", pod: "cart-7d9-x")
        record.destinationWorkload = workload("web", pod: "")
        record.sourceIdentity = record.sourceWorkload?.identity
        record.destinationIdentity = record.destinationWorkload?.identity
        var service = Service.Fields()
        service.hostname = "web.shop.svc.cluster.local"
        record.service = Service(service)
        if mutualTLS { record.hboneAddress = "10.0.0.2:80" }
        record.clientToServer = 11
        record.serverToClient = 22
        return record
    }

    private static func lines(
        _ format: LogLine.Format = .plain, _ threshold: AccessLogOptions.Threshold = .debug,
        decisionsAtInfo: Bool = false, _ body: (inout AccessLog) -> Void
    ) throws -> [String] {
        let lines = try Lines()
        let sink = try LogSink(descriptor: lines.writing)
        var options = AccessLogOptions()
        (options.format, options.threshold, options.policyThreshold) = (format, threshold, threshold)
        options.policyDecisionsAtInfo = decisionsAtInfo
        var log = AccessLog(options, sink: sink)
        body(&log)
        log.flush()
        sink.close()
        return lines.read()
    }

    private static let identity = "spiffe://cluster.local/ns/shop/sa"
    private static let tunnelled = """
        src.addr=10.0.0.1:40000 src.workload="cart-7d9-x" src.namespace="shop" src.identity="\(identity)/cart" \
        src.cluster="Kubernetes" dst.addr=10.0.0.2:15008 dst.hbone_addr=10.0.0.2:80 \
        dst.service="web.shop.svc.cluster.local" dst.workload="web" dst.namespace="shop" \
        dst.identity="\(identity)/web" dst.cluster="Kubernetes"
        """

    @Test("177: has ztunnel's fields in their order, bytes as each side sees them")
    func complete() throws {
        for (direction, bytes) in [
            (ConnectionRecord.Direction.outbound, "bytes_sent=11 bytes_recv=22"),
            (.inbound, "bytes_sent=22 bytes_recv=11"),
        ] {
            let lines = try Self.lines {
                let record = Self.record(direction, mutualTLS: true)
                $0.opened(record)
                $0.complete(record, failure: nil, now: 14_999_999)
                $0.complete(record, failure: .denied("no \"way\"\n"), now: 14_999_999)
            }
            let side = "direction=\"\(direction == .inbound ? "inbound" : "outbound")\""
            #expect(
                lines == [
                    "debug\taccess\tconnection opened\t\(Self.tunnelled) \(side)",
                    "info\taccess\tconnection complete\t\(Self.tunnelled) \(side) \(bytes) duration=\"13ms\"",
                    "error\taccess\tconnection complete\t\(Self.tunnelled) \(side) \(bytes) duration=\"13ms\" "
                        + "error=\"no \\\"way\\\"\\n\"",
                ])
        }
    }

    @Test("99: plaintext names no identities and no authority, even if they are known")
    func plaintext() throws {
        let lines = try Self.lines {
            $0.complete(Self.record(.inbound, mutualTLS: false), failure: nil, now: 14_000_000)
        }
        #expect(
            lines == [
                """
                info\taccess\tconnection complete\tsrc.addr=10.0.0.1:40000 src.workload="cart-7d9-x" \
                src.namespace="shop" src.cluster="Kubernetes" dst.addr=10.0.0.2:80 \
                dst.service="web.shop.svc.cluster.local" dst.workload="web" dst.namespace="shop" \
                dst.cluster="Kubernetes" direction="inbound" bytes_sent=22 bytes_recv=11 duration="13ms"
                """
            ])
    }

    @Test("leaves out what is not known")
    func absent() throws {
        let lines = try Self.lines {
            let address = SocketAddress(.loopbackV6, 7)
            let record = ConnectionRecord(.outbound, source: address, destination: address, start: 0)
            $0.complete(record, failure: nil, now: 0)
        }
        #expect(
            lines == [
                "info\taccess\tconnection complete\tsrc.addr=[::1]:7 dst.addr=[::1]:7 direction=\"outbound\" "
                    + "bytes_sent=0 bytes_recv=0 duration=\"0ms\""
            ])
    }

    @Test("warns of what failed early, with no more than addresses, direction and reason")
    func early() throws {
        let lines = try Self.lines {
            $0.failed(Self.record(.outbound, mutualTLS: true), .refused("no healthy upstream"))
        }
        #expect(
            lines == [
                "warn\taccess\tconnection failed\tsrc.addr=10.0.0.1:40000 dst.addr=10.0.0.2:15008 "
                    + "direction=\"outbound\" error=\"no healthy upstream\""
            ])
    }

    @Test("is one object per line in JSON, numbers as numbers")
    func json() throws {
        let lines = try Self.lines(.json) {
            $0.complete(Self.record(.inbound, mutualTLS: true), failure: nil, now: 14_000_000)
            $0.failed(Self.record(.inbound, mutualTLS: false), .refused("why"))
        }
        #expect(
            lines == [
                """
                {"level":"info","scope":"access","message":"connection complete","src.addr":"10.0.0.1:40000",\
                "src.workload":"cart-7d9-x","src.namespace":"shop","src.identity":"\(Self.identity)/cart",\
                "src.cluster":"Kubernetes","dst.addr":"10.0.0.2:15008","dst.hbone_addr":"10.0.0.2:80",\
                "dst.service":"web.shop.svc.cluster.local","dst.workload":"web","dst.namespace":"shop",\
                "dst.identity":"\(Self.identity)/web","dst.cluster":"Kubernetes","direction":"inbound",\
                "bytes_sent":22,"bytes_recv":11,"duration":"13ms"}
                """,
                """
                {"level":"warn","scope":"access","message":"connection failed","src.addr":"10.0.0.1:40000",\
                "dst.addr":"10.0.0.2:80","direction":"inbound","error":"why"}
                """,
            ])
    }

    @Test(
        "writes what is severe enough, and what it is told later",
        arguments: [
            (AccessLogOptions.Threshold.debug, ["opened", "complete", "failed", "complete"]),
            (.info, ["complete", "failed", "complete"]), (.warn, ["failed", "complete"]), (.error, ["complete"]),
            (.off, []),
        ])
    func thresholds(_ threshold: AccessLogOptions.Threshold, expected: [String]) throws {
        func write(_ log: inout AccessLog) {
            let record = Self.record(.inbound, mutualTLS: true)
            log.opened(record)
            log.complete(record, failure: nil, now: 0)
            log.failed(record, .refused("why"))
            log.complete(record, failure: .drained, now: 0)
        }
        func words(_ lines: [String]) -> [String] {
            lines.compactMap {
                $0.split(separator: "\t").dropFirst(2).first?.split(separator: " ").last.map(String.init)
            }
        }
        // The moment of the end is before the start here: a clock that is read once per turn must not trap.
        #expect(words(try Self.lines(.plain, threshold) { write(&$0) }) == expected)
        let later = try Self.lines(.plain, .off) {
            $0.set(threshold: threshold)
            write(&$0)
        }
        #expect(words(later) == expected)
    }

    @Test("what a peer chose cannot break out of its field")
    func injection() throws {
        let lines = try Self.lines {
            let record = Self.record(.inbound, mutualTLS: true)
            record.hboneAddress = "a b\nc:80"
            $0.complete(record, failure: nil, now: 14_000_000)
        }
        #expect(lines.count == 1)
        #expect(lines.first?.contains(" dst.hbone_addr=\"a b\\nc:80\" ") == true)
    }

    // MARK: Policies

    private static func policy(
        _ name: String, _ action: AuthorizationPolicy.Action, matches: Bool = true, dryRun: Bool = false
    ) -> AuthorizationPolicy {
        var match = AuthorizationPolicy.Match()
        match.destinationPorts = [matches ? 80 : 81]
        return AuthorizationPolicy(
            name: name, namespace: "ns", scope: .namespace, action: action,
            rules: [.init(clauses: [.init(matches: [match])])], dryRun: dryRun)
    }

    static let decisions: [([AuthorizationPolicy], [String])] = [
        ([], ["no allow policies, allow"]),
        ([policy("a", .allow)], ["allow policy match\tpolicy=\"ns/a\" rule=0"]),
        ([policy("a", .allow, matches: false)], ["no allow policies matched"]),
        ([policy("d", .deny), policy("a", .allow)], ["deny policy match\tpolicy=\"ns/d\" rule=0"]),
        (
            [policy("d", .deny, dryRun: true), policy("a", .allow, dryRun: true)],
            [
                "dry-run: deny policy match\tpolicy=\"ns/d\" rule=0",
                "dry-run: allow policy match\tpolicy=\"ns/a\" rule=0", "no allow policies, allow",
            ]
        ),
        (
            [
                policy("d", .deny, dryRun: true), policy("e", .deny, matches: false, dryRun: true),
                policy("f", .deny, dryRun: true), policy("a", .allow, dryRun: true), policy("b", .allow, dryRun: true),
            ],
            [
                "dry-run: deny policy match\tpolicy=\"ns/d\" rule=0",
                "dry-run: deny policy match\tpolicy=\"ns/f\" rule=0",
                "dry-run: allow policy match\tpolicy=\"ns/a\" rule=0", "no allow policies, allow",
            ]
        ),
        (
            [policy("a", .allow, matches: false, dryRun: true), policy("b", .allow)],
            ["dry-run: no allow policies match", "allow policy match\tpolicy=\"ns/b\" rule=0"]
        ),
    ]

    @Test("109, 110: tells each decision and each dry run, at debug or, when asked, at info", arguments: decisions)
    func decision(_ policies: [AuthorizationPolicy], expected: [String]) throws {
        let record = Self.record(.inbound, mutualTLS: true)
        let facts = PolicyFacts(
            source: record.source.ip, destination: SocketAddress(record.destination.ip, 80), peer: nil)
        record.facts = facts
        let engine = PolicyEngine(policies)
        let decision = engine.decide(facts)
        for atInfo in [false, true] {
            let lines = try Self.lines(.plain, .debug, decisionsAtInfo: atInfo) {
                $0.decision(decision, record, by: engine)
            }
            let level = atInfo ? "info" : "debug"
            #expect(
                lines
                    == expected.map {
                        let fields = "src.addr=10.0.0.1:40000 dst.addr=10.0.0.2:80"
                        return "\(level)\tstate\t\($0)" + ($0.contains("\t") ? " " : "\t") + fields
                    })
        }
        #expect(try Self.lines(.plain, .info) { $0.decision(decision, record, by: engine) }.isEmpty)
        #expect(
            try !Self.lines(.plain, .info, decisionsAtInfo: true) { $0.decision(decision, record, by: engine) }.isEmpty)
    }

    @Test("111: warns of a policy that is named and was not sent, once")
    func missingPolicy() throws {
        let state = try LoopbackMesh.state(policy: PolicyEngine([], missing: ["ns/none"]))
        var notice = MissingPolicyNotice()
        let line = String(decoding: notice.lines(state, format: .plain), as: UTF8.self)
        #expect(line.contains("\twarn\tstate\tpolicy not found\tpolicy=\"ns/none\" wl=\"shop/cart\" reason="))
        #expect(notice.lines(state, format: .plain).isEmpty)
        #expect(try notice.lines(LoopbackMesh.state(), format: .plain).isEmpty)
        #expect(!notice.lines(state, format: .plain).isEmpty)
    }

    @Test("112: a connection that policies close later is logged as an error that names the policy")
    func lateDenial() throws {
        let lines = try Lines()
        let mesh = try LoopbackMesh(log: lines.writing) { $0.accessLog.threshold = .info }
        let application = try Application()
        let received = Count()
        let server = try application.serve { readAll($0, received) }
        let client = try mesh.connect(to: application.address)
        writeZeros(client, 11)
        try mesh.turn { received.now == 11 }
        mesh.publish(policies: [LivePolicyTests.denyAll])
        try mesh.turn { mesh.closedInbound(.deny) == 1 && mesh.reactor.table.all(.stream).isEmpty }
        server.join()
        close(client)
        mesh.endLog()
        let written = lines.read()
        let inbound = try #require(written.first { $0.contains("direction=\"inbound\"") })
        #expect(inbound.hasPrefix("error\taccess\tconnection complete\t"))
        #expect(inbound.contains(" dst.hbone_addr=\(application.address) "))
        #expect(inbound.contains(" bytes_sent=0 bytes_recv=11 "))
        #expect(
            inbound.hasSuffix(
                "error=\"explicitly denied by policy shop/nobody, rule 0; policies changed after the connection was "
                    + "accepted\""))
        let outbound = try #require(written.first { $0.contains("direction=\"outbound\"") })
        #expect(outbound.contains(" bytes_sent=11 bytes_recv=0 "))
    }
}
