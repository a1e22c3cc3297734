import MeshCore
import Yams

extension ConfigReader {
    private static let serviceKeys =
        "name, namespace, hostname, vips, cidrVips, ports, endpoints, subjectAltNames, waypoint, weightedWaypoints, "
        + "loadBalancer, ipFamilies, canonical, visibility"

    mutating func service(_ node: Node, _ path: ConfigPath) -> Service? {
        let before = problemCount
        var fields = Service.Fields()
        for (key, keyNode, value) in pairs(node, path) {
            let path = path.key(key)
            switch key {
            case "name": fields.name = text(value, path)
            case "namespace": fields.namespace = text(value, path)
            case "hostname": fields.hostname = text(value, path)
            case "vips": fields.vips = list(value, path) { $0.networkAddress($1, $2) }
            case "cidrVips": fields.cidrVIPs = list(value, path) { $0.networkCIDR($1, $2) }
            case "ports": fields.ports = ports(value, path)
            case "endpoints":
                for (uid, _, endpoint) in pairs(value, path) {
                    let endpoint = self.endpoint(endpoint, path.key(uid), uid: uid)
                    fields.endpoints[endpoint.workloadUID] = endpoint
                }
            case "subjectAltNames":
                fields.subjectAltNames = list(value, path) {
                    $0.parsed($1, $2, "spiffe://<trust domain>/ns/<namespace>/sa/<service account>") {
                        try? SPIFFEID(parsing: $0)
                    }
                }
            case "waypoint": fields.waypoint = gateway(value, path)
            case "weightedWaypoints": fields.weightedWaypoints = list(value, path) { $0.weightedWaypoint($1, $2) }
            case "loadBalancer": fields.loadBalancer = loadBalancer(value, path)
            case "ipFamilies": fields.ipFamilies = Self.isNull(value) ? nil : choice(value, path, .dual)
            case "canonical": fields.canonical = bool(value, path)
            case "visibility": fields.visibility = choice(value, path, .everyone)
            default: problem(path, keyNode, "unknown key; expected one of \(Self.serviceKeys)")
            }
        }
        if fields.namespace.isEmpty { missing(path, node, "needs a namespace", since: before) }
        if fields.hostname.isEmpty { missing(path, node, "needs a hostname", since: before) }
        if fields.name.isEmpty { fields.name = fields.hostname }
        return Service(fields)
    }

    private mutating func networkCIDR(_ node: Node, _ path: ConfigPath) -> NetworkCIDR? {
        let before = problemCount
        var network = ""
        var cidr: CIDR?
        for (key, keyNode, value) in pairs(node, path) {
            switch key {
            case "network": network = text(value, path.key(key))
            case "cidr": cidr = self.cidr(value, path.key(key))
            default: unknownKey(key, keyNode, path, expected: "network, cidr")
            }
        }
        if cidr == nil { missing(path, node, "needs a cidr", since: before) }
        return cidr.map { NetworkCIDR(network: network, cidr: $0) }
    }

    private mutating func endpoint(_ node: Node, _ path: ConfigPath, uid: String) -> Endpoint {
        var endpoint = Endpoint(workloadUID: uid, ports: [:], status: .healthy)
        for (key, keyNode, value) in pairs(node, path) {
            switch key {
            case "workloadUid": endpoint.workloadUID = text(value, path.key(key))
            case "port": endpoint.ports = ports(value, path.key(key))
            case "status": endpoint.status = choice(value, path.key(key), .healthy)
            default: unknownKey(key, keyNode, path, expected: "workloadUid, port, status")
            }
        }
        return endpoint
    }

    private mutating func weightedWaypoint(_ node: Node, _ path: ConfigPath) -> WeightedWaypoint? {
        let before = problemCount
        var destination: GatewayAddress?
        var weight: UInt32 = 0
        for (key, keyNode, value) in pairs(node, path) {
            switch key {
            case "destination": destination = gateway(value, path.key(key))
            case "weight": weight = number(value, path.key(key), "a whole number from 0 to 4294967295")
            default: unknownKey(key, keyNode, path, expected: "destination, weight")
            }
        }
        if destination == nil { missing(path, node, "needs a destination", since: before) }
        return destination.map { WeightedWaypoint(destination: $0, weight: weight) }
    }

    private mutating func loadBalancer(_ node: Node, _ path: ConfigPath) -> LoadBalancer? {
        if Self.isNull(node) { return nil }
        var balancer = LoadBalancer()
        for (key, keyNode, value) in pairs(node, path) {
            let path = path.key(key)
            switch key {
            case "routingPreferences":
                balancer.routingPreferences = list(value, path) { $0.choice($1, $2, LoadBalancer.Scope.region) }
            case "mode": balancer.mode = choice(value, path, .standard)
            case "healthPolicy": balancer.healthPolicy = choice(value, path, .onlyHealthy)
            default: problem(path, keyNode, "unknown key; expected one of routingPreferences, mode, healthPolicy")
            }
        }
        return balancer
    }
}
