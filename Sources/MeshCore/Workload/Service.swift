/// A name and virtual addresses over several workloads.
///
/// Source: spec of the discovery API, message `istio.workload.Service`. Immutable and shared by reference.
public final class Service: Sendable {
    public enum Visibility: String, Sendable, CaseIterable { case everyone = "Public", namespace = "Namespace" }
    public enum IPFamilies: String, Sendable, CaseIterable { case dual = "Dual", v4 = "IPv4", v6 = "IPv6" }

    /// Every field of the record, with its default, for building one.
    public struct Fields: Sendable, Hashable {
        public var name = ""
        public var namespace = ""
        public var hostname = ""
        public var vips: [NetworkAddress] = []
        public var cidrVIPs: [NetworkCIDR] = []
        /// Target port by service port; target 0 means that each endpoint maps the port itself.
        public var ports: [UInt16: UInt16] = [:]
        /// By workload uid. Only endpoints that the health policy admits.
        public var endpoints: [String: Endpoint] = [:]
        public var subjectAltNames: [SPIFFEID] = []
        public var waypoint: GatewayAddress?
        public var weightedWaypoints: [WeightedWaypoint] = []
        public var loadBalancer: LoadBalancer?
        /// `nil`: no restriction.
        public var ipFamilies: IPFamilies?
        public var canonical = false
        public var visibility = Visibility.everyone
        public init() {}
    }

    public let fields: Fields
    public init(_ fields: Fields) { self.fields = fields }

    public var key: NamespacedHostname { NamespacedHostname(namespace: fields.namespace, hostname: fields.hostname) }
    public var namespace: String { fields.namespace }
    public var hostname: String { fields.hostname }
}

public struct NetworkCIDR: Hashable, Sendable {
    public var network: String
    public var cidr: CIDR

    public init(network: String, cidr: CIDR) {
        self.network = network
        self.cidr = cidr
    }
}

/// One workload behind a service.
public struct Endpoint: Hashable, Sendable {
    public var workloadUID: String
    /// Its own target port by service port; wins over the service's.
    public var ports: [UInt16: UInt16]
    public var status: Workload.Status

    public init(workloadUID: String, ports: [UInt16: UInt16], status: Workload.Status) {
        self.workloadUID = workloadUID
        self.ports = ports
        self.status = status
    }
}

public struct WeightedWaypoint: Hashable, Sendable {
    public var destination: GatewayAddress
    public var weight: UInt32

    public init(destination: GatewayAddress, weight: UInt32) {
        self.destination = destination
        self.weight = weight
    }
}

public struct LoadBalancer: Hashable, Sendable {
    public enum Scope: String, Sendable, CaseIterable {
        case region = "Region", zone = "Zone", subzone = "Subzone", node = "Node", cluster = "Cluster", network =
            "Network"
    }
    public enum Mode: String, Sendable, CaseIterable {
        case standard = "Standard", strict = "Strict", failover = "Failover", passthrough = "Passthrough"
    }
    public enum HealthPolicy: String, Sendable, CaseIterable { case onlyHealthy = "OnlyHealthy", allowAll = "AllowAll" }

    public var routingPreferences: [Scope]
    public var mode: Mode
    public var healthPolicy: HealthPolicy

    public init(
        routingPreferences: [Scope] = [], mode: Mode = .standard, healthPolicy: HealthPolicy = .onlyHealthy
    ) {
        self.routingPreferences = routingPreferences
        self.mode = mode
        self.healthPolicy = healthPolicy
    }
}
