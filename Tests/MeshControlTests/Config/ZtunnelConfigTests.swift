import MeshCore
import MeshProxy
import MeshTLS
import Testing

@testable import MeshControl

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Settings of the node proxy")
struct ZtunnelConfigTests {
    private static let base = [
        "PROXY_WORKLOAD_INFO": "ns/pod/sa", "LOCAL_XDS_PATH": "/mesh.yaml", "CA_ROOT_CA": "SYSTEM",
    ]

    private func load(
        _ environment: [String: String], files: [String: String] = [:], cpus: Int = 4,
        _ change: (inout ZtunnelOverrides) -> Void = { _ in }
    ) throws(MeshFailure) -> ZtunnelConfig {
        var overrides = ZtunnelOverrides()
        change(&overrides)
        let host = ZtunnelConfig.Host(cpuCount: cpus, read: { files[$0] }, exists: { files[$0] != nil })
        return try ZtunnelConfig.load(
            environment: Self.base.merging(environment) { $1 }, overrides: overrides, host: host)
    }

    private func problem(_ environment: [String: String], _ change: (inout ZtunnelOverrides) -> Void = { _ in })
        -> String?
    {
        do {
            _ = try load(environment, change)
            return nil
        } catch {
            return error.kind == .usage ? error.reason : "wrong kind"
        }
    }

