"""Envoy's side of the benchmark: the same work as ztunnel's, in its own configuration language."""

EXTENSIONS = "type.googleapis.com/envoy.extensions."
MANY = 1_000_000
HTTP2 = {
    "allow_connect": True, "max_concurrent_streams": 1000,
    "initial_stream_window_size": 4 << 20, "initial_connection_window_size": 16 << 20,
}


def typed(kind, **settings):
    return {"@type": EXTENSIONS + kind, **settings}


def extension(name, kind, **settings):
    return {"name": name, "typed_config": typed(kind, **settings)}


def address(host, port):
    return {"socket_address": {"address": host, "port_value": port}}


def cluster(name, host, port, **more):
    """A cluster of one address, without Envoy's circuit breakers in the way; its sockets carry the proxy's mark."""
    limits = {"max_connections": MANY, "max_pending_requests": MANY, "max_requests": MANY}
    return {
        "name": name, "type": "STATIC", "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [limits]},
        "upstream_bind_config": {"socket_options": [{"level": 1, "name": 36, "int_value": 1337}]},
        "load_assignment": {
            "cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(host, port)}}]}]
        },
        **more,
    }


def tls(side, who, **more):
    version = "TLSv1_3"
    return extension(
        "tls", f"transport_sockets.tls.v3.{side}TlsContext", **more,
        common_tls_context={
            "alpn_protocols": ["h2"],
            "tls_params": {"tls_minimum_protocol_version": version, "tls_maximum_protocol_version": version},
            "tls_certificates": [{
                "certificate_chain": {"filename": f"{{CERTS}}/{who}.crt"},
                "private_key": {"filename": f"{{CERTS}}/{who}.key"},
            }],
            "validation_context": {"trusted_ca": {"filename": "{CERTS}/ca.crt"}},
        })


def bootstrap(listener, clusters):
    monitor = extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=MANY)
    return {
        "overload_manager": {"resource_monitors": [monitor]},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def outbound(streams):
    protocol = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    http2 = {**HTTP2, "max_concurrent_streams": streams}
    hbone = cluster("hbone", "{S}", 15008, transport_socket=tls("Upstream", "client"), typed_extension_protocol_options={
        protocol: {"@type": "type.googleapis.com/" + protocol, "explicit_http_config": {"http2_protocol_options": http2}}
    })
    proxy = extension(
        "tcp", "filters.network.tcp_proxy.v3.TcpProxy", stat_prefix="out", cluster="hbone",
        tunneling_config={"hostname": "%DOWNSTREAM_LOCAL_ADDRESS%"})
    listener = {
        "name": "out", "address": address("0.0.0.0", 15001),
        "listener_filters": [extension("original_dst", "filters.listener.original_dst.v3.OriginalDst")],
        "filter_chains": [{"filters": [proxy]}],
    }
    return bootstrap(listener, [hbone])


def inbound(ports):
    connect = [{"upgrade_type": "CONNECT"}]
    hosts = [{
        "name": f"port{port}", "domains": [f"{{S}}:{port}"],
        "routes": [{
            "match": {"connect_matcher": {}},
            "route": {"cluster": f"port{port}", "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]},
        }],
    } for port in ports]
    http = extension(
        "http", "filters.network.http_connection_manager.v3.HttpConnectionManager", stat_prefix="in",
        codec_type="HTTP2", http2_protocol_options=HTTP2, upgrade_configs=connect, stream_idle_timeout="0s",
        route_config={"name": "routes", "virtual_hosts": hosts},
        http_filters=[extension("router", "filters.http.router.v3.Router")])
    listener = {
        "name": "in", "address": address("0.0.0.0", 15008),
        "filter_chains": [{
            "transport_socket": tls("Downstream", "server", require_client_certificate=True), "filters": [http],
        }],
    }
    return bootstrap(listener, [cluster(f"port{port}", "{S}", port) for port in ports])


def pair(ports, streams=1000):
    """In the form of Benchmarks/tunnel/*.json; `streams` is how many share a tunnel."""
    def command(file):
        return ["{ENVOY}", "-c", f"{{DIR}}/{file}", "--concurrency", "1", "-l", "error", "--disable-hot-restart"]
    return {
        "name": "envoy", "files": {"out.json": outbound(streams), "in.json": inbound(ports)},
        "out": command("out.json"), "in": command("in.json"),
    }
