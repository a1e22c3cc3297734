/// A layer 4 authorization policy: an OR of rules.
///
/// Source: message `istio.security.Authorization`. A rule is an AND of clauses, a clause an OR of matches, a match an
/// AND over its fields, and a field passes when its positive list is empty or hit and its negative list is not hit.
public struct AuthorizationPolicy: Hashable, Sendable {
    public enum Scope: String, Sendable, CaseIterable {
        case global = "Global", namespace = "Namespace", workloadSelector = "WorkloadSelector"
    }
    public enum Action: String, Sendable, CaseIterable { case allow = "Allow", deny = "Deny" }

    public struct Rule: Hashable, Sendable {
        public var clauses: [Clause]
        public init(clauses: [Clause] = []) { self.clauses = clauses }
    }
    public struct Clause: Hashable, Sendable {
        public var matches: [Match]
        public init(matches: [Match] = []) { self.matches = matches }
    }
    public enum StringMatch: Hashable, Sendable {
        case exact(String), prefix(String), suffix(String)
        /// Any text that is not empty.
        case presence
    }
    public struct ServiceAccountMatch: Hashable, Sendable {
        public var namespace: String
        public var serviceAccount: String
        public init(namespace: String, serviceAccount: String) {
            self.namespace = namespace
            self.serviceAccount = serviceAccount
        }
    }
    public struct Match: Hashable, Sendable {
        public var namespaces: [StringMatch] = []
        public var notNamespaces: [StringMatch] = []
        public var principals: [StringMatch] = []
        public var notPrincipals: [StringMatch] = []
        public var serviceAccounts: [ServiceAccountMatch] = []
        public var notServiceAccounts: [ServiceAccountMatch] = []
        public var sourceIPs: [CIDR] = []
        public var notSourceIPs: [CIDR] = []
        public var destinationIPs: [CIDR] = []
        public var notDestinationIPs: [CIDR] = []
        public var destinationPorts: [UInt16] = []
        public var notDestinationPorts: [UInt16] = []
        public init() {}
    }

    public var name: String
    public var namespace: String
    public var scope: Scope
    public var action: Action
    public var rules: [Rule]
    public var dryRun: Bool

    public init(name: String, namespace: String, scope: Scope, action: Action, rules: [Rule], dryRun: Bool = false) {
        self.name = name
        self.namespace = namespace
        self.scope = scope
        self.action = action
        self.rules = rules
        self.dryRun = dryRun
    }

    /// `namespace/name`.
    public var key: String { "\(namespace)/\(name)" }
}
