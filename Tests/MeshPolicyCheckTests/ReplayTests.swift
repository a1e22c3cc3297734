import MeshCore
import MeshKubernetes
import MeshPolicyCheck
import Testing

@Suite("Replay of access logs")
struct ReplayTests {
    static let manifests = """
        {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {serviceAccountName: web},
          status: {podIP: 10.0.0.1}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop, labels: {app: cart}},
          spec: {serviceAccountName: cart, containers: [{ports: [{containerPort: 80}]}]}, status: {podIP: 10.0.0.2}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop, labels: {istio.io/use-waypoint: wp}},
          spec: {clusterIP: 10.1.0.1, selector: {app: cart}, ports: [{name: http, port: 80}]}}
        ---
        {apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: wp, namespace: shop},
          spec: {gatewayClassName: istio-waypoint}}
        ---
        {apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: l4, namespace: shop},
          spec: {selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {serviceAccounts: [web, wp]}}]}]}}
        ---
        {apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: l7, namespace: shop},
          spec: {targetRefs: [{kind: Service, name: cart}], rules: [{to: [{operation: {methods: [GET]}}]}]}}
        """

    static let web = "spiffe://cluster.local/ns/shop/sa/web"
    static let other = "spiffe://cluster.local/ns/shop/sa/other"

    static func plain(_ peer: String, direction: String = "inbound", error: String = "") -> String {
        "2026-08-01T00:00:00.000000Z\tinfo\taccess\tconnection complete\tsrc.addr=10.0.0.1:40000 src.workload=\"a b\" "
            + "src.identity=\"\(peer)\" dst.addr=10.0.0.2:15008 dst.hbone_addr=10.0.0.2:80 direction=\"\(direction)\" "
            + "bytes_sent=1 bytes_recv=2 duration=\"3ms\"" + (error.isEmpty ? "" : " error=\"\(error)\"")
    }

    static func json(_ peer: String) -> String {
        "{\"level\":\"info\",\"time\":\"t\",\"scope\":\"access\",\"message\":\"connection complete\","
            + "\"src.addr\":\"10.0.0.1:40000\",\"src.identity\":\"\(peer)\",\"dst.addr\":\"10.0.0.2:15008\","
            + "\"dst.hbone_addr\":\"10.0.0.2:80\",\"direction\":\"inbound\",\"bytes_sent\":1,\"duration\":\"3ms\"}"
    }

    static func envoy(_ method: String, status: Int, details: String = "via_upstream") -> String {
        "[2026-08-01T00:00:00.000Z] \"\(method) /a HTTP/1.1\" \(status) - \(details) - \"-\" 0 1 2 3 \"-\" \"curl\" "
            + "\"id\" \"cart.shop.svc.cluster.local\" \"10.0.0.2:80\" cluster 10.0.0.9:1 10.1.0.1:80 10.0.0.1:4000 - route"
    }

    /// Envoy's own format, without what Istio adds.
    static func bare(_ method: String, status: Int) -> String {
        "[2026-08-01T00:00:00.000Z] \"\(method) /a HTTP/2\" \(status) - 0 1 2 3 \"10.0.0.1\" \"curl\" \"id\" "
            + "\"cart.shop\" \"10.0.0.2:80\""
    }

    static func replay(_ lines: [String], chunk: Int? = nil) -> ReplayReport {
        var reader = ClusterReader()
        reader.read(Manifest(name: "t", bytes: Array(manifests.utf8)))
        let replay = LogReplay(PolicyJudge(reader.finish().cluster))
        let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
        var start = 0
        while start < bytes.count {
            let end = min(start + (chunk ?? bytes.count), bytes.count)
            replay.take(bytes[start..<end])
            start = end
        }
        return replay.finish()
    }

    static let rejected = "connection closed due to policy rejection: allow policies exist, but none allowed"

    /// The line, and what the log said and the policies say; `nil` when nothing changes.
    static let cases: [(String, String?)] = [
        (plain(web), nil),
        (plain(other), "allowed denied"),
        (plain(other, error: rejected), nil),
        (plain(web, error: rejected), "denied allowed"),
        (plain(other, error: "explicitly denied by policy shop/x, rule 0"), nil),
        (plain(other, error: "connection closed due to policy change"), nil),
        (plain(other, error: "connection reset: policy rejection is not what it was"), "allowed denied"),
        (
            plain(web, error: "allow policies exist, but none of 1 matched; add the caller to one of them"),
            "denied allowed"
        ),
        (json(web), nil),
        (json(other), "allowed denied"),
        (envoy("GET", status: 200), nil),
        (envoy("POST", status: 200), "allowed denied"),
        (envoy("POST", status: 403, details: "rbac_access_denied_matched_policy[none]"), nil),
        (envoy("GET", status: 403), nil),
        (envoy("GET", status: 403, details: "rbac_access_denied_matched_policy[none]"), "denied allowed"),
        (envoy("GET", status: 200).replacing("\"cart.shop.svc.cluster.local\"", with: "\"cart.shop:80\""), nil),
        (envoy("GET", status: 200).replacing("GET /a", with: "get /a"), "allowed denied"),
        (bare("GET", status: 200), nil), (bare("POST", status: 200), "allowed denied"),
        (bare("POST", status: 403), nil),
        (bare("GET", status: 403), "denied allowed"),
    ]

