/// What policies need to know of the mesh. Source: istio.io/api mesh/v1alpha1 MeshConfig.
public struct MeshSettings: Hashable, Sendable {
    /// Whose policies hold for the whole mesh. Default `istio-system`.
    public var rootNamespace = "istio-system"
    /// Default `cluster.local`.
    public var trustDomain = "cluster.local"
    /// Further domains of the same trust; each may begin or end with `*`. Default none.
    public var trustDomainAliases: [String] = []
    public var extensionProviders: [ExtensionProvider] = []
    public var pathNormalization = PathNormalization.base

    public init() {}

    /// The trust domain and its aliases, in order.
    public var trustDomains: [String] { [trustDomain] + trustDomainAliases }
}

/// How paths are made comparable before routes and policies see them.
public enum PathNormalization: String, Sendable, CaseIterable {
    case none = "NONE"
    /// Also written `DEFAULT`.
    case base = "BASE"
    case mergeSlashes = "MERGE_SLASHES"
    case decodeAndMergeSlashes = "DECODE_AND_MERGE_SLASHES"

    /// `nil` for a name that is not an option.
    public init?(option: String) {
        guard let known = option == "DEFAULT" ? .base : Self(rawValue: option) else { return nil }
        self = known
    }
}

/// Somebody outside whom CUSTOM policies ask.
public struct ExtensionProvider: Hashable, Sendable {
    public enum Service: Hashable, Sendable {
        case httpAuthorizer(HTTPAuthorizer)
        case grpcAuthorizer(GRPCAuthorizer)
        /// Of another use (tracing, logging); the field's name.
        case other(String)
    }

    /// A DNS label in lower case of at most 63 characters.
    public var name: String
    public var service: Service
    public var position: FilePosition

    public init(name: String, service: Service, position: FilePosition = .unknown) {
        self.name = name
        self.service = service
        self.position = position
    }

    /// What both kinds of authorizer have.
    public struct Endpoint: Hashable, Sendable {
        /// `host` or `namespace/host`.
        public var service: String
        public var port: UInt16
        /// Default 600 s.
        public var timeout = Duration.seconds(600)
        /// Whether requests pass when the provider cannot be asked, or answers 5xx. Default no.
        public var failOpen = false
        /// Default 403.
        public var statusOnError = 403

        public init(service: String, port: UInt16) {
            self.service = service
            self.port = port
        }
    }

    /// `envoyExtAuthzHttp`. Header lists hold `x`, `x*` or `*x`; letter case does not count.
    public struct HTTPAuthorizer: Hashable, Sendable {
        public var endpoint: Endpoint
        public var pathPrefix = ""
        public var requestHeaders: [String] = []
        public var additionalHeaders: [String: String] = [:]
        public var headersToUpstreamOnAllow: [String] = []
        public var headersToDownstreamOnAllow: [String] = []
        public var headersToDownstreamOnDeny: [String] = []
        public init(endpoint: Endpoint) { self.endpoint = endpoint }
    }

    /// `envoyExtAuthzGrpc`.
    public struct GRPCAuthorizer: Hashable, Sendable {
        public var endpoint: Endpoint
        public init(endpoint: Endpoint) { self.endpoint = endpoint }
    }
}
