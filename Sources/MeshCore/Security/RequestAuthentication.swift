/// Which tokens of end users are valid. Source: istio.io/api security/v1 RequestAuthentication.
public struct RequestAuthentication: Hashable, Sendable {
    public var identity: ResourceIdentity
    public var selector: WorkloadSelector
    public var targets: [TargetReference]
    public var rules: [JWTRule]

    public init(
        _ identity: ResourceIdentity, selector: WorkloadSelector = .absent, targets: [TargetReference] = [],
        rules: [JWTRule] = []
    ) {
        self.identity = identity
        self.selector = selector
        self.targets = targets
        self.rules = rules
    }
}

/// An entry of `jwtRules`: an issuer, its keys, and where its tokens are carried.
public struct JWTRule: Hashable, Sendable {
    public enum Keys: Hashable, Sendable {
        /// `jwks`: the text of a JSON Web Key Set.
        case inline(String)
        /// `jwksUri`.
        case remote(String)
        /// Neither: asked of `<issuer>/.well-known/openid-configuration`.
        case discovered
    }

    /// A header that carries a token: behind `prefix` where one is given.
    public struct HeaderLocation: Hashable, Sendable {
        public var name: String
        public var prefix: String
        public init(name: String, prefix: String = "") {
            self.name = name
            self.prefix = prefix
        }
    }

    /// A claim, nested names joined by `.`, that is passed on in a header.
    public struct ClaimHeader: Hashable, Sendable {
        public var header: String
        public var claim: String
        public init(header: String, claim: String) {
            self.header = header
            self.claim = claim
        }
    }

    /// Empty only with remote keys, and then any issuer will do.
    public var issuer: String
    public var keys: Keys
    /// Empty: any audience.
    public var audiences: [String] = []
    public var fromHeaders: [HeaderLocation] = []
    public var fromParameters: [String] = []
    public var fromCookies: [String] = []
    public var outputPayloadToHeader: String?
    public var outputClaimToHeaders: [ClaimHeader] = []
    public var forwardOriginalToken = false
    /// For fetching remote keys; at least 1 ms. Default 5 s.
    public var timeout = Duration.seconds(5)
    /// Claims that are lists written with spaces, besides `scope` and `permission`.
    public var spaceDelimitedClaims: [String] = []
    public var position = FilePosition.unknown

    public init(issuer: String, keys: Keys) {
        self.issuer = issuer
        self.keys = keys
    }

    /// Headers that only validation may set, in lower case: whatever a client writes into them is removed.
    public var validatedHeaders: [String] {
        ([outputPayloadToHeader].compactMap { $0 } + outputClaimToHeaders.map(\.header)).map { $0.lowercased() }
    }
}
