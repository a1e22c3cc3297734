import ArgumentParser
import Foundation
import MeshControl
import MeshCore
import MeshReport
import MeshState
import Testing

@testable import MeshCommands

@Suite("Reports of meshctl ztunnel")
struct ZtunnelReportTests {
    private func golden(_ name: String, _ report: some Report) throws {
        for format in OutputFormat.allCases {
            let text = try format.render(report, style: TextStyle(colour: false))
            try Golden.check("ztunnel/\(name).\(format == .text ? "txt" : format.rawValue)", text)
        }
    }

    private static let mesh = """
        workloads:
        - {uid: c1//Pod/shop/cart, name: cart, namespace: shop, serviceAccount: cart, trustDomain: cluster.local, \
        workloadIps: [10.0.0.1], protocol: HBONE, node: n1, clusterId: c1}
        - {uid: c1//Pod/shop/web, name: web, namespace: shop, serviceAccount: web, trustDomain: cluster.local, \
        workloadIps: [10.0.0.2], protocol: HBONE, authorizationPolicies: [shop/none], \
        services: {shop/web.shop.svc.cluster.local: {80: 8080}}}
        - {uid: c1//Pod/shop/idle, name: idle, namespace: shop, serviceAccount: web, trustDomain: cluster.local, \
        workloadIps: [10.0.0.3], protocol: HBONE, capacity: 0, services: {shop/web.shop.svc.cluster.local: {80: 8080}}}
        - {uid: c1//Pod/shop/way, name: way, namespace: shop, serviceAccount: way, trustDomain: cluster.local, \
        workloadIps: [10.0.0.5], protocol: HBONE}
        - {uid: c1//Pod/shop/behind, name: behind, namespace: shop, serviceAccount: behind, trustDomain: cluster.local, \
        workloadIps: [10.0.0.6], protocol: HBONE, waypoint: {destination: /10.0.0.5, hboneMtlsPort: 15008}}
        services:
        - {name: web, namespace: shop, hostname: web.shop.svc.cluster.local, vips: [/10.1.0.2], ports: {80: 8080}}
        policies:
        - name: callers
          namespace: shop
          scope: Namespace
          action: Allow
          rules: [[[{principals: [{Exact: cluster.local/ns/shop/sa/cart}]}]]]
        """

    private static let questions: [(String, ConnectionQuestion)] = [
        ("explain-service", ConnectionQuestion(from: "shop/cart", to: "web:80")),
        ("explain-denied", ConnectionQuestion(from: "shop/way", to: "10.0.0.2:8080")),
        ("explain-waypoint", ConnectionQuestion(from: "shop/cart", to: "10.0.0.6:80")),
        ("explain-refused", ConnectionQuestion(from: "shop/cart", to: "web:81")),
        ("explain-plaintext", ConnectionQuestion(from: "192.0.2.7", to: "10.0.0.2:8080")),
    ]

    @Test("explanations", arguments: questions)
    func explain(name: String, question: ConnectionQuestion) throws {
        let file = try TemporaryFile(Self.mesh)
        try golden(name, ExplanationReport(answer: MeshView(RecordsSource(.file(file.path))).explain(question)))
    }

    @Test("the verdict is the exit status", arguments: [("web:80", nil), ("web:81", Int32(1))])
    func exitStatus(to: String, status: Int32?) async throws {
        let file = try TemporaryFile(Self.mesh)
        let parsed = try ZtunnelCommand.parseAsRoot([
            "explain", "--config", file.path, "--from", "shop/cart", "--to", to,
        ])
        let command = try #require(parsed as? ZtunnelExplain)
        let answer = try await command.answer(ConnectionQuestion(from: command.from, to: command.to))
        #expect((answer.verdict == .allowed) == (status == nil))
    }

