import MeshCore
import MeshKubernetes
import MeshPolicy

/// What node proxies are sent, in the form of ztunnel's local configuration. The encoded keys are a promise.
package struct TranslationReport: Encodable, Sendable {
    package struct StringMatch: Encodable, Sendable {
        private let match: AuthorizationPolicy.StringMatch
        private struct Presence: Encodable {}
        private enum CodingKeys: String, CodingKey {
            case exact = "Exact", prefix = "Prefix", suffix = "Suffix", presence = "Presence"
        }

        init(_ match: AuthorizationPolicy.StringMatch) { self.match = match }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            switch match {
            case .exact(let text): try container.encode(text, forKey: .exact)
            case .prefix(let text): try container.encode(text, forKey: .prefix)
            case .suffix(let text): try container.encode(text, forKey: .suffix)
            case .presence: try container.encode(Presence(), forKey: .presence)
            }
        }
    }

    package struct Account: Encodable, Sendable {
        package let namespace: String
        package let serviceAccount: String
    }

    /// Absent lists ask for nothing.
    package struct Match: Encodable, Sendable {
        package let namespaces: [StringMatch]?
        package let notNamespaces: [StringMatch]?
        package let principals: [StringMatch]?
        package let notPrincipals: [StringMatch]?
        package let serviceAccounts: [Account]?
        package let notServiceAccounts: [Account]?
        package let sourceIps: [String]?
        package let notSourceIps: [String]?
        package let destinationIps: [String]?
        package let notDestinationIps: [String]?
        package let destinationPorts: [UInt16]?
        package let notDestinationPorts: [UInt16]?

        init(_ match: AuthorizationPolicy.Match) {
            func texts(_ list: [AuthorizationPolicy.StringMatch]) -> [StringMatch]? {
                list.isEmpty ? nil : list.map { StringMatch($0) }
            }
            func accounts(_ list: [AuthorizationPolicy.ServiceAccountMatch]) -> [Account]? {
                list.isEmpty ? nil : list.map { Account(namespace: $0.namespace, serviceAccount: $0.serviceAccount) }
            }
            func blocks(_ list: [CIDR]) -> [String]? { list.isEmpty ? nil : list.map(\.description) }
            namespaces = texts(match.namespaces)
            notNamespaces = texts(match.notNamespaces)
            principals = texts(match.principals)
            notPrincipals = texts(match.notPrincipals)
            serviceAccounts = accounts(match.serviceAccounts)
            notServiceAccounts = accounts(match.notServiceAccounts)
            sourceIps = blocks(match.sourceIPs)
            notSourceIps = blocks(match.notSourceIPs)
            destinationIps = blocks(match.destinationIPs)
            notDestinationIps = blocks(match.notDestinationIPs)
            destinationPorts = match.destinationPorts.isEmpty ? nil : match.destinationPorts
            notDestinationPorts = match.notDestinationPorts.isEmpty ? nil : match.notDestinationPorts
        }
    }

    package struct Policy: Encodable, Sendable {
        package let name: String
        package let namespace: String
        package let scope: String
        package let action: String
        package let rules: [[[Match]]]
        package let dryRun: Bool?
    }

    /// Where a rule that is sent was written. Node proxies count only what they are sent, and so do their logs.
    package struct RuleNumber: Encodable, Sendable {
        package let policy: String
        /// From 0, as node proxies count.
        package let sent: Int
        /// From 0, as in the manifest.
        package let written: Int
        package let file: String?
        package let line: Int?
    }

    package struct Workload: Encodable, Sendable {
        package let workload: String
        package let authorizationPolicies: [String]
    }

    package struct Condition: Encodable, Sendable {
        package let policy: String
        package let type: String
        package let status: Bool
        package let reason: String
        package let message: String
    }

    package let policies: [Policy]
    /// Of all policies but those that istiod makes itself.
    package let ruleNumbers: [RuleNumber]
    /// Only those that list a policy.
    package let workloads: [Workload]
    package let conditions: [Condition]

    package init(_ judge: PolicyJudge) {
        policies = judge.nodes.policies.map { policy in
            Policy(
                name: policy.name, namespace: policy.namespace, scope: policy.scope.rawValue,
                action: policy.action.rawValue,
                rules: policy.rules.map { rule in rule.clauses.map { clause in clause.matches.map { Match($0) } } },
                dryRun: policy.dryRun ? true : nil)
        }
        ruleNumbers = judge.nodes.translations.flatMap { policy, translation in
            translation.ruleNumbers.enumerated().map { sent, written in
                let position = policy.rules[written].position
                return RuleNumber(
                    policy: policy.identity.description, sent: sent, written: written,
                    file: position.knownFile, line: position.knownLine)
            }
        }
        workloads = judge.cluster.workloads.compactMap { workload in
            let keys = judge.nodes.keys(for: workload)
            return keys.isEmpty
                ? nil : Workload(workload: "\(workload.namespace)/\(workload.name)", authorizationPolicies: keys)
        }.sorted { $0.workload < $1.workload }
        conditions = judge.nodes.translations.flatMap { policy, translation in
            judge.index.conditions(of: policy, translation).map {
                Condition(
                    policy: policy.identity.description, type: $0.kind.rawValue, status: $0.isTrue,
                    reason: $0.reason.rawValue, message: $0.message)
            }
        }
    }
}
