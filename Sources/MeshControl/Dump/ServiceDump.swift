import MeshCore
package import MeshState

/// A service in the JSON of `/config_dump`, with the endpoints that the store holds for it.
package struct ServiceDump: Codable, Sendable, Equatable {
    package var name = ""
    package var namespace = ""
    package var hostname = ""
    package var vips: [String] = []
    package var cidrVips: [CIDRDump]?
    /// Target port by service port.
    package var ports: [String: UInt16] = [:]
    /// By workload uid.
    package var endpoints: [String: EndpointDump] = [:]
    package var subjectAltNames: [String] = []
    package var waypoint: GatewayDump?
    package var weightedWaypoints: [WeightedWaypointDump]?
    package var loadBalancer: LoadBalancerDump?
    package var ipFamilies: String?
    package var canonical = false
    package var visibility = Service.Visibility.everyone.rawValue

    package struct CIDRDump: Codable, Sendable, Equatable {
        package var network: String
        package var cidr: String
    }

    package struct WeightedWaypointDump: Codable, Sendable, Equatable {
        package var destination: GatewayDump
        package var weight: UInt32
    }

    package struct LoadBalancerDump: Codable, Sendable, Equatable {
        package var routingPreferences: [String]
        package var mode: String
        package var healthPolicy: String
    }

    package init(_ entry: ServiceEntry) {
        let fields = entry.service.fields
        name = fields.name
        namespace = fields.namespace
        hostname = fields.hostname
        vips = fields.vips.map(\.description)
        cidrVips = fields.cidrVIPs.map { CIDRDump(network: $0.network, cidr: $0.cidr.description) }.unlessEmpty
        ports = PortMap.dump(fields.ports)
        for endpoint in entry.allEndpoints {
            endpoints[endpoint.endpoint.workloadUID] = EndpointDump(endpoint.endpoint)
        }
        subjectAltNames = fields.subjectAltNames.map(\.description)
        waypoint = fields.waypoint.map { GatewayDump($0) }
        weightedWaypoints =
            fields.weightedWaypoints.map {
                WeightedWaypointDump(destination: GatewayDump($0.destination), weight: $0.weight)
            }.unlessEmpty
        loadBalancer = fields.loadBalancer.map {
            LoadBalancerDump(
                routingPreferences: $0.routingPreferences.map(\.rawValue), mode: $0.mode.rawValue,
                healthPolicy: $0.healthPolicy.rawValue)
        }
        ipFamilies = fields.ipFamilies?.rawValue
        canonical = fields.canonical
        visibility = fields.visibility.rawValue
    }

    var key: String { "\(namespace)/\(hostname)" }

    func record() throws(DumpError) -> Service {
        let owner = DumpOwner(name: "service \(key)")
        var fields = Service.Fields()
        fields.name = name
        fields.namespace = namespace
        fields.hostname = hostname
        for text in vips { fields.vips.append(try owner.read(text) { NetworkAddress($0) }) }
        for vip in cidrVips ?? [] {
            let cidr: CIDR = try owner.read(vip.cidr) { CIDR($0) }
            fields.cidrVIPs.append(NetworkCIDR(network: vip.network, cidr: cidr))
        }
        fields.ports = try PortMap.record(ports, of: owner)
        for endpoint in endpoints.values {
            let endpoint = try endpoint.record(of: owner)
            fields.endpoints[endpoint.workloadUID] = endpoint
        }
        for text in subjectAltNames {
            fields.subjectAltNames.append(try owner.read(text) { try? SPIFFEID(parsing: $0) })
        }
        fields.waypoint = try waypoint?.record(of: owner)
        for weighted in weightedWaypoints ?? [] {
            fields.weightedWaypoints.append(
                WeightedWaypoint(destination: try weighted.destination.record(of: owner), weight: weighted.weight))
        }
        if let loadBalancer {
            var balancer = LoadBalancer()
            for text in loadBalancer.routingPreferences {
                balancer.routingPreferences.append(try owner.read(text) { .init(rawValue: $0) })
            }
            balancer.mode = try owner.read(loadBalancer.mode) { .init(rawValue: $0) }
            balancer.healthPolicy = try owner.read(loadBalancer.healthPolicy) { .init(rawValue: $0) }
            fields.loadBalancer = balancer
        }
        if let ipFamilies { fields.ipFamilies = try owner.read(ipFamilies) { Service.IPFamilies(rawValue: $0) } }
        fields.canonical = canonical
        fields.visibility = try owner.read(visibility) { .init(rawValue: $0) }
        return Service(fields)
    }
}

/// One workload behind a service.
package struct EndpointDump: Codable, Sendable, Equatable {
    package var workloadUid: String
    package var port: [String: UInt16]
    package var status: String

    init(_ endpoint: Endpoint) {
        workloadUid = endpoint.workloadUID
        port = PortMap.dump(endpoint.ports)
        status = endpoint.status.rawValue
    }

    func record(of owner: DumpOwner) throws(DumpError) -> Endpoint {
        Endpoint(
            workloadUID: workloadUid, ports: try PortMap.record(port, of: owner),
            status: try owner.read(status) { .init(rawValue: $0) })
    }
}

/// Port maps: JSON keys are text.
enum PortMap {
    static func dump(_ ports: [UInt16: UInt16]) -> [String: UInt16] {
        Dictionary(uniqueKeysWithValues: ports.map { (String($0), $1) })
    }

    static func record(_ ports: [String: UInt16], of owner: DumpOwner) throws(DumpError) -> [UInt16: UInt16] {
        var result: [UInt16: UInt16] = [:]
        for (text, target) in ports { result[try owner.read(text) { SocketAddress.port($0) }] = target }
        return result
    }
}