    @Test("manifests, with the root namespace of the mesh; flags win, and one without the other is told")
    func manifests() throws {
        #expect(try load([:]).manifests == nil)
        let given = ["MESHCTL_MANIFESTS": "/policies", "MESHCTL_ROOT_NAMESPACE": "roots"]
        #expect(try load(given).manifests == ManifestSource(path: "/policies", rootNamespace: "roots"))
        #expect(try load(["MESHCTL_MANIFESTS": "/policies"]).manifests?.rootNamespace == "istio-system")
        #expect(try load(given) { $0.manifests = "/own" }.manifests?.path == "/own")
        #expect(try load(["MESHCTL_ROOT_NAMESPACE": "roots"]).manifests == nil)
        #expect(
            problem([:]) { $0.rootNamespace = "roots" } == "--root-namespace is for manifests; give --manifests too")
    }

    @Test("defaults")
    func defaults() throws {
        let config = try load([:])
        #expect(config.workload == .init(namespace: "ns", name: "pod", serviceAccount: "sa"))
        #expect(config.localConfig == .file("/mesh.yaml"))
        #expect(config.clusterID == "Kubernetes" && config.trustDomain == "cluster.local" && config.nodeName == nil)
        #expect(config.ports.outbound == 15001 && config.ports.inbound == 15008 && config.ports.metrics == 15020)
        #expect(config.drainDeadline == .seconds(5) && config.poolMaxStreams == 100)
        #expect(config.streamWindow == 4 << 20 && config.connectionWindow == 16 << 20 && config.frameSize == 1 << 20)
        guard case .authority(let authority) = config.credential else { throw MeshFailure(.bug, doing: "", reason: "") }
        #expect(authority.host == "localhost" && authority.port == 15012)
        #expect(authority.root == .system && authority.token == nil && authority.secretTTL == .seconds(86400))
    }

    @Test("167: precedence of mesh file, PROXY_CONFIG and ISTIO_META_")
    func precedence() throws {
        let mesh = """
            defaultConfig:
              proxyAdminPort: 9999
              statsPort: 9998
              concurrency: 5
              unknownKey: fine
              proxyMetadata: {ISTIO_META_A: mesh, B: mesh, C: mesh}
            """
        let own = "proxyAdminPort: 8888\nproxyMetadata: {B: own, ISTIO_META_C: own}"
        let config = try load(
            ["PROXY_CONFIG": own, "ISTIO_META_C": "process", "ISTIO_META_CLUSTER_ID": "c9", "CLUSTER_ID": "plain"],
            files: ["./etc/istio/config/mesh": mesh])
        #expect(config.ports.admin == 8888 && config.ports.metrics == 9998 && config.workerThreads == 5)
        #expect(config.metadata["A"] == "mesh" && config.metadata["B"] == "own" && config.metadata["C"] == "process")
        #expect(config.clusterID == "c9")
        #expect(try load(["CLUSTER_ID": "plain"]).clusterID == "plain")
        #expect(try load(["ISTIO_META_CLUSTER_ID": "c9"]) { $0.clusterID = "flag" }.clusterID == "flag")
    }

    @Test("a mesh file that is malformed, or has no proxyMetadata, is refused")
    func badMesh() {
        #expect(problem(["PROXY_CONFIG": "a: ["])?.hasPrefix("PROXY_CONFIG:") == true)
        #expect(problem(["PROXY_CONFIG": "concurrency: 1"])?.contains("needs proxyMetadata") == true)
    }

    struct Threads: Sendable, CustomTestStringConvertible {
        let environment: [String: String]
        let cpus: Int
        let expected: Int
        var testDescription: String { "\(environment) of \(cpus)" }
    }

    static let threads = [
        Threads(environment: ["ZTUNNEL_WORKER_THREADS": "4"], cpus: 8, expected: 4),
        Threads(environment: ["ZTUNNEL_WORKER_THREADS": "50%"], cpus: 8, expected: 4),
        Threads(environment: ["ZTUNNEL_WORKER_THREADS": "30%"], cpus: 16, expected: 5),
        Threads(environment: ["ZTUNNEL_WORKER_THREADS": "10%"], cpus: 4, expected: 1),
        Threads(environment: ["ZTUNNEL_WORKER_THREADS": "0"], cpus: 6, expected: 6),
        Threads(environment: ["ZTUNNEL_WORKER_THREADS": "0", "ZTUNNEL_CPU_LIMIT": "3"], cpus: 6, expected: 3),
        Threads(environment: ["ZTUNNEL_RESOURCE_CPU_LIMIT": "500m"], cpus: 8, expected: 1),
        Threads(environment: ["ZTUNNEL_RESOURCE_CPU_LIMIT": "2500m"], cpus: 8, expected: 3),
        Threads(environment: ["ZTUNNEL_RESOURCE_CPU_LIMIT": "1.5"], cpus: 8, expected: 2),
        Threads(
            environment: ["ZTUNNEL_RESOURCE_CPU_LIMIT": "4", "ZTUNNEL_RESOURCE_CPU_REQUEST": "8"], cpus: 2, expected: 8),
        Threads(environment: [:], cpus: 32, expected: 8),
        Threads(environment: [:], cpus: 1, expected: 2),
        Threads(environment: ["PROXY_CONFIG": "{concurrency: 0, proxyMetadata: {}}"], cpus: 6, expected: 6),
    ]

    @Test("168: worker threads", arguments: threads)
    func workerThreads(_ wish: Threads) throws {
        #expect(try load(wish.environment, cpus: wish.cpus).workerThreads == wish.expected)
    }

    @Test(
        "drain deadline",
        arguments: [
            ("CONNECTION_TERMINATION_DEADLINE", "1h30m", Duration.seconds(5400)),
            ("CONNECTION_TERMINATION_DEADLINE", "500ms", .milliseconds(500)),
            ("CONNECTION_TERMINATION_DEADLINE", "7", .seconds(7)), ("CONNECTION_TERMINATION_DEADLINE", "0s", .zero),
            ("TERMINATION_GRACE_PERIOD_SECONDS", "30", .seconds(25)),
            ("TERMINATION_GRACE_PERIOD_SECONDS", "11", .seconds(6)),
            ("TERMINATION_GRACE_PERIOD_SECONDS", "10", .seconds(9)),
            ("TERMINATION_GRACE_PERIOD_SECONDS", "1", .seconds(1)),
            ("TERMINATION_GRACE_PERIOD_SECONDS", "0", .seconds(1)),
        ])
    func drain(name: String, value: String, expected: Duration) throws {
        #expect(try load([name: value]).drainDeadline == expected)
    }

    @Test("flags win over the environment, and settings say where they came from")
    func flags() throws {
        let config = try load(["NETWORK": "env", "TRUST_DOMAIN": "env.td"]) {
            $0.network = "flag"
            $0.outboundPort = 1
        }
        #expect(config.network == "flag" && config.trustDomain == "env.td" && config.ports.outbound == 1)
        #expect(config.origins["NETWORK"] == .flag)
        #expect(config.origins["TRUST_DOMAIN"] == .environment)
        #expect(config.origins["RUST_LOG"] == .standard)
    }

    @Test("authority, token and headers")
    func authority() throws {
        let files = ["/token": "", "/root.pem": "", "./var/run/secrets/tokens/istio-token": ""]
        func authority(_ environment: [String: String]) throws -> ZtunnelConfig.Authority? {
            guard case .authority(let authority) = try load(environment, files: files).credential else { return nil }
            return authority
        }
        #expect(try authority(["KUBERNETES_SERVICE_HOST": "1"])?.host == "istiod.istio-system.svc")
        let given = try authority([
            "CA_ADDRESS": "ca.example:7", "CA_ROOT_CA": "/root.pem", "AUTH_TOKEN": "/token", "ALT_CA_HOSTNAME": "alt",
            "CA_HEADER_X-Tenant": "t", "SECRET_TTL": "1h",
        ])
        #expect(given?.host == "ca.example" && given?.port == 7 && given?.root == .file("/root.pem"))
        #expect(
            given?.token == .file("/token") && given?.alternativeHost == "alt" && given?.headers == ["x-tenant": "t"])
        #expect(given?.secretTTL == .seconds(3600))
        #expect(try authority([:])?.token == .file("./var/run/secrets/tokens/istio-token"))
        #expect(try authority(["AUTH_TOKEN": "abc"])?.token == .literal("abc"))
        #expect(try authority(["CA_ADDRESS": "https://[::1]:9"])?.host == "::1")
        #expect(try authority(["CA_ADDRESS": "https://ca/"])?.port == 443)
    }

    @Test("certificate files go together, and not with an authority")
    func certificateFiles() throws {
        let files = ["/c": "", "/k": "", "/b": ""]
        let config = try load([:], files: files) {
            $0.certificate = "/c"
            $0.key = "/k"
            $0.trustBundle = "/b"
        }
        #expect(config.credential == .files(.init(certificate: "/c", key: "/k", trustBundle: "/b")))
        let missing = problem(["CA_ADDRESS": "ca:1"]) { $0.certificate = "/c" }
        #expect(missing?.contains("MESHCTL_KEY_FILE is not set") == true)
        #expect(missing?.contains("CA_ADDRESS is set, and so are certificate files") == true)
    }

    static let refused: [([String: String], String)] = [
        (["IPV6_ENABLED": "TRUE"], "IPV6_ENABLED is \"TRUE\"; expected true or false"),
        (["ENABLE_ORIG_SRC": "1"], "ENABLE_ORIG_SRC is \"1\"; expected true or false"),
        (["KEEPALIVE_TIME": "5 s"], "KEEPALIVE_TIME is \"5 s\"; expected a duration such as 5s, 10m, 1h30m or 500ms"),
        (
            ["CONNECTION_TERMINATION_DEADLINE": "-5"],
            "CONNECTION_TERMINATION_DEADLINE is \"-5\"; expected a duration such as"
        ),
        (
            ["POOL_MAX_STREAMS_PER_CONNECTION": "65536"],
            "POOL_MAX_STREAMS_PER_CONNECTION is \"65536\"; expected a whole number from 1"
        ),
        (["PROXY_MODE": "shared"], "PROXY_MODE is \"shared\", which is not supported yet; use dedicated"),
        (["PROXY_MODE": "x"], "PROXY_MODE is \"x\"; expected dedicated"),
        (["XDS_ADDRESS": "istiod:15012"], "XDS_ADDRESS is \"istiod:15012\"; XDS is not supported yet"),
        (["XDS_ON_DEMAND": "true"], "XDS_ON_DEMAND is true, which is not supported yet; unset it"),
        (["CRL_PATH": "/crl"], "CRL_PATH is \"/crl\"; revocation lists are not supported yet"),
        (["MESHCTL_MANIFESTS": "-"], "MESHCTL_MANIFESTS is -, which cannot be followed; expected a file or a folder"),
        (["LOCAL_XDS": "{}"], "LOCAL_XDS is set, and so is LOCAL_XDS_PATH; give one of them"),
        (
            ["PROXY_WORKLOAD_INFO": "a/b"],
            "PROXY_WORKLOAD_INFO is \"a/b\"; expected <namespace>/<name>/<service account>"
        ),
        (["ISTIO_META_DNS_PROXY_ADDR": "x"], "DNS_PROXY_ADDR is \"x\"; expected <ip>:<port> or localhost:<port>"),
        (["ENABLE_PROXY": "false", "ISTIO_META_DNS_CAPTURE": "no"], "ENABLE_PROXY is false and DNS_CAPTURE is off"),
        (["CA_ROOT_CA": "/nothing"], "CA_ROOT_CA is \"/nothing\"; expected an existing file, SYSTEM, or PEM text"),
        (["CA_ADDRESS": "http://ca:1"], "CA_ADDRESS is \"http://ca:1\"; expected <host>:<port>"),
        (["CA_ADDRESS": ""], "CA_ADDRESS is empty and no certificate files are given"),
        (["ZTUNNEL_WORKER_THREADS": "0%"], "ZTUNNEL_WORKER_THREADS is \"0%\"; expected a number, 0 for all CPUs"),
        (["ZTUNNEL_RESOURCE_CPU_LIMIT": "x"], "ZTUNNEL_RESOURCE_CPU_LIMIT is \"x\"; expected a number of CPUs"),
        (["COMPLIANCE_POLICY": "fips"], "COMPLIANCE_POLICY is \"fips\"; expected pqc"),
        (["LOG_FORMAT": "xml"], "LOG_FORMAT is \"xml\"; expected plain or json"),
        (["TRUST_DOMAIN": "A"], "TRUST_DOMAIN is \"A\"; expected"),
        (["MESHCTL_INBOUND_PORT": "15001"], "port 15001 is given for outbound and for inbound; each needs its own"),
    ]

    @Test("169: refuses, by name, with what was expected", arguments: refused)
    func refuses(environment: [String: String], expected: String) {
        let found = problem(environment)
        #expect(found?.hasPrefix(expected) == true, "\(found ?? "accepted")")
    }

    @Test("all problems come together, a line each")
    func together() {
        let found = problem(["IPV6_ENABLED": "x", "PROXY_MODE": "shared", "XDS_ADDRESS": "a"]) {
            $0.workerThreads = "many"
        }
        let lines = found?.split(separator: "\n") ?? []
        #expect(lines.first == "4 problems" && lines.count == 5)
        #expect(found?.contains("--threads is \"many\"") == true)
    }

    @Test("SOCKS5 is served where it is asked for, on a port of its own")
    func socks5() throws {
        #expect(try !load([:]).socks5Enabled)
        let config = try load(["UNSTABLE_ENABLE_SOCKS5": "true"])
        #expect(config.socks5Enabled && config.ports.socks5 == 15080)
        #expect(
            problem(["UNSTABLE_ENABLE_SOCKS5": "true", "MESHCTL_SOCKS5_PORT": "15001"])
                == "port 15001 is given for SOCKS5 and for outbound; each needs its own")
        // Where it is off its port may be anybody's.
        #expect(problem(["MESHCTL_SOCKS5_PORT": "15001"]) == nil)
    }

    @Test("the record layer of TLS is chosen by variable and flag")
    func tlsRecords() throws {
        #expect(try load([:]).tlsRecords == .auto)
        #expect(try load(["MESHCTL_TLS_RECORDS": "libssl"]).tlsRecords == .libssl)
        #expect(try load(["MESHCTL_TLS_RECORDS": "libssl"]) { $0.tlsRecords = "own" }.tlsRecords == .own)
        #expect(
            problem(["MESHCTL_TLS_RECORDS": "openssl"])
                == "MESHCTL_TLS_RECORDS is \"openssl\"; expected auto, own or libssl")
    }

    @Test("empty values of addresses mean none; TLS 1.2 and post-quantum are taken over")
    func others() throws {
        let config = try load([
            "XDS_ADDRESS": "", "TLS12_ENABLED": "true", "COMPLIANCE_POLICY": "pqc", "LOG_FORMAT": "json",
        ])
        #expect(config.allowsTLS12 && config.postQuantumOnly && config.logsJSON)
    }

    @Test(
        "169: DNS and on-demand do not go together, with DNS on, off or by default", arguments: ["true", "false", ""])
    func onDemand(capture: String) {
        var environment = ["XDS_ON_DEMAND": "true"]
        if !capture.isEmpty { environment["ISTIO_META_DNS_CAPTURE"] = capture }
        #expect(problem(environment)?.hasPrefix("XDS_ON_DEMAND is true") == true)
    }

    @Test("a second thread for bulk, short queues, and data ahead of the answer, unless they are refused")
    func unwanted() throws {
        #expect(try ProxyConfig(load([:])).keepsQueuesShort)
        #expect(try !ProxyConfig(load(["MESHCTL_SHORT_QUEUES": "false"])).keepsQueuesShort)
        #expect(try ProxyConfig(load([:])).bulkThreads && ProxyConfig(load([:])).sendsEarly)
        #expect(try !ProxyConfig(load(["MESHCTL_BULK_THREADS": "false"])).bulkThreads)
        #expect(try !ProxyConfig(load(["MESHCTL_EARLY_DATA": "false"])).sendsEarly)
        #expect(problem(["MESHCTL_BULK_THREADS": "few"])?.contains("MESHCTL_BULK_THREADS") == true)
    }

    @Test("traffic metrics: how long, how many, and without which labels")
    func metrics() throws {
        let config = try load([
            "MESHCTL_METRICS_IDLE_TIMEOUT": "2h", "MESHCTL_METRICS_MAX_SERIES": "500",
            "MESHCTL_METRICS_DROPPED_LABELS": "source_principal, destination_principal",
        ])
        let proxy = ProxyConfig(config)
        #expect(proxy.metricsIdleTimeout == 7200 && proxy.metricsMaxSeries == 500)
        #expect(proxy.metricsDroppedLabels == ["source_principal", "destination_principal"])
        #expect(try ProxyConfig(load(["MESHCTL_METRICS_IDLE_TIMEOUT": "0"])).metricsIdleTimeout == 0)
        #expect(try ProxyConfig(load([:])).metricsIdleTimeout == ProxyConfig().metricsIdleTimeout)
        #expect(problem(["MESHCTL_METRICS_IDLE_TIMEOUT": "500ms"])?.contains("60s at least") == true)
        #expect(problem(["MESHCTL_METRICS_MAX_SERIES": "0"])?.contains("1 to 10000000") == true)
        #expect(problem(["MESHCTL_BUFFER_LIMIT": "1000"])?.contains("16777216") == true)
        let unknown = problem(["MESHCTL_METRICS_DROPPED_LABELS": "source_app,sauce"])
        #expect(unknown?.contains("names \"sauce\"; the labels are reporter, source_workload, ") == true)
        #expect(ProxyConfig.trafficLabels.count == 27 && ProxyConfig.trafficLabels.last == "destination_zone")
    }
}
