package import MeshCore
package import MeshState

/// The records and settings by which connections are explained: of a running proxy, a dump, or a configuration file.
package struct MeshView: Sendable {
    let snapshot: MeshSnapshot
    let origins: PolicyOrigins
    let router: Router
    /// Whose proxy the records come from, if anybody's.
    let own: Workload?
    /// False when the records have lost `own`, which is then its last one.
    let isOwnKnown: Bool
    let clusterDomain: String
    /// Of the proxy of `own`.
    let tunnels: [HBONETunnelDump]
    /// Whose code protects the data of its next tunnel; `nil` where that is not known.
    let tlsRecords: String?

    package init(
        snapshot: MeshSnapshot, origins: PolicyOrigins = PolicyOrigins(), router: Router = Router(),
        own: Workload? = nil, isOwnKnown: Bool = true, clusterDomain: String = "cluster.local",
        tunnels: [HBONETunnelDump] = [], tlsRecords: String? = nil
    ) {
        self.snapshot = snapshot
        self.origins = origins
        self.router = router
        self.own = own
        self.isOwnKnown = isOwnKnown
        self.clusterDomain = clusterDomain
        self.tunnels = tunnels
        self.tlsRecords = tlsRecords
    }

    /// The records of a local configuration, with default settings.
    package init(_ source: RecordsSource) throws(MeshFailure) {
        let records = try source.load()
        self.init(snapshot: records.store(localNode: nil).snapshot, origins: records.origins)
    }
}

/// Who opens a connection.
enum ExplainedSource {
    case workload(Workload, ip: IPAddress?)
    /// No record has this address.
    case stranger(IPAddress)

    var namespace: String? {
        switch self {
        case .workload(let workload, _): workload.namespace
        case .stranger: nil
        }
    }
}

// MARK: Finding both ends

extension MeshView {
    static let doing = "explain a connection"

    /// - Parameter text: `namespace/name`, a uid, or an address; `nil` for the workload of the proxy itself.
    func source(_ text: String?) throws(MeshFailure) -> ExplainedSource {
        guard let text else {
            if let own { return .workload(own, ip: nil) }
            throw MeshFailure(
                .usage, doing: Self.doing, reason: "these records are of no proxy; say who calls: --from POD")
        }
        if let ip = IPAddress(text) {
            if let workload = snapshot.findWorkload(network: router.network, ip: ip) {
                return .workload(workload, ip: ip)
            }
            return .stranger(ip)
        }
        if let workload = snapshot.workload(uid: text) { return .workload(workload, ip: nil) }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let found = snapshot.allWorkloads.filter { workload in
            parts.count == 2 ? workload.namespace == parts[0] && workload.name == parts[1] : workload.name == text
        }
        if found.count == 1 { return .workload(found[0], ip: nil) }
        if found.isEmpty {
            throw MeshFailure(
                .notFound, doing: Self.doing,
                reason: "no workload \(text) among \(snapshot.workloadCount); give namespace/name, a uid or an address")
        }
        throw MeshFailure(
            .usage, doing: Self.doing,
            reason: "\(found.count) workloads are \(text): "
                + found.map(\.uid).sorted().prefix(5).joined(separator: ", ") + "; give a uid")
    }

    /// - Parameter text: `ip:port` or `hostname:port`; a hostname may be short, as inside a pod of the source's namespace.
    func destination(
        _ text: String, for source: ExplainedSource
    ) throws(MeshFailure) -> (address: SocketAddress, hostname: String?) {
        if let address = SocketAddress(text) { return (address, nil) }
        guard let colon = text.lastIndex(of: ":"), let port = SocketAddress.port(text[text.index(after: colon)...]),
            colon > text.startIndex, IPAddress(text) == nil
        else {
            throw MeshFailure(
                .usage, doing: Self.doing,
                reason: "\"\(text)\" is not address:port or hostname:port, such as 10.0.0.5:80 or [::1]:80")
        }
        let name = String(text[..<colon])
        for hostname in expansions(of: name, from: source.namespace) {
            guard let entry = snapshot.findService(hostname: hostname, clientNamespace: source.namespace) else {
                continue
            }
            if let ip = address(of: entry) { return (SocketAddress(ip, port), "\(entry.key)") }
            throw MeshFailure(
                .notFound, doing: Self.doing,
                reason: "service \(entry.key) has neither a virtual address nor an endpoint with an address")
        }
        throw MeshFailure(
            .notFound, doing: Self.doing,
            reason: "no service is called \(name)"
                + (source.namespace.map { ", or none that namespace \($0) may see" } ?? ""))
    }

    /// What the DNS proxy would try for a pod of `namespace`, the name as it is first.
    private func expansions(of name: String, from namespace: String?) -> [String] {
        var bare = name.lowercased()
        if bare.hasSuffix(".") { bare.removeLast() }
        if let slash = bare.firstIndex(of: "/") { bare = String(bare[bare.index(after: slash)...]) }
        guard let namespace else { return [bare] }
        return NameExpansion(clusterDomain: clusterDomain, searchDomains: .kubernetes)
            .candidates(for: bare, clientNamespace: namespace).map(\.host)
    }

    /// The virtual address that a client would be told: own network first, then IPv4; else an endpoint's.
    private func address(of entry: ServiceEntry) -> IPAddress? {
        let vips = entry.service.fields.vips
        func rank(_ vip: NetworkAddress) -> Int { (vip.network == router.network ? 2 : 0) + (vip.ip.isV4 ? 1 : 0) }
        if let best = vips.max(by: { rank($0) < rank($1) }) { return best.ip }
        return entry.allEndpoints.sorted { $0.endpoint.workloadUID < $1.endpoint.workloadUID }
            .lazy.compactMap { $0.workload?.addresses.first }.first
    }
}
