package import MeshCore

/// Settings of the DNS proxy.
package struct DNSSettings: Sendable, Equatable {
    package enum Upstream: Sendable, Equatable {
        /// A file in the format of resolv.conf, read again when it changes.
        case file(String)
        case fixed(ResolvConf)
    }

    package enum SearchDomains: Sendable, Equatable {
        /// Those that Kubernetes gives each pod.
        case kubernetes
        /// Those of the upstream's file.
        case resolver
    }

    /// UDP and TCP addresses. `::1` is left out where the loopback interface has no IPv6. Default 127.0.0.1:15053.
    package var listen = [SocketAddress(.loopbackV4, 15053)]
    /// A successor can bind before we leave. Default true.
    package var reusePort = true
    /// SO_MARK of every socket, so that ours are not redirected to us. Default none.
    package var mark: UInt32?
    /// Default "cluster.local".
    package var clusterDomain = "cluster.local"
    /// Breaks ties between services of one hostname. Default none.
    package var preferredNamespace: String?
    /// IPv6 addresses are given out. Default true.
    package var ipv6 = true
    /// Default those of the upstream's file, as fits a proxy in its application's own namespace.
    package var searchDomains = SearchDomains.resolver
    package var upstream = Upstream.file("/etc/resolv.conf")
    /// Least time between two looks at the upstream's file. Default 2 s.
    package var reloadInterval: Duration = .seconds(2)
    /// Questions that wait for an upstream server, each with a socket; one more is refused. Default 512.
    package var outstandingLimit = 512
    /// Longest wait for an upstream answer, over all servers and attempts. Default 10 s.
    package var forwardDeadline: Duration = .seconds(10)
    /// Connections of clients; one more is closed. Default 256.
    package var connectionLimit = 256
    /// Questions of one connection that are worked on; more are not read. Default 32.
    package var pipelineLimit = 32
    /// A connection without a question for so long is closed. Default 5 s.
    package var connectionIdle: Duration = .seconds(5)
    /// Longest wait for a TCP connection to an upstream server. Default 5 s.
    package var connectTimeout: Duration = .seconds(5)
    /// Longest wait for open questions in a graceful stop. Default 5 s.
    package var drainDeadline: Duration = .seconds(5)

    package init() {}
}
