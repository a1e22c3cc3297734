import Foundation
import MeshTestSupport

/// Envoy as the other side of HBONE: an implementation that is not ours.
enum EnvoyPeer {
    static let path: String? = {
        if let named = Meshctl.environment("ENVOY") { return named }
        let folder = Meshctl.repository.appendingPathComponent(".build/python")
        let files = FileManager.default.enumerator(atPath: folder.path)
        while let file = files?.nextObject() as? String {
            if file.hasSuffix("envoy/_bin/envoy") { return folder.appendingPathComponent(file).path }
        }
        return nil
    }()
    static var isUsable: Bool { path != nil || Meshctl.environment("MESHCTL_REQUIRE_ROOT") == "1" }

    /// Terminates HBONE on 15008 of a pod and connects to the applications of that pod.
    static func startServer(_ mesh: Mesh, _ pod: String, _ credentials: Credentials, ports: [Int]) throws {
        let targets = try mesh.node(pod).addresses.flatMap { address in
            ports.map { port in
                let text = "\(address)"
                return Target(
                    authority: text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)", address: text, port: port)
            }
        }
        try serve(mesh, pod, credentials, targets)
    }

    /// The gateway of a network: terminates HBONE on 15008 of a pod and passes what is in it on, unread.
    static func startGateway(
        _ mesh: Mesh, _ pod: String, _ credentials: Credentials, authority: String, to address: String, _ port: Int
    ) throws {
        try serve(mesh, pod, credentials, [Target(authority: authority, address: address, port: port)])
    }

    /// What a CONNECT asks for, and where it is sent.
    private struct Target {
        var authority: String
        var address: String
        var port: Int
        var name: String { "app-\(address)-\(port)" }
    }

    private static func serve(_ mesh: Mesh, _ pod: String, _ credentials: Credentials, _ targets: [Target]) throws {
        let routes: [Any] = targets.map { target in
            [
                "name": target.name, "domains": [target.authority],
                "routes": [
                    [
                        "match": ["connect_matcher": [:] as [String: Any]],
                        "route": [
                            "cluster": target.name, "timeout": "0s",
                            "upgrade_configs": [["upgrade_type": "CONNECT", "connect_config": [:] as [String: Any]]],
                        ],
                    ]
                ],
            ] as [String: Any]
        }
        let listener: [String: Any] = [
            "name": "in", "address": socket("::", 15008, dual: true),
            "filter_chains": [
                [
                    "transport_socket": tls("Downstream", credentials, ["require_client_certificate": true]),
                    "filters": [
                        filter(
                            "http_connection_manager.v3.HttpConnectionManager",
                            [
                                "stat_prefix": "in", "codec_type": "HTTP2", "http2_protocol_options": http2,
                                "upgrade_configs": [["upgrade_type": "CONNECT"]], "stream_idle_timeout": "0s",
                                "route_config": ["name": "r", "virtual_hosts": routes],
                                "http_filters": [
                                    [
                                        "name": "router",
                                        "typed_config": ["@type": type("filters.http.router.v3.Router")],
                                    ]
                                ],
                            ])
                    ],
                ]
            ],
        ]
        let clusters = targets.map { cluster($0.name, $0.address, $0.port) }
        try start(mesh, pod, listeners: [listener], clusters: clusters, port: 15008)
    }

