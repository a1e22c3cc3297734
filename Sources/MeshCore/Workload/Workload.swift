/// A running peer of the mesh: a pod, a VM, a host process.
///
/// Source: spec of the discovery API, message `istio.workload.Workload`. Immutable and shared by reference, so that a
/// connection can keep the record that it was judged by; compare records by `===`, workloads by `uid`.
public final class Workload: Sendable {
    public enum TunnelProtocol: String, Sendable, CaseIterable { case tcp = "TCP", hbone = "HBONE" }
    public enum NetworkMode: String, Sendable, CaseIterable { case standard = "Standard", hostNetwork = "HostNetwork" }
    public enum Status: String, Sendable, CaseIterable { case healthy = "Healthy", unhealthy = "Unhealthy" }

    /// Every field of the record, with its default, for building one.
    public struct Fields: Sendable, Hashable {
        public var uid = ""
        public var name = ""
        public var namespace = ""
        public var trustDomain = ""
        public var serviceAccount = ""
        public var addresses: [IPAddress] = []
        public var network = ""
        public var hostname = ""
        public var tunnelProtocol = TunnelProtocol.tcp
        public var nativeTunnel = false
        public var networkMode = NetworkMode.standard
        public var status = Status.healthy
        public var workloadName = ""
        public var workloadType = ""
        public var canonicalName = ""
        public var canonicalRevision = ""
        public var node = ""
        public var clusterID = ""
        public var waypoint: GatewayAddress?
        public var networkGateway: GatewayAddress?
        public var applicationTunnel: ApplicationTunnel?
        /// Keys `namespace/name` of policies that select this workload.
        public var authorizationPolicies: [String] = []
        public var locality = Locality()
        /// Weight in load balancing; 0 is never chosen.
        public var capacity: UInt32 = 1
        /// Made from what a peer says of itself (baggage), and found in no record.
        public var isHearsay = false
        /// `namespace/hostname` of each service that it backs, with its own target port by service port.
        public var services: [NamespacedHostname: [UInt16: UInt16]] = [:]
        public init() {}
    }

    public let fields: Fields
    private let hasIdentity: Bool

    public init(_ fields: Fields) {
        self.fields = fields
        hasIdentity = SPIFFEID.isValid(
            trustDomain: fields.trustDomain, namespace: fields.namespace, serviceAccount: fields.serviceAccount)
    }

    /// `nil` when trust domain, namespace or service account do not make a valid identity.
    public var identity: SPIFFEID? { hasIdentity ? SPIFFEID(fields) : nil }

    public var uid: String { fields.uid }
    public var name: String { fields.name }
    public var namespace: String { fields.namespace }
    public var addresses: [IPAddress] { fields.addresses }
    public var network: String { fields.network }
    public var tunnelProtocol: TunnelProtocol { fields.tunnelProtocol }
}

/// Where a waypoint or gateway is: an address of some network, or a hostname.
public struct GatewayAddress: Hashable, Sendable {
    /// Indirect, since most workloads have none and a mesh may have a million of them.
    public indirect enum Destination: Hashable, Sendable { case address(NetworkAddress), hostname(NamespacedHostname) }
    public var destination: Destination
    public var hboneMTLSPort: UInt16

    public init(destination: Destination, hboneMTLSPort: UInt16) {
        self.destination = destination
        self.hboneMTLSPort = hboneMTLSPort
    }
}

/// How a proxied workload wants its inbound traffic handed over.
public struct ApplicationTunnel: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable { case none = "NONE", proxy = "PROXY" }
    public var kind: Kind
    public var port: UInt16?

    public init(kind: Kind, port: UInt16?) {
        self.kind = kind
        self.port = port
    }
}

public struct Locality: Hashable, Sendable {
    public var region: String
    public var zone: String
    public var subzone: String

    public init(region: String = "", zone: String = "", subzone: String = "") {
        self.region = region
        self.zone = zone
        self.subzone = subzone
    }
}
