package import MeshCA
package import MeshCore
package import MeshDNS
package import MeshLinux
package import MeshProxy
package import MeshTLS

/// Everything that a node proxy in dedicated mode is built from, checked.
package struct ZtunnelSettings: Sendable {
    /// Where our certificate comes from.
    package enum Credential: Sendable {
        /// Read once; the files' owner rotates them by a restart. `origin` names the files.
        case fixed(CredentialPEM, origin: String)
        /// Fetched by CSR, and renewed.
        case authority(CertificateClient, ttl: Duration)
    }

    package var proxy: ProxyConfig
    /// Followed while the proxy runs.
    package var source: RecordsSource
    /// What it said at the start. Whoever serves by it takes it: settings live longer than records.
    package var records: Parcel<LocalConfigWatcher.Records>
    /// `nil` when names are not resolved here.
    package var dns: DNSSettings?
    /// The workload that this proxy acts for.
    package var own: Workload
    package var credential: Credential
    package var tls: TLSOptions
    package var metrics: SocketAddress
    package var readiness: SocketAddress
    package var admin: [AdminServer.Listening]
    /// For the config dump.
    package var config: SettingsDump
    package var filter: LogFilter
    package var format: LogLine.Format

    package init(
        proxy: ProxyConfig, source: RecordsSource, records: LocalConfigWatcher.Records, dns: DNSSettings? = nil,
        own: Workload, credential: Credential, tls: TLSOptions = TLSOptions(),
        metrics: SocketAddress, readiness: SocketAddress, admin: [AdminServer.Listening], config: SettingsDump,
        filter: LogFilter, format: LogLine.Format
    ) {
        self.proxy = proxy
        self.source = source
        self.records = Parcel(records)
        self.dns = dns
        self.own = own
        self.credential = credential
        self.tls = tls
        self.metrics = metrics
        self.readiness = readiness
        self.admin = admin
        self.config = config
        self.filter = filter
        self.format = format
    }
}
