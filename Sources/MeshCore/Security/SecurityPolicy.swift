/// An AuthorizationPolicy of `security.istio.io` as it is written: the form that both engines are made from.
///
/// Rules are alternatives; within a rule `from`, `to` and every `when` must hold; within `from` and `to` one entry is
/// enough; within an entry every field must hold. Source: istio.io/api security/v1 AuthorizationPolicy.
public struct SecurityPolicy: Hashable, Sendable {
    public enum Action: String, Sendable, CaseIterable {
        case allow = "ALLOW", deny = "DENY", audit = "AUDIT", custom = "CUSTOM"
    }

    /// The annotation that takes a policy out of force and has its verdict reported instead.
    public static let dryRunAnnotation = "istio.io/dry-run"

    public var identity: ResourceIdentity
    public var action: Action
    /// Name of the extension provider; there exactly when the action is CUSTOM.
    public var provider: String?
    public var dryRun: Bool
    public var selector: WorkloadSelector
    public var targets: [TargetReference]
    /// None at all matches nothing, so that an ALLOW policy without rules denies all.
    public var rules: [Rule]

    public init(
        _ identity: ResourceIdentity, action: Action = .allow, provider: String? = nil, dryRun: Bool = false,
        selector: WorkloadSelector = .absent, targets: [TargetReference] = [], rules: [Rule] = []
    ) {
        self.identity = identity
        self.action = action
        self.provider = provider
        self.dryRun = dryRun
        self.selector = selector
        self.targets = targets
        self.rules = rules
    }

    /// The value of the dry-run annotation; `nil` when it is no boolean. Source: strconv.ParseBool of Go.
    public static func dryRun(annotation: String) -> Bool? {
        switch annotation {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }
}

extension SecurityPolicy {
    public struct Rule: Hashable, Sendable {
        /// Empty when the field is absent: any source.
        public var from: [Source]
        /// Empty when the field is absent: any operation.
        public var to: [Operation]
        public var when: [Condition]
        public var position: FilePosition

        public init(
            from: [Source] = [], to: [Operation] = [], when: [Condition] = [], position: FilePosition = .unknown
        ) {
            self.from = from
            self.to = to
            self.when = when
            self.position = position
        }
    }

    public struct Source: Hashable, Sendable {
        public var principals = Criterion<String>()
        public var requestPrincipals = Criterion<String>()
        public var namespaces = Criterion<String>()
        public var serviceAccounts = Criterion<ServiceAccountReference>()
        public var ipBlocks = Criterion<CIDR>()
        public var remoteIPBlocks = Criterion<CIDR>()
        public var trustDomains = Criterion<String>()
        public var position = FilePosition.unknown
        public init() {}

        /// Without any field. Validation refuses such an entry; at layer 7 it allows nobody and denies everybody.
        public var isEmpty: Bool {
            principals.isEmpty && requestPrincipals.isEmpty && namespaces.isEmpty && serviceAccounts.isEmpty
                && ipBlocks.isEmpty && remoteIPBlocks.isEmpty && trustDomains.isEmpty
        }
    }

    public struct Operation: Hashable, Sendable {
        public var hosts = Criterion<String>()
        public var ports = Criterion<UInt16>()
        public var methods = Criterion<String>()
        public var paths = Criterion<String>()
        public var position = FilePosition.unknown
        public init() {}

        /// Without any field. Validation refuses such an entry; at layer 7 it allows nobody and denies everybody.
        public var isEmpty: Bool { hosts.isEmpty && ports.isEmpty && methods.isEmpty && paths.isEmpty }
    }

    /// An entry of `when`.
    public struct Condition: Hashable, Sendable {
        /// As written.
        public let key: String
        /// What the key names; `nil` when no engine knows it.
        public let attribute: ConditionAttribute?
        public var values: Criterion<String>
        public var position: FilePosition

        public init(key: String, values: Criterion<String>, position: FilePosition = .unknown) {
            self.key = key
            attribute = ConditionAttribute(key: key)
            self.values = values
            self.position = position
        }
    }
}

/// A service account as policies write it: `account`, which is one of the policy's namespace, or `namespace/account`.
public struct ServiceAccountReference: Hashable, Sendable, CustomStringConvertible {
    /// `nil`: the namespace of the policy.
    public var namespace: String?
    public var name: String

    public init(namespace: String? = nil, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// `nil` for a wildcard, a part that is empty, more than one slash, or more than 320 characters.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard text.utf8.count <= 320, parts.count <= 2, !text.utf8.contains(UInt8(ascii: "*")),
            parts.allSatisfy({ !$0.isEmpty })
        else { return nil }
        self.init(namespace: parts.count == 2 ? String(parts[0]) : nil, name: String(parts[parts.count - 1]))
    }

    public var description: String { namespace.map { "\($0)/\(name)" } ?? name }
}
