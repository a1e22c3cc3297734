import MeshCore
import MeshYAML

extension ConfigReader {
    private static let serviceKeys =
        "name, namespace, hostname, vips, cidrVips, ports, endpoints, subjectAltNames, waypoint, weightedWaypoints, "
        + "loadBalancer, ipFamilies, canonical, visibility"

    mutating func service(_ node: YAMLNode) -> Service? {
        let before = problemCount
        var fields = Service.Fields()
        for (key, value) in pairs(node) {
            switch key {
            case "name": fields.name = text(value)
            case "namespace": fields.namespace = sharedText(value)
            case "hostname": fields.hostname = sharedText(value)
            case "vips": fields.vips = list(value) { $0.networkAddress($1) }
            case "cidrVips": fields.cidrVIPs = list(value) { $0.networkCIDR($1) }
            case "ports": fields.ports = ports(value)
            case "endpoints":
                for (uid, endpoint) in pairs(value) {
                    let endpoint = self.endpoint(endpoint, uid: uid.text)
                    fields.endpoints[endpoint.workloadUID] = endpoint
                }
            case "subjectAltNames":
                fields.subjectAltNames = list(value) {
                    $0.parsed($1, "spiffe://<trust domain>/ns/<namespace>/sa/<service account>") {
                        try? SPIFFEID(parsing: $0)
                    }
                }
            case "waypoint": fields.waypoint = gateway(value)
            case "weightedWaypoints": fields.weightedWaypoints = list(value) { $0.weightedWaypoint($1) }
            case "loadBalancer": fields.loadBalancer = loadBalancer(value)
            case "ipFamilies": fields.ipFamilies = value.isNull ? nil : choice(value, .dual)
            case "canonical": fields.canonical = bool(value)
            case "visibility": fields.visibility = choice(value, .everyone)
            default: unknownKey(key, expected: Self.serviceKeys)
            }
        }
        if fields.namespace.isEmpty { missing(node, "needs a namespace", since: before) }
        if fields.hostname.isEmpty { missing(node, "needs a hostname", since: before) }
        if fields.name.isEmpty { fields.name = fields.hostname }
        return Service(fields)
    }

    private mutating func networkCIDR(_ node: YAMLNode) -> NetworkCIDR? {
        let before = problemCount
        var network = ""
        var cidr: CIDR?
        for (key, value) in pairs(node) {
            switch key {
            case "network": network = sharedText(value)
            case "cidr": cidr = self.cidr(value)
            default: unknownKey(key, expected: "network, cidr")
            }
        }
        if cidr == nil { missing(node, "needs a cidr", since: before) }
        return cidr.map { NetworkCIDR(network: network, cidr: $0) }
    }

    private mutating func endpoint(_ node: YAMLNode, uid: String) -> Endpoint {
        var endpoint = Endpoint(workloadUID: uid, ports: [:], status: .healthy)
        for (key, value) in pairs(node) {
            switch key {
            case "workloadUid": endpoint.workloadUID = text(value)
            case "port": endpoint.ports = ports(value)
            case "status": endpoint.status = choice(value, .healthy)
            default: unknownKey(key, expected: "workloadUid, port, status")
            }
        }
        return endpoint
    }

    private mutating func weightedWaypoint(_ node: YAMLNode) -> WeightedWaypoint? {
        let before = problemCount
        var destination: GatewayAddress?
        var weight: UInt32 = 0
        for (key, value) in pairs(node) {
            switch key {
            case "destination": destination = gateway(value)
            case "weight": weight = number(value, "a whole number from 0 to 4294967295")
            default: unknownKey(key, expected: "destination, weight")
            }
        }
        if destination == nil { missing(node, "needs a destination", since: before) }
        return destination.map { WeightedWaypoint(destination: $0, weight: weight) }
    }

    private mutating func loadBalancer(_ node: YAMLNode) -> LoadBalancer? {
        if node.isNull { return nil }
        var balancer = LoadBalancer()
        for (key, value) in pairs(node) {
            switch key {
            case "routingPreferences":
                balancer.routingPreferences = list(value) { $0.choice($1, LoadBalancer.Scope.region) }
            case "mode": balancer.mode = choice(value, .standard)
            case "healthPolicy": balancer.healthPolicy = choice(value, .onlyHealthy)
            default: unknownKey(key, expected: "routingPreferences, mode, healthPolicy")
            }
        }
        return balancer
    }
}
