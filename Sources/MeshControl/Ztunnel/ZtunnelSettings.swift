package import MeshCA
package import MeshCore
package import MeshLinux
package import MeshProxy
package import MeshState
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
    package var store: MeshStore
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
        proxy: ProxyConfig, store: MeshStore, own: Workload, credential: Credential, tls: TLSOptions = TLSOptions(),
        metrics: SocketAddress, readiness: SocketAddress, admin: [AdminServer.Listening], config: SettingsDump,
        filter: LogFilter, format: LogLine.Format
    ) {
        self.proxy = proxy
        self.store = store
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
