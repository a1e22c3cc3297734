import MeshCore
import MeshState
import MeshTestSupport

/// A mesh for tests: short words for records, one snapshot.
struct World {
    var store: MeshStore
    var router = Router()
    var random = QuickRandom(seed: 42)

    init(localNode: String? = nil) { store = MeshStore(localNode: localNode) }

    init(_ changes: MeshChange...) {
        self.init()
        apply(changes)
    }

    @discardableResult
    mutating func apply(_ changes: [MeshChange]) -> MeshUpdateResult { store.apply(changes) }

    @discardableResult
    mutating func apply(_ changes: MeshChange...) -> MeshUpdateResult { store.apply(changes) }

    var snapshot: MeshSnapshot { store.snapshot }

    /// The route from `source` (127.0.0.1 unless given) to an address.
    mutating func route(
        _ destination: String, source: Workload = .client(), from sourceIP: String? = nil
    ) throws -> OutboundRoute {
        router.outbound(
            source: source, sourceIP: sourceIP.flatMap { IPAddress($0) }, destination: try address(destination),
            snapshot: snapshot, random: &random)
    }
}

struct BadFixture: Error { let text: String }

func ip(_ text: String) throws -> IPAddress {
    guard let ip = IPAddress(text) else { throw BadFixture(text: text) }
    return ip
}

func address(_ text: String) throws -> SocketAddress {
    guard let address = SocketAddress(text) else { throw BadFixture(text: text) }
    return address
}

extension Workload {
    static func make(
        _ uid: String, ip: String..., hbone: Bool = false, services: [String: [UInt16: UInt16]] = [:],
        _ change: (inout Fields) -> Void = { _ in }
    ) -> Workload {
        var fields = Fields()
        fields.uid = uid
        fields.name = uid
        fields.namespace = "ns"
        fields.trustDomain = "cluster.local"
        fields.serviceAccount = "sa-\(uid.filter { $0.isLetter || $0.isNumber })".lowercased()
        fields.addresses = ip.compactMap { IPAddress($0) }
        fields.tunnelProtocol = hbone ? .hbone : .tcp
        for (key, ports) in services { if let key = NamespacedHostname(key) { fields.services[key] = ports } }
        change(&fields)
        return Workload(fields)
    }

    static func client(_ change: (inout Fields) -> Void = { _ in }) -> Workload {
        make("client", ip: "127.0.0.1", hbone: false, change)
    }
}

extension Service {
    static func make(
        _ key: String, vip: String..., ports: [UInt16: UInt16] = [80: 8080], _ change: (inout Fields) -> Void = { _ in }
    ) -> Service {
        var fields = Fields()
        let name = NamespacedHostname(key) ?? NamespacedHostname(namespace: "ns", hostname: key)
        fields.name = name.hostname
        fields.namespace = name.namespace
        fields.hostname = name.hostname
        for text in vip {
            if text.filter({ $0 == "/" }).count == 2, let slash = text.firstIndex(of: "/"),
                let cidr = CIDR(text[text.index(after: slash)...])
            {
                fields.cidrVIPs.append(NetworkCIDR(network: String(text[..<slash]), cidr: cidr))
            } else if let vip = NetworkAddress(text.contains("/") ? text : "/\(text)") {
                fields.vips.append(vip)
            }
        }
        fields.ports = ports
        change(&fields)
        return Service(fields)
    }
}

extension GatewayAddress {
    static func at(_ text: String, port: UInt16 = 15008) -> GatewayAddress? {
        if let address = NetworkAddress(text.contains("/") ? text : "/\(text)") {
            return GatewayAddress(destination: .address(address), hboneMTLSPort: port)
        }
        return NamespacedHostname(text).map { GatewayAddress(destination: .hostname($0), hboneMTLSPort: port) }
    }
}

extension OutboundRoute {
    /// One line: how, where to, asked for what.
    var line: String {
        switch self {
        case .hbone(let route): "hbone \(route.nextHop) for \(route.authority)"
        case .doubleHBONE(let route): "double \(route.nextHop) for \(route.authority)"
        case .tcp(let route): "tcp \(route.address)"
        case .resolve(let route): "resolve \(route.hostname)"
        case .refuse(let refusal): "refuse \(refusal.word)"
        }
    }

    var workload: Workload? {
        switch self {
        case .hbone(let route): route.destinationWorkload
        case .doubleHBONE(let route): route.gateway
        case .tcp(let route): route.destinationWorkload
        case .resolve(let route): route.workload
        case .refuse: nil
        }
    }
}

extension RouteRefusal {
    /// The name of the case.
    var word: String {
        switch self {
        case .selfCall: "selfCall"
        case .unknownWaypoint: "unknownWaypoint"
        case .waypointUnusable: "waypointUnusable"
        case .noHealthyUpstream(_, _, let gap): "noHealthyUpstream \(gap.word)"
        case .noValidDestination: "noValidDestination"
        case .noNetworkGateway: "noNetworkGateway"
        case .crossNetworkWithoutService: "crossNetworkWithoutService"
        case .unknownNetworkGateway: "unknownNetworkGateway"
        case .networkGatewayUnusable(_, _, _, let gap): "networkGatewayUnusable \(gap.word)"
        case .noServiceIdentities: "noServiceIdentities"
        case .noIdentity: "noIdentity"
        }
    }
}

extension EndpointGap {
    var word: String {
        switch self {
        case .portNotDefined: "portNotDefined"
        case .noEndpoints: "noEndpoints"
        case .noneUsable: "noneUsable"
        case .passthrough: "passthrough"
        }
    }
}
