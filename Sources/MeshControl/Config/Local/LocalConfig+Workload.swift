import MeshCore
import MeshYAML

extension ConfigReader {
    private static let workloadKeys =
        "uid, name, namespace, trustDomain, serviceAccount, workloadIps, network, hostname, protocol, nativeTunnel, "
        + "networkMode, status, workloadName, workloadType, canonicalName, canonicalRevision, node, clusterId, waypoint, "
        + "networkGateway, applicationTunnel, authorizationPolicies, locality, capacity, services"

    mutating func workload(_ node: YAMLNode, _ defaults: LocalConfig.Defaults) -> Workload? {
        let before = problemCount
        var fields = Workload.Fields()
        for (key, value) in pairs(node) {
            switch key {
            case "uid": fields.uid = text(value)
            case "name": fields.name = text(value)
            case "namespace": fields.namespace = sharedText(value)
            case "trustDomain": fields.trustDomain = sharedText(value)
            case "serviceAccount": fields.serviceAccount = sharedText(value)
            case "workloadIps": fields.addresses = list(value) { $0.ip($1) }
            case "network": fields.network = sharedText(value)
            case "hostname": fields.hostname = sharedText(value)
            case "protocol": fields.tunnelProtocol = choice(value, .tcp)
            case "nativeTunnel": fields.nativeTunnel = bool(value)
            case "networkMode": fields.networkMode = choice(value, .standard)
            case "status": fields.status = choice(value, .healthy)
            case "workloadName": fields.workloadName = sharedText(value)
            case "workloadType": fields.workloadType = sharedText(value)
            case "canonicalName": fields.canonicalName = sharedText(value)
            case "canonicalRevision": fields.canonicalRevision = sharedText(value)
            case "node": fields.node = sharedText(value)
            case "clusterId": fields.clusterID = sharedText(value)
            case "waypoint": fields.waypoint = gateway(value)
            case "networkGateway": fields.networkGateway = gateway(value)
            case "applicationTunnel": fields.applicationTunnel = applicationTunnel(value)
            case "authorizationPolicies": fields.authorizationPolicies = list(value) { $0.sharedText($1) }
            case "locality": fields.locality = locality(value)
            case "capacity": fields.capacity = number(value, "a whole number from 0 to 4294967295")
            case "services": fields.services = servicePorts(value)
            default: unknownKey(key, expected: Self.workloadKeys)
            }
        }
        return complete(&fields, node, defaults, since: before)
    }

    /// Fills in what can be told, and says what is missing.
    private mutating func complete(
        _ fields: inout Workload.Fields, _ node: YAMLNode, _ defaults: LocalConfig.Defaults, since before: Int
    ) -> Workload? {
        if fields.namespace.isEmpty { missing(node, "needs a namespace", since: before) }
        if fields.addresses.isEmpty, fields.hostname.isEmpty, fields.networkGateway == nil {
            missing(node, "needs workloadIps, a hostname or a networkGateway", since: before)
        }
        if fields.trustDomain.isEmpty { fields.trustDomain = defaults.trustDomain }
        if fields.serviceAccount.isEmpty { fields.serviceAccount = "default" }
        if fields.uid.isEmpty {
            if fields.name.isEmpty { missing(node, "needs a uid or a name", since: before) }
            fields.uid = "\(fields.clusterID)//Pod/\(fields.namespace)/\(fields.name)"
        }
        let workload = Workload(fields)
        if workload.identity == nil, fields.tunnelProtocol == .hbone, !fields.namespace.isEmpty {
            let reason = identityProblem(fields)
            problem(node, "has no valid identity; \(reason)")
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

    private mutating func applicationTunnel(_ node: YAMLNode) -> ApplicationTunnel? {
        if node.isNull { return nil }
        var tunnel = ApplicationTunnel(kind: .none, port: nil)
        for (key, value) in pairs(node) {
            switch key {
            case "protocol": tunnel.kind = choice(value, .none)
            case "port": tunnel.port = value.isNull ? nil : port(value)
            default: unknownKey(key, expected: "protocol, port")
            }
        }
        return tunnel
    }

    private mutating func locality(_ node: YAMLNode) -> Locality {
        var locality = Locality()
        for (key, value) in pairs(node) {
            switch key {
            case "region": locality.region = sharedText(value)
            case "zone": locality.zone = sharedText(value)
            case "subzone": locality.subzone = sharedText(value)
            default: unknownKey(key, expected: "region, zone, subzone")
            }
        }
        return locality
    }
}