    @Test("explanations by manifests say where policies were written", arguments: ["default/client", "192.0.2.7"])
    func explainManifests(from: String) async throws {
        let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../Examples/first-light").standardized.path
        let parsed = try ZtunnelCommand.parseAsRoot([
            "explain", "--config", "\(example)/mesh.yaml", "--manifests", "\(example)/policies.yaml", "--from", from,
            "--to", "10.244.0.2:8080",
        ])
        let command = try #require(parsed as? ZtunnelExplain)
        let answer = try await command.answer(ConnectionQuestion(from: command.from, to: command.to))
        for format in OutputFormat.allCases {
            let text = try format.render(ExplanationReport(answer: answer), style: TextStyle(colour: false))
            try Golden.check(
                "ztunnel/explain-manifests-\(from == "192.0.2.7" ? "plaintext" : "client")"
                    + ".\(format == .text ? "txt" : format.rawValue)", text.replacing("\(example)/", with: ""))
        }
        #expect(throws: (any Error).self) {
            try ZtunnelCommand.parseAsRoot(["explain", "--to", "a:1", "--manifests", "x"])
        }
    }

    @Test("a dump and a file exclude each other; an address must be one")
    func badArguments() async throws {
        #expect(throws: (any Error).self) {
            try ZtunnelCommand.parseAsRoot(["explain", "--to", "a:1", "--dump", "x", "--config", "y"])
        }
        for address in ["nonsense", "127.0.0.1:0", "127.0.0.1"] {
            let status = try #require(
                try ZtunnelCommand.parseAsRoot(["status", "--address", address]) as? ZtunnelStatus)
            #expect(throws: MeshFailure.self) { try status.admin.client() }
        }
        let local = try #require(
            try ZtunnelCommand.parseAsRoot(["status", "--address", "localhost:15000"]) as? ZtunnelStatus)
        _ = try local.admin.client()
    }

    private static let status = """
        {"version": "1.0", "workload": "shop/web/web", "identity": "spiffe://cluster.local/ns/shop/sa/web",
        "ready": false, "pending": ["certificate"], "draining": false, "uptimeSeconds": 90061,
        "certificate": "Available", "certificateExpires": "2026-11-26T08:00:00Z", "logLevel": "access=debug,info",
        "listeners": {"outbound": "[::]:15001", "inbound": "[::]:15008"},
        "connections": {"inbound": 3, "outbound": 4, "tunnels": 2},
        "records": {"workloads": 5, "services": 1, "policies": 2},
        "resources": {"reactors": 2, "residentBytes": 15728640, "openDescriptors": 40, "maxDescriptors": 1024,
        "droppedLogLines": 7}}
        """

    private static func decoded<Value: Decodable>(_ text: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }

    @Test("status")
    func status() throws {
        var status: ProxyStatus = try Self.decoded(Self.status)
        try golden("status-waiting", ZtunnelStatusReport(status: status))
        status.ready = true
        #expect(ZtunnelStatusReport(status: status).text(TextStyle(colour: false)).contains("shop/web/web: ready"))
    }

    private static let connections = """
        [{"direction": "outbound", "protocol": "HBONE", "source": "10.0.0.1:40000", "sourceWorkload": "shop/cart",
        "sourceIdentity": "spiffe://cluster.local/ns/shop/sa/cart", "originalDestination": "10.1.0.2:80",
        "destination": "10.0.0.2:15008", "authority": "10.0.0.2:8080", "destinationWorkload": "shop/web",
        "service": "shop/web.shop.svc.cluster.local", "bytesToServer": 1536, "bytesToClient": 7516192768,
        "opened": "2026-11-25T08:00:00.000000Z", "ageSeconds": 3725.5, "tunnel": 4},
        {"direction": "inbound", "protocol": "TCP", "source": "192.0.2.1:5", "originalDestination": "10.0.0.1:80",
        "destination": "10.0.0.1:80", "bytesToServer": 0, "bytesToClient": 10,
        "opened": "2026-11-25T08:00:01.000000Z", "ageSeconds": 0.25}]
        """

    @Test("connections, as a table and as records")
    func connections() throws {
        try golden("connections", ConnectionsReport(connections: try Self.decoded(Self.connections)))
        #expect(ConnectionsReport(connections: []).text(TextStyle(colour: false)) == "no open connections")
    }

    @Test("connections are picked by direction and by any text that names one end")
    func filter() throws {
        let all: [ConnectionDump] = try Self.decoded(Self.connections)
        func count(_ direction: ConnectionDump.Direction?, _ text: String?) -> Int {
            all.count { ConnectionFilter(direction: direction, text: text).admits($0) }
        }
        #expect(count(nil, nil) == 2 && count(.inbound, nil) == 1 && count(.outbound, "192.0.2.1") == 0)
        #expect(count(nil, "shop/web") == 1 && count(nil, "10.0.0.1") == 2 && count(nil, "sa/cart") == 1)
    }

    private static let tunnels = """
        [{"id": 4, "direction": "outbound", "peer": "10.0.0.2:15008", "local": "10.0.0.1:0", "phase": "open",
        "peerIdentity": "spiffe://cluster.local/ns/shop/sa/web",
        "expectedIdentities": ["spiffe://cluster.local/ns/shop/sa/web"], "streams": 3,
        "leaving": true, "bulkThread": true, "queuedBytes": 0, "opened": "2026-11-25T08:00:00.000000Z",
        "certificateSerial": "12",
        "certificateExpires": "2026-11-26T08:00:00Z", "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "tlsRecords": "own, libcrypto"}]
        """

    @Test("the proxy of the caller tells of its tunnels too")
    func explainOwn() throws {
        let file = try TemporaryFile(Self.mesh)
        let snapshot = try LocalConfig.load(file: file.path).store(localNode: nil).snapshot
        let view = MeshView(
            snapshot: snapshot, own: snapshot.workload(uid: "c1//Pod/shop/cart"),
            tunnels: try Self.decoded(Self.tunnels), tlsRecords: "own, libcrypto")
        try golden("explain-own", ExplanationReport(answer: view.explain(ConnectionQuestion(to: "web:80"))))
    }

    @Test("tunnels, the log level and a drain")
    func others() throws {
        try golden("tunnels", TunnelsReport(tunnels: try Self.decoded(Self.tunnels)))
        try golden("log-level", LogLevelReport(logLevel: "access=debug,info"))
        try golden("drain", DrainReport(draining: true, inbound: 1, outbound: 2))
    }

    @Test("settings say where they come from")
    func settings() throws {
        let host = ZtunnelConfig.Host(cpuCount: 4, read: { _ in nil }, exists: { _ in false })
        var overrides = ZtunnelOverrides()
        overrides.config = "mesh.yaml"
        overrides.adminPort = 15100
        let config = try ZtunnelConfig.load(
            environment: [
                "PROXY_WORKLOAD_INFO": "shop/web/web", "CA_ROOT_CA": "SYSTEM",
                "CONNECTION_TERMINATION_DEADLINE": "500ms",
                "PROXY_CONFIG": "{statsPort: 15999, proxyMetadata: {}}",
            ], overrides: overrides, host: host)
        try golden("config", SettingsReport(settings: SettingsDump(config)))
    }

    @Test("a config dump as tables")
    func dump() throws {
        let file = try TemporaryFile(Self.mesh)
        let dump = ConfigDump(try LocalConfig.load(file: file.path).store(localNode: nil).snapshot)
        try Golden.check(
            "ztunnel/config-dump.txt",
            OutputFormat.text.render(ConfigDumpReport(dump: dump), style: TextStyle(colour: false)))
    }

    @Test(
        "amounts for people",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1 << 40, "1.0 TiB"),
            (1 << 51, "2048.0 TiB"),
        ])
    func bytes(count: Int, text: String) { #expect(Amount.bytes(count) == text) }

    @Test(
        "ages for people",
        arguments: [(0.25, "250ms"), (1, "1s"), (59.9, "59s"), (61, "1m1s"), (3661, "1h1m"), (90061, "1d1h")])
    func age(seconds: Double, text: String) { #expect(Amount.age(seconds) == text) }
}
