package import MeshCore
import MeshState

/// A workload in the JSON of `/config_dump`, whose keys `istioctl` reads.
package struct WorkloadDump: Codable, Sendable, Equatable {
    package var uid = ""
    package var workloadIps: [String] = []
    package var network: String?
    package var name = ""
    package var namespace = ""
    package var trustDomain: String?
    package var serviceAccount: String?
    package var hostname: String?
    package var `protocol` = Workload.TunnelProtocol.tcp.rawValue
    package var nativeTunnel: Bool?
    package var networkMode = Workload.NetworkMode.standard.rawValue
    package var status = Workload.Status.healthy.rawValue
    package var workloadName: String?
    package var workloadType: String?
    package var canonicalName: String?
    package var canonicalRevision: String?
    package var node: String?
    package var clusterId = ""
    package var capacity: UInt32 = 1
    package var waypoint: GatewayDump?
    package var networkGateway: GatewayDump?
    package var applicationTunnel: TunnelDump?
    package var authorizationPolicies: [String]?
    package var locality: LocalityDump?
    /// `namespace/hostname` of each service; the ports are in the service's endpoints.
    package var services: [String]?

    package struct TunnelDump: Codable, Sendable, Equatable {
        package var `protocol`: String
        package var port: UInt16?
    }

    package struct LocalityDump: Codable, Sendable, Equatable {
        package var region: String?
        package var zone: String?
        package var subzone: String?
    }

    package init(_ workload: Workload) {
        let fields = workload.fields
        uid = fields.uid
        workloadIps = fields.addresses.map(\.description)
        network = fields.network.unlessEmpty
        name = fields.name
        namespace = fields.namespace
        trustDomain = fields.trustDomain.unlessEmpty
        serviceAccount = fields.serviceAccount.unlessEmpty
        hostname = fields.hostname.unlessEmpty
        self.protocol = fields.tunnelProtocol.rawValue
        nativeTunnel = fields.nativeTunnel ? true : nil
        networkMode = fields.networkMode.rawValue
        status = fields.status.rawValue
        workloadName = fields.workloadName.unlessEmpty
        workloadType = fields.workloadType.unlessEmpty
        canonicalName = fields.canonicalName.unlessEmpty
        canonicalRevision = fields.canonicalRevision.unlessEmpty
        node = fields.node.unlessEmpty
        clusterId = fields.clusterID
        capacity = fields.capacity
        waypoint = fields.waypoint.map { GatewayDump($0) }
        networkGateway = fields.networkGateway.map { GatewayDump($0) }
        applicationTunnel = fields.applicationTunnel.map { TunnelDump(protocol: $0.kind.rawValue, port: $0.port) }
        authorizationPolicies = fields.authorizationPolicies.unlessEmpty
        let place = fields.locality
        if place != Locality() {
            locality = LocalityDump(
                region: place.region.unlessEmpty, zone: place.zone.unlessEmpty, subzone: place.subzone.unlessEmpty)
        }
        services = fields.services.keys.map(\.description).sorted().unlessEmpty
    }

    /// The record, without the ports of its services.
    func record() throws(DumpError) -> Workload {
        let owner = DumpOwner(name: "workload \(uid)")
        var fields = Workload.Fields()
        fields.uid = uid
        for text in workloadIps { fields.addresses.append(try owner.read(text) { IPAddress($0) }) }
        fields.network = network ?? ""
        fields.name = name
        fields.namespace = namespace
        fields.trustDomain = trustDomain ?? ""
        fields.serviceAccount = serviceAccount ?? ""
        fields.hostname = hostname ?? ""
        fields.tunnelProtocol = try owner.read(self.protocol) { .init(rawValue: $0) }
        fields.nativeTunnel = nativeTunnel ?? false
        fields.networkMode = try owner.read(networkMode) { .init(rawValue: $0) }
        fields.status = try owner.read(status) { .init(rawValue: $0) }
        fields.workloadName = workloadName ?? ""
        fields.workloadType = workloadType ?? ""
        fields.canonicalName = canonicalName ?? ""
        fields.canonicalRevision = canonicalRevision ?? ""
        fields.node = node ?? ""
        fields.clusterID = clusterId
        fields.capacity = capacity
        fields.waypoint = try waypoint?.record(of: owner)
        fields.networkGateway = try networkGateway?.record(of: owner)
        if let applicationTunnel {
            fields.applicationTunnel = ApplicationTunnel(
                kind: try owner.read(applicationTunnel.protocol) { .init(rawValue: $0) },
                port: applicationTunnel.port)
        }
        fields.authorizationPolicies = authorizationPolicies ?? []
        fields.locality = Locality(
            region: locality?.region ?? "", zone: locality?.zone ?? "", subzone: locality?.subzone ?? "")
        for text in services ?? [] {
            let key: NamespacedHostname = try owner.read(text) { NamespacedHostname($0) }
            fields.services[key] = [:]
        }
        return Workload(fields)
    }
}

/// A reference to a waypoint or gateway.
package struct GatewayDump: Codable, Sendable, Equatable {
    /// `network/ip` or `namespace/hostname`.
    package var destination: String
    package var hboneMtlsPort: UInt16

    init(_ gateway: GatewayAddress) {
        destination = gateway.text
        hboneMtlsPort = gateway.hboneMTLSPort
    }

    func record(of owner: DumpOwner) throws(DumpError) -> GatewayAddress {
        GatewayAddress(
            destination: try owner.read(destination) { text in
                NetworkAddress(text).map { .address($0) } ?? NamespacedHostname(text).map { .hostname($0) }
            }, hboneMTLSPort: hboneMtlsPort)
    }
}

/// A value of a dump that makes no record.
struct DumpError: Error, Equatable, CustomStringConvertible {
    let owner: String
    let value: String
    var description: String { "\(owner) has \"\(value.prefix(80))\", which is not understood" }
}

/// The record that a value belongs to, as messages name it.
struct DumpOwner {
    let name: String

    /// A value made from a text of the dump.
    func read<Value>(_ text: String, _ make: (String) -> Value?) throws(DumpError) -> Value {
        guard let value = make(text) else { throw DumpError(owner: name, value: text) }
        return value
    }
}

extension Collection {
    /// `nil` for nothing: JSON leaves it out.
    var unlessEmpty: Self? { isEmpty ? nil : self }
}