    /// Takes redirected connections on 15001 and carries all of them to one pod in HBONE.
    static func startClient(_ mesh: Mesh, _ pod: String, _ credentials: Credentials, to target: String) throws {
        let listener: [String: Any] = [
            "name": "out", "address": socket("::", 15001, dual: true),
            "listener_filters": [
                [
                    "name": "original_dst",
                    "typed_config": ["@type": type("filters.listener.original_dst.v3.OriginalDst")],
                ]
            ],
            "filter_chains": [
                [
                    "filters": [
                        filter(
                            "tcp_proxy.v3.TcpProxy",
                            [
                                "stat_prefix": "out", "cluster": "hbone",
                                "tunneling_config": ["hostname": "%DOWNSTREAM_LOCAL_ADDRESS%"],
                            ])
                    ]
                ]
            ],
        ]
        var hbone = cluster("hbone", target, 15008)
        hbone["transport_socket"] = tls("Upstream", credentials, [:])
        // SO_MARK 1337: the proxy's own connections are not redirected.
        hbone["upstream_bind_config"] = ["socket_options": [["level": 1, "name": 36, "int_value": 1337]]]
        hbone["typed_extension_protocol_options"] = [
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": [
                "@type": type("upstreams.http.v3.HttpProtocolOptions"),
                "explicit_http_config": ["http2_protocol_options": http2],
            ]
        ]
        try start(mesh, pod, listeners: [listener], clusters: [hbone], port: 15001)
    }

    // MARK: Pieces of its configuration

    private static var http2: [String: Any] {
        [
            "allow_connect": true, "initial_stream_window_size": 4_194_304,
            "initial_connection_window_size": 16_777_216, "max_concurrent_streams": 1000,
        ]
    }

    private static func type(_ name: String) -> String { "type.googleapis.com/envoy.extensions.\(name)" }

    private static func socket(_ address: String, _ port: Int, dual: Bool = false) -> [String: Any] {
        var socket: [String: Any] = ["address": address, "port_value": port]
        if dual { socket["ipv4_compat"] = true }
        return ["socket_address": socket]
    }

    private static func filter(_ name: String, _ settings: [String: Any]) -> [String: Any] {
        ["name": name, "typed_config": settings.merging(["@type": type("filters.network.\(name)")]) { $1 }]
    }

    private static func cluster(_ name: String, _ address: String, _ port: Int) -> [String: Any] {
        let endpoint: [String: Any] = ["endpoint": ["address": socket(address, port)]]
        return [
            "name": name, "type": "STATIC", "connect_timeout": "5s",
            "load_assignment": ["cluster_name": name, "endpoints": [["lb_endpoints": [endpoint]]]],
        ]
    }

    private static func tls(_ side: String, _ credentials: Credentials, _ more: [String: Any]) -> [String: Any] {
        let version = "TLSv1_3"
        let context: [String: Any] = [
            "alpn_protocols": ["h2"],
            "tls_params": ["tls_minimum_protocol_version": version, "tls_maximum_protocol_version": version],
            "tls_certificates": [
                [
                    "certificate_chain": ["filename": credentials.certificate],
                    "private_key": ["filename": credentials.key],
                ]
            ],
            "validation_context": ["trusted_ca": ["filename": credentials.roots]],
        ]
        let settings: [String: Any] = [
            "@type": type("transport_sockets.tls.v3.\(side)TlsContext"), "common_tls_context": context,
        ]
        return ["name": "tls", "typed_config": settings.merging(more) { $1 }]
    }

    private static func start(
        _ mesh: Mesh, _ pod: String, listeners: [[String: Any]], clusters: [[String: Any]], port: Int
    ) throws {
        guard let path else { throw TimedOut(description: "no Envoy: name its binary in ENVOY") }
        let resources: [String: Any] = ["static_resources": ["listeners": listeners, "clusters": clusters]]
        let text = String(decoding: try JSONSerialization.data(withJSONObject: resources), as: UTF8.self)
        let process = try mesh.node(pod).spawn([
            path, "-c", try mesh.write(text, to: "envoy-\(pod).json"), "--concurrency", "1", "-l", "error",
            "--disable-hot-restart",
        ])
        _ = try eventually("Envoy to listen on \(port): \(process.errors)") {
            guard process.isRunning else { throw TimedOut(description: "Envoy ended: \(process.errors)") }
            let listening = try mesh.node(pod).exec("ss", "-Htln", "sport", "=", ":\(port)")
            return listening.isEmpty ? nil : true
        }
    }
}
