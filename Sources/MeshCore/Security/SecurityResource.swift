/// What policies of every kind have in common: a name, an age, and where they were written.
public struct ResourceIdentity: Hashable, Sendable, CustomStringConvertible {
    public var namespace: String
    public var name: String
    /// Seconds since 1970. `nil` counts as younger than every known time: a file says nothing of age.
    public var createdAt: Int64?
    public var position: FilePosition

    public init(
        namespace: String, name: String, createdAt: Int64? = nil, position: FilePosition = .unknown
    ) {
        self.namespace = namespace
        self.name = name
        self.createdAt = createdAt
        self.position = position
    }

    /// `namespace/name`.
    public var description: String { "\(namespace)/\(name)" }

    /// Oldest first, equals by namespace and name: the order in which policies of a kind win.
    public static func isOlder(_ a: ResourceIdentity, _ b: ResourceIdentity) -> Bool {
        (a.createdAt ?? .max, a.namespace, a.name) < (b.createdAt ?? .max, b.namespace, b.name)
    }
}

/// Which pods a policy holds for.
public enum WorkloadSelector: Hashable, Sendable {
    /// The field is not there: all pods of the namespace, or of the mesh in the root namespace.
    case absent
    /// `selector: {}`. Deviation: istiod sends such a policy and attaches it to no workload, against its own
    /// documentation; here it selects all.
    case empty
    /// Each label must be equal; further labels of the pod do not count.
    case labels([String: String])

    public func selects(_ labels: [String: String]) -> Bool {
        switch self {
        case .absent, .empty: true
        case .labels(let wanted): wanted.allSatisfy { labels[$0.key] == $0.value }
        }
    }
}

/// What a policy is attached to instead of pods. A reference names an object of the policy's own namespace.
public struct TargetReference: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// Of the core group, written `""` or `core`.
        case service = "Service"
        case serviceEntry = "ServiceEntry"
        case gateway = "Gateway"
        case gatewayClass = "GatewayClass"

        public var group: String {
            switch self {
            case .service: ""
            case .serviceEntry: "networking.istio.io"
            case .gateway, .gatewayClass: "gateway.networking.k8s.io"
            }
        }

        /// `nil` for a pair that policies cannot be attached to.
        public init?(group: String, kind: String) {
            guard let known = Kind(rawValue: kind), known.group == (group == "core" ? "" : group) else { return nil }
            self = known
        }
    }

    public var kind: Kind
    public var name: String
    public var position: FilePosition

    public init(kind: Kind, name: String, position: FilePosition = .unknown) {
        self.kind = kind
        self.name = name
        self.position = position
    }

    public var description: String { "\(kind.rawValue) \(name)" }
}

/// Values of which one must match, and values of which none may; an empty list asks for nothing.
public struct Criterion<Value: Hashable & Sendable>: Hashable, Sendable {
    public var values: [Value]
    public var notValues: [Value]

    public init(_ values: [Value] = [], not notValues: [Value] = []) {
        self.values = values
        self.notValues = notValues
    }

    public var isEmpty: Bool { values.isEmpty && notValues.isEmpty }
}
