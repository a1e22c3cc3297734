import MeshCore

/// A workload to connect to, before an address of it is picked.
struct Upstream: Sendable {
    let workload: Workload
    let port: UInt16
    /// The service through which it was found.
    let entry: ServiceEntry?
    /// Who may answer.
    let expectedIdentities: [SPIFFEID]

    init(_ workload: Workload, port: UInt16) {
        self.workload = workload
        self.port = port
        entry = nil
        expectedIdentities = [SPIFFEID]().adding(workload.identity)
    }

    init(_ choice: EndpointChoice, of entry: ServiceEntry) {
        workload = choice.workload
        port = choice.port
        self.entry = entry
        expectedIdentities = choice.endpoint.expectedIdentities
    }

    /// The address for a connection that was going to `original`.
    ///
    /// The original address if the workload owns it; else one that the service's ip families allow, of the same family
    /// if there is one.
    /// - Returns: `nil` when only its hostname can tell.
    func address(for original: IPAddress) throws(RouteRefusal) -> SocketAddress? {
        if workload.addresses.contains(original) { return SocketAddress(original, port) }
        var fallback: IPAddress?
        for ip in workload.addresses where allows(ip) {
            if ip.isV4 == original.isV4 { return SocketAddress(ip, port) }
            if fallback == nil { fallback = ip }
        }
        if let fallback { return SocketAddress(fallback, port) }
        if !workload.fields.hostname.isEmpty { return nil }
        throw .noValidDestination(workload, entry?.service)
    }

    private func allows(_ ip: IPAddress) -> Bool {
        switch entry?.service.fields.ipFamilies {
        case .v4: ip.isV4
        case .v6: !ip.isV4
        case .dual, nil: true
        }
    }
}
