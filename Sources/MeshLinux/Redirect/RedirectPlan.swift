import MeshCore

/// Everything that redirection puts into the network namespace of one pod. A value: building it needs no privilege.
///
/// Source: istio-cni's nftables backend (cni/pkg/nftables and cni/pkg/trafficmanager of istio/istio).
package struct RedirectPlan: Hashable, Sendable {
    /// The mark of ztunnel's own sockets.
    package static let proxyMark = Mark(0x539)
    /// The mark of connections that ztunnel opened with a foreign source, and of their replies.
    package static let returnMark = Mark(0x111)
    package static let routeTable: UInt32 = 100
    package static let rulePriority: UInt32 = 32764
    package static let outboundPort: UInt16 = 15001
    package static let inboundPort: UInt16 = 15006
    package static let hbonePort: UInt16 = 15008
    package static let dnsPort: UInt16 = 15053
    /// The routing protocol number on our routes and rules, which tells them from those of istio-cni and others:
    /// the low byte of the proxy's mark. The kernel leaves numbers above 4 to programs (linux/rtnetlink.h).
    package static let origin: UInt8 = 57
    /// The comment on the rules of our base chains, for the same purpose.
    package static let owner = "meshctl"
    package static let tableNames = ["istio-ambient-nat", "istio-ambient-mangle", "istio-ambient-raw"]

    package let options: RedirectOptions

    package init(_ options: RedirectOptions) { self.options = options }

    /// The families that get routes and rules, IPv4 first.
    package var families: [AddressFamily] { options.ipv6 ? [.v4, .v6] : [.v4] }

    /// The tables that must be there, in the order of the transaction.
    package var tables: [NftTable] { options.dns ? [natTable, mangleTable, rawTable] : [natTable, mangleTable] }

    /// Tables of ours that must not be there, such as after capture of DNS was turned off.
    package var unwantedTables: [String] {
        let wanted = tables.map(\.name)
        return Self.tableNames.filter { !wanted.contains($0) }
    }

    /// What `nft -f` takes, as one transaction.
    package var transaction: [String] { tables.flatMap(\.commands) + unwantedTables.flatMap(NftTable.deletion) }

    /// Sends what carries the return mark to the proxy's transparent sockets.
    package static func route(_ family: AddressFamily) -> PolicyRoute {
        PolicyRoute(
            family: family, table: routeTable, type: PolicyRoute.local, destination: family.everything, device: "lo",
            gateway: nil, metric: family == .v4 ? 0 : 1024, origin: origin)
    }

    package static func rule(_ family: AddressFamily) -> PolicyRule {
        PolicyRule(family: family, priority: rulePriority, mark: returnMark, table: routeTable, origin: origin)
    }

    /// The commands that do the same by hand, inside the namespace, in order.
    package var routeCommands: [String] {
        families.map { RedirectStep.addRoute(Self.route($0)).commands.joined() }
            + families.map { RedirectStep.addRule(Self.rule($0)).commands.joined() }
    }
}