    @Test("compares what a line tells with what policies say", arguments: cases)
    func compares(line: String, change: String?) {
        let report = Self.replay([line])
        #expect(report.judged == 1, "\(report.skipped)")
        #expect(report.changes.first.map { "\($0.logged) \($0.now)" } == change)
    }

    @Test("counts lines that it cannot judge, by reason")
    func skips() {
        let report = Self.replay([
            "", "hello", "{\"level\":\"info\"}", Self.plain(Self.web, direction: "outbound"), "[x] \"a\"",
            Self.plain(Self.web).replacing("10.0.0.2", with: "10.0.0.3"),
        ])
        #expect(report.judged == 0)
        #expect(report.skipped.map(\.lines).reduce(0, +) == 6)
    }

    @Test("reads the same wherever the log is cut, byte by byte too", arguments: [1, 2, 7, 63, 1000])
    func chunks(size: Int) {
        let lines = Self.cases.map(\.0)
        let (whole, cut) = (Self.replay(lines), Self.replay(lines, chunk: size))
        #expect(cut.lines == whole.lines && cut.judged == whole.judged && cut.changed == whole.changed)
        #expect(cut.lines == lines.count)
    }

    @Test("survives every truncation of a line")
    func truncations() {
        for line in [Self.plain(Self.web), Self.json(Self.web), Self.envoy("GET", status: 200)] {
            for end in 0..<line.utf8.count {
                let report = Self.replay([String(decoding: line.utf8.prefix(end), as: UTF8.self)])
                #expect(report.lines == 1 && report.judged <= 1)
            }
        }
    }

    @Test("keeps one entry for each change, with how often it was met")
    func aggregates() {
        let report = Self.replay(Array(repeating: Self.plain(Self.other), count: 50))
        #expect(report.changes.map(\.lines) == [50])
        #expect(report.changes.first?.firstLine == 1)
    }
}

@Suite("Judging of flows")
struct FlowTests {
    private func report(_ from: String, _ to: String, manifests: String = ReplayTests.manifests) throws -> FlowReport {
        var reader = ClusterReader()
        reader.read(Manifest(name: "t", bytes: Array(manifests.utf8)))
        let judge = PolicyJudge(reader.finish().cluster)
        let parser = FlowParser(judge.index, doing: "test")
        return judge.report(try parser.client(from), try parser.target(to), nil)
    }

    @Test("case 78: a workload that allows only clients refuses what comes through the waypoint")
    func clientsOnly() throws {
        let manifests = ReplayTests.manifests.replacing("[web, wp]", with: "[web]")
        let report = try report("shop/web", "shop/cart:80", manifests: manifests)
        #expect(!report.allowed)
        #expect(report.hops.map(\.allowed) == [true, false])
        #expect(report.hops.last?.peer == "spiffe://cluster.local/ns/shop/sa/wp")
        #expect(report.hops.last?.notes.contains { $0.contains("cluster.local/ns/shop/sa/wp") } ?? false)
    }

    @Test("case 77: traffic to a workload is not judged by policies of a service")
    func workloadAddressed() throws {
        let report = try report("shop/web", "pod:shop/cart:80")
        #expect(report.hops.map(\.kind) == [.workload])
        #expect(report.allowed)
    }

    @Test("plaintext goes past the waypoint, and is judged as nobody")
    func plaintext() throws {
        let report = try report("none", "shop/cart:80")
        #expect(report.hops.map(\.kind) == [.workload])
        #expect(!report.allowed)
        #expect(report.hops[0].peer == nil)
    }

    @Test(
        "a service is found by name, short name, hostname and address",
        arguments: [
            "shop/cart", "svc:shop/cart:80", "cart.shop:80", "cart.shop.svc.cluster.local:80", "10.1.0.1:80",
        ])
    func names(to: String) throws {
        #expect(try report("shop/web", to).to == "Service shop/cart:80")
    }
}
