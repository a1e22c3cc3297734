import MeshCore
import Yams

extension ConfigReader {
    private static let workloadKeys =
        "uid, name, namespace, trustDomain, serviceAccount, workloadIps, network, hostname, protocol, nativeTunnel, "
        + "networkMode, status, workloadName, workloadType, canonicalName, canonicalRevision, node, clusterId, waypoint, "
        + "networkGateway, applicationTunnel, authorizationPolicies, locality, capacity, services"

    mutating func workload(_ node: Node, _ path: ConfigPath, _ defaults: LocalConfig.Defaults) -> Workload? {
        let before = problemCount
        var fields = Workload.Fields()
        for (key, keyNode, value) in pairs(node, path) {
            let path = path.key(key)
            switch key {
            case "uid": fields.uid = text(value, path)
            case "name": fields.name = text(value, path)
            case "namespace": fields.namespace = text(value, path)
            case "trustDomain": fields.trustDomain = text(value, path)
            case "serviceAccount": fields.serviceAccount = text(value, path)
            case "workloadIps": fields.addresses = list(value, path) { $0.ip($1, $2) }
            case "network": fields.network = text(value, path)
            case "hostname": fields.hostname = text(value, path)
            case "protocol": fields.tunnelProtocol = choice(value, path, .tcp)
            case "nativeTunnel": fields.nativeTunnel = bool(value, path)
            case "networkMode": fields.networkMode = choice(value, path, .standard)
            case "status": fields.status = choice(value, path, .healthy)
            case "workloadName": fields.workloadName = text(value, path)
            case "workloadType": fields.workloadType = text(value, path)
            case "canonicalName": fields.canonicalName = text(value, path)
            case "canonicalRevision": fields.canonicalRevision = text(value, path)
            case "node": fields.node = text(value, path)
            case "clusterId": fields.clusterID = text(value, path)
            case "waypoint": fields.waypoint = gateway(value, path)
            case "networkGateway": fields.networkGateway = gateway(value, path)
            case "applicationTunnel": fields.applicationTunnel = applicationTunnel(value, path)
            case "authorizationPolicies": fields.authorizationPolicies = list(value, path) { $0.text($1, $2) }
            case "locality": fields.locality = locality(value, path)
            case "capacity": fields.capacity = number(value, path, "a whole number from 0 to 4294967295")
            case "services":
                for (service, serviceNode, ports) in pairs(value, path) {
                    guard let name = self.key(service, serviceNode, path.key(service)) else { continue }
                    fields.services[name] = self.ports(ports, path.key(service))
                }
            default: problem(path, keyNode, "unknown key; expected one of \(Self.workloadKeys)")
            }
        }
        return complete(&fields, node, path, defaults, since: before)
    }

    /// Fills in what can be told, and says what is missing.
    private mutating func complete(
        _ fields: inout Workload.Fields, _ node: Node, _ path: ConfigPath, _ defaults: LocalConfig.Defaults,
        since before: Int
    ) -> Workload? {
        if fields.namespace.isEmpty { missing(path, node, "needs a namespace", since: before) }
        if fields.addresses.isEmpty, fields.hostname.isEmpty, fields.networkGateway == nil {
            missing(path, node, "needs workloadIps, a hostname or a networkGateway", since: before)
        }
        if fields.trustDomain.isEmpty { fields.trustDomain = defaults.trustDomain }
        if fields.serviceAccount.isEmpty { fields.serviceAccount = "default" }
        if fields.uid.isEmpty {
            if fields.name.isEmpty { missing(path, node, "needs a uid or a name", since: before) }
            fields.uid = "\(fields.clusterID)//Pod/\(fields.namespace)/\(fields.name)"
        }
        let workload = Workload(fields)
        if workload.identity == nil, fields.tunnelProtocol == .hbone, !fields.namespace.isEmpty {
            problem(path, node, "has no valid identity; \(identityProblem(fields))")
        }
        return workload
    }

    private func identityProblem(_ fields: Workload.Fields) -> String {
        do throws(IdentityError) {
            _ = try SPIFFEID(
                trustDomain: TrustDomain(parsing: fields.trustDomain), namespace: fields.namespace,
                serviceAccount: fields.serviceAccount)
            return ""
        } catch {
            return "\(error)"
        }
    }

    private mutating func applicationTunnel(_ node: Node, _ path: ConfigPath) -> ApplicationTunnel? {
        if Self.isNull(node) { return nil }
        var tunnel = ApplicationTunnel(kind: .none, port: nil)
        for (key, keyNode, value) in pairs(node, path) {
            switch key {
            case "protocol": tunnel.kind = choice(value, path.key(key), .none)
            case "port": tunnel.port = Self.isNull(value) ? nil : port(value, path.key(key))
            default: unknownKey(key, keyNode, path, expected: "protocol, port")
            }
        }
        return tunnel
    }

    private mutating func locality(_ node: Node, _ path: ConfigPath) -> Locality {
        var locality = Locality()
        for (key, keyNode, value) in pairs(node, path) {
            switch key {
            case "region": locality.region = text(value, path.key(key))
            case "zone": locality.zone = text(value, path.key(key))
            case "subzone": locality.subzone = text(value, path.key(key))
            default: unknownKey(key, keyNode, path, expected: "region, zone, subzone")
            }
        }
        return locality
    }
}
