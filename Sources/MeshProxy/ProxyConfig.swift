package import MeshCore
package import MeshLinux

/// Settings of the data path. Checked by whoever builds it; fixed for the life of the proxy.
package struct ProxyConfig: Sendable {
    /// Whether upstream sockets of inbound traffic appear as the original client.
    package enum OriginalSource: Sendable { case bestEffort, required, never }

    /// Network of this node, for telemetry and route choice.
    package var network = ""
    /// Reactor threads. Default 2.
    package var threads = 2
    /// Where captured outbound TCP arrives. `nil` serves none.
    package var outbound: SocketAddress?
    /// Where HBONE from other proxies arrives.
    package var inbound: SocketAddress?
    /// Where captured inbound plaintext arrives.
    package var inboundPlaintext: SocketAddress?
    /// Where applications speak SOCKS5, a loopback address: it asks nobody who he is. `nil` serves none.
    package var socks5: SocketAddress?
    /// Where other proxies take tunnels. Default 15008.
    package var hbonePort: UInt16 = 15008
    /// An application tunnel with a PROXY header is delivered to loopback. Default true.
    package var localhostAppTunnel = true
    /// Ports that no traffic may be sent to through us: our own.
    package var illegalPorts: [UInt16] = [15001, 15006, 15008]
    package var reusePort = true
    package var originalSource = OriginalSource.bestEffort
    /// For sockets that we make; accepted ones get them where captured traffic arrives.
    package var socketOptions = SocketOptions()

    /// Seconds to reach a peer by TCP. Default 10.
    package var connectTimeout = 10
    /// Seconds for a TLS handshake, either side. Default 10; upstream has no limit inbound.
    package var handshakeTimeout = 10
    /// Seconds between PINGs on a tunnel, and how long an answer may take. Defaults 10 and 20.
    package var pingInterval = 10
    package var pingTimeout = 20
    /// Seconds after which a pooled tunnel without streams is closed. Default 300.
    package var poolIdleTimeout = 300
    /// Streams that one pooled tunnel carries at a time. Default 100.
    package var poolMaxStreams = 100
    /// Streams that a peer may open at a time on one tunnel. Default 200.
    package var serverMaxStreams = 200
    /// Seconds that open connections may go on once draining begins. Default 5.
    package var drainDeadline = 5

    /// HTTP/2 windows and frame size, in bytes. Defaults 4 MiB, 16 MiB, 1 MiB.
    package var streamWindow = 4 << 20
    package var connectionWindow = 16 << 20
    package var frameSize = 1 << 20
    /// Whether what an application says first goes with the request for its connection. Default true.
    package var sendsEarly = true
    /// Whether tunnels with bulk go to a second thread of their worker while small requests are served. Default true.
    package var bulkThreads = true
    /// Bulk that makes a tunnel go there, in bytes in a quarter of a second: some 270 Mbit/s. Default 8 MiB.
    package var heavyBytes = 8 << 20
    /// Whether little of bulk may wait in the sockets of near peers. Default true.
    package var keepsQueuesShort = true
    /// Bytes that may wait for applications and peers that do not read, in all reactors together. Default 256 MiB.
    package var bufferLimit = 256 << 20
    /// Header list limits that we announce, in bytes. Defaults 16 KiB as client, 64 KiB as server.
    package var clientMaxHeaderList = 16 << 10
    package var serverMaxHeaderList = 64 << 10

    /// Whether responses carry our baggage and requests' baggage is read. Default true.
    package var responseBaggage = true
    package var accessLog = AccessLogOptions()

    /// Seconds without a connection after which a traffic series is retired; it is shown for as long again. 0 never
    /// does. Must be longer than the interval at which metrics are read. Default 1800.
    package var metricsIdleTimeout = 1800
    /// Traffic series that one reactor keeps; what would need more is counted in series with unknown labels.
    /// Default 10,000.
    package var metricsMaxSeries = 10_000
    /// Labels that traffic metrics go without, such as `source_principal`.
    package var metricsDroppedLabels: Set<String> = []

    package init() {}

    /// For sockets between us and applications, which are on this machine.
    var applicationSockets: SocketOptions {
        var options = socketOptions
        if keepsQueuesShort { options.receiveBuffer = ReceiveQueue.bytes }
        return options
    }
}
