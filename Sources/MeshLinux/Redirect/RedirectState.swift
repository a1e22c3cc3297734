import MeshCore

/// What a namespace holds of the things that redirection is made of.
struct RedirectState: Hashable, Sendable {
    /// The tables of our names, whoever made them.
    var tables: [NftTable]
    /// The routes of table 100.
    var routes: [AddressFamily: [PolicyRoute]]
    /// The rules that test a mark.
    var rules: [AddressFamily: [PolicyRule]]
    var loopbackTakesV6: Bool

    init(of kernel: some RedirectKernel) throws(RedirectError) {
        tables = try kernel.tables().filter { RedirectPlan.tableNames.contains($0.name) }
        (routes, rules) = ([:], [:])
        for family in AddressFamily.allCases {
            do throws(RedirectError) {
                routes[family] = try kernel.routes(family)
                rules[family] = try kernel.rules(family)
            } catch .netlink(let error) where family == .v6 && error.lacksFamily {
                // A kernel without IPv6: nothing of it is there. A plan with IPv6 fails when it adds to it.
                (routes[family], rules[family]) = ([], [])
            }
        }
        loopbackTakesV6 = kernel.loopbackTakesV6()
    }

    /// Routes and rules that do what the plan's do, whoever made them.
    func routes(like plan: PolicyRoute) -> [PolicyRoute] {
        (routes[plan.family] ?? []).filter {
            $0.type == plan.type && $0.destination == plan.destination && $0.device == plan.device && $0.gateway == nil
        }
    }

    func rules(like plan: PolicyRule) -> [PolicyRule] {
        (rules[plan.family] ?? []).filter {
            $0.priority == plan.priority && $0.mark == plan.mark && $0.table == plan.table && !$0.isNarrower
        }
    }
}

extension NftTable {
    var isOurs: Bool { comments.contains(RedirectPlan.owner) }
}

/// One way in which a namespace is not as planned.
package struct RedirectDifference: Hashable, Sendable, Encodable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable, Encodable { case missing, extra, different }

    package let kind: Kind
    /// `table inet istio-ambient-nat`, `chain istio-ambient-nat output`.
    package let object: String
    package let detail: String

    package var description: String {
        detail.isEmpty ? "\(object) \(kind.rawValue)" : "\(object): \(kind.rawValue) \(detail)"
    }
}

extension NftTable {
    /// What in `actual` is not as in this table; comments and counters do not matter, the order of rules does.
    func differences(from actual: NftTable?) -> [RedirectDifference] {
        let object = "table inet \(name)"
        guard let actual else { return [RedirectDifference(kind: .missing, object: object, detail: "")] }
        var found = actual.extras.map { RedirectDifference(kind: .extra, object: object, detail: $0) }
        for chain in chains {
            let object = "chain \(name) \(chain.name)"
            guard let other = actual.chains.first(where: { $0.name == chain.name }) else {
                found.append(RedirectDifference(kind: .missing, object: object, detail: ""))
                continue
            }
            if chain.hook != other.hook {
                let detail = "hook: \(Self.text(other.hook)), not \(Self.text(chain.hook))"
                found.append(RedirectDifference(kind: .different, object: object, detail: detail))
            }
            for change in other.rules.difference(from: chain.rules) {
                switch change {
                case .insert(let at, let rule, _):
                    found.append(RedirectDifference(kind: .extra, object: object, detail: "rule \(at + 1): \(rule)"))
                case .remove(let at, let rule, _):
                    found.append(RedirectDifference(kind: .missing, object: object, detail: "rule \(at + 1): \(rule)"))
                }
            }
        }
        for other in actual.chains where !chains.contains(where: { $0.name == other.name }) {
            found.append(RedirectDifference(kind: .extra, object: "chain \(name) \(other.name)", detail: ""))
        }
        return found
    }

    private static func text(_ hook: NftChain.Hook?) -> String {
        hook.map { "type \($0.type) hook \($0.point) priority \($0.priority) policy \($0.policy)" } ?? "none"
    }
}
