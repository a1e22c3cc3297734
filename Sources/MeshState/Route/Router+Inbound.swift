import HashTreeCollections
package import MeshCore

extension Router {
    /// The target of a CONNECT request that reached the proxy of `own`.
    ///
    /// Source: spec of the node proxy, section 8, checks 4 to 7.
    /// - Parameter connectionDestination: the address of ours that the tunnel was connected to.
    package func inbound(
        own: Workload, connectionDestination: IPAddress, authority: HBONEAuthority, snapshot: MeshSnapshot
    ) -> InboundRoute {
        do throws(InboundRefusal) {
            return try .accept(target(own, connectionDestination, authority, snapshot))
        } catch {
            return .refuse(error)
        }
    }

    private func target(
        _ own: Workload, _ ip: IPAddress, _ authority: HBONEAuthority, _ snapshot: MeshSnapshot
    ) throws(InboundRefusal) -> InboundTarget {
        let tunnel = own.fields.applicationTunnel
        var port: UInt16
        var proxyDestination: SocketAddress?
        var entry: ServiceEntry?
        switch authority {
        case .address(let address):
            guard address.ip == ip || tunnel != nil || isWaypoint(own, at: ip, of: address.ip, snapshot) else {
                throw .addressMismatch(authority: address, connection: ip)
            }
            port = address.port
            proxyDestination = address
        case .hostname(let name, let servicePort):
            guard let found = snapshot.findService(hostname: name, clientNamespace: own.namespace) else {
                throw .unknownHostname(name, clientNamespace: own.namespace)
            }
            entry = found
            let target =
                found.endpoints[own.uid]?.endpoint.ports[servicePort] ?? found.service.fields.ports[servicePort]
            guard let target, target != 0 else { throw .noPort(found.service, port: servicePort) }
            port = target
            if tunnel?.kind == .proxy {
                guard let vip = proxyAddress(of: found.service) else {
                    throw .noAddressForService(found.service, network: network)
                }
                proxyDestination = SocketAddress(vip, servicePort)
            }
        }
        guard !illegalPorts.contains(port) else { throw .selfCall(port: port) }
        if let override = tunnel?.port { port = override }
        let isProxy = tunnel?.kind == .proxy
        let usesLoopback = isProxy && localhostAppTunnel
        let upstream = usesLoopback ? (ip.isV4 ? IPAddress.loopbackV4 : .loopbackV6) : ip
        return InboundTarget(
            upstream: SocketAddress(upstream, port), policyDestination: SocketAddress(ip, port),
            proxyDestination: isProxy ? proxyDestination : nil, usesLoopback: usesLoopback, service: entry)
    }

    /// The virtual address that stands for a service in a PROXY header: own network first, then IPv4.
    private func proxyAddress(of service: Service) -> IPAddress? {
        var best: (rank: Int, ip: IPAddress)?
        for vip in service.fields.vips {
            let rank = (vip.network == network ? 2 : 0) + (vip.ip.isV4 ? 1 : 0)
            if let held = best, held.rank >= rank { continue }
            best = (rank, vip.ip)
        }
        return best?.ip
    }

    /// True when what has the address `target` sends its traffic through us.
    ///
    /// Deviation: upstream asks the primary waypoint only, so a waypoint that is one of several weighted ones refuses
    /// what the sending side rightly gave it. Weighted ones count here.
    private func isWaypoint(_ own: Workload, at ip: IPAddress, of target: IPAddress, _ snapshot: MeshSnapshot) -> Bool {
        if let workload = snapshot.findWorkload(network: network, ip: target) {
            return workload.fields.waypoint.map { isOurs($0, own, ip, snapshot) } ?? false
        }
        return snapshot.services(atVIP: target, network: network).contains { entry in
            let fields = entry.service.fields
            return fields.waypoint.map { isOurs($0, own, ip, snapshot) } ?? false
                || fields.weightedWaypoints.contains { $0.weight > 0 && isOurs($0.destination, own, ip, snapshot) }
        }
    }

    private func isOurs(_ gateway: GatewayAddress, _ own: Workload, _ ip: IPAddress, _ snapshot: MeshSnapshot) -> Bool {
        switch resolve(gateway, snapshot) {
        case .workload(let workload): workload.addresses.contains(ip)
        case .service(let entry): entry.endpoints[own.uid] != nil
        case nil: false
        }
    }

    /// The service that telemetry names for an accepted tunnel, or `nil` when it cannot be told.
    ///
    /// Among the service of a hostname authority, else those of the workload: the one that the peer named in its
    /// `forwarded` header, else the first that has `port` as a target.
    package func inboundService(
        own: Workload, authorityService: ServiceEntry?, forwardedHost: String?, port: UInt16, snapshot: MeshSnapshot
    ) -> Service? {
        let candidates = authorityService.map { [$0] } ?? snapshot.services(backedBy: own.uid)
        if let forwardedHost, let named = candidates.first(where: { $0.service.hostname == forwardedHost }) {
            return named.service
        }
        return candidates.first { entry in
            entry.service.fields.ports.values.contains(port)
                || entry.endpoints[own.uid]?.endpoint.ports.values.contains(port) ?? false
        }?.service
    }
}
