import MeshCore

/// One change to a namespace.
package enum RedirectStep: Hashable, Sendable {
    /// One transaction of nftables that makes or deletes these tables.
    case rules(tables: [String], commands: [String])
    case addRoute(PolicyRoute)
    case deleteRoute(PolicyRoute)
    case addRule(PolicyRule)
    case deleteRule(PolicyRule)

    /// The lines that do the same by hand: those of `nft -f`, or one `ip` command.
    package var commands: [String] {
        switch self {
        case .rules(_, let commands): commands
        case .addRoute(let route):
            ["ip \(route.family.ipOption)route replace \(route.selector)\(Self.by(route.origin))"]
        case .deleteRoute(let route): ["ip \(route.family.ipOption)route del \(route.selector)\(Self.by(route.origin))"]
        case .addRule(let rule): ["ip \(rule.family.ipOption)rule add \(rule.selector)\(Self.by(rule.origin))"]
        case .deleteRule(let rule): ["ip \(rule.family.ipOption)rule del \(rule.selector)\(Self.by(rule.origin))"]
        }
    }

    private static func by(_ origin: UInt8) -> String { origin == 0 ? "" : " proto \(origin)" }
}

/// The kernel's side of redirection: that of a namespace, or one of a test.
protocol RedirectKernel {
    /// All tables of family `inet`.
    func tables() throws(RedirectError) -> [NftTable]
    /// Commands that make the table again as it is.
    func dump(table: String) throws(RedirectError) -> String
    /// All of it, or nothing.
    func transact(_ commands: String) throws(RedirectError)
    /// The routes of table 100.
    func routes(_ family: AddressFamily) throws(RedirectError) -> [PolicyRoute]
    func add(_ route: PolicyRoute) throws(RedirectError)
    func delete(_ route: PolicyRoute) throws(RedirectError)
    /// The rules that test a mark.
    func rules(_ family: AddressFamily) throws(RedirectError) -> [PolicyRule]
    func add(_ rule: PolicyRule) throws(RedirectError)
    func delete(_ rule: PolicyRule) throws(RedirectError)
    /// Whether `lo` takes IPv6 addresses; true when that cannot be read.
    func loopbackTakesV6() -> Bool
}
