/// How a node proxy is doing, as `/stats` shows it. The keys are a promise.
package struct ProxyStatus: Codable, Sendable, Equatable {
    package struct Traffic: Codable, Sendable, Equatable {
        package var inbound = 0
        package var outbound = 0
        /// HBONE connections with other proxies.
        package var tunnels = 0
    }

    package struct Records: Codable, Sendable, Equatable {
        package var workloads = 0
        package var services = 0
        package var policies = 0
    }

    package struct Resources: Codable, Sendable, Equatable {
        package var reactors = 0
        package var residentBytes: Int?
        package var openDescriptors: Int?
        package var maxDescriptors: Int?
        /// Since start: lines that the log could not take.
        package var droppedLogLines = 0
    }

    package var version = BuildInfo.version
    /// `namespace/name/service account`.
    package var workload = ""
    package var identity: String?
    package var ready = false
    /// What readiness waits for.
    package var pending: [String] = []
    package var draining = false
    package var uptimeSeconds = 0
    /// As in the config dump.
    package var certificate = ""
    /// RFC 3339; of the certificate in use.
    package var certificateExpires: String?
    /// Whose code protects the data of new TLS 1.3 connections: `libssl`, or `own` with the library that encrypts.
    package var tlsRecords: String?
    package var logLevel = ""
    /// Address by role, as bound.
    package var listeners: [String: String] = [:]
    package var connections = Traffic()
    package var records = Records()
    package var resources = Resources()

    package init() {}
}
