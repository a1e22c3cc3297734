import MeshCore
import MeshLinux
import MeshReport

/// A plan as a script for people, and in parts for programs.
struct RedirectPlanReport: Report {
    struct Options: Encodable {
        let ipv6: Bool
        let dns: Bool
        let bypassInbound: Bool
        let virtualInterfaces: [String]
        let probeSourceV4: String
        let probeSourceV6: String
    }
    struct Rules: Encodable {
        /// The tables that are to be there, and those that are not.
        let tables: [String]
        let unwantedTables: [String]
        /// What `nft -f` takes.
        let transaction: [String]
    }
    struct Command: Encodable {
        let family: AddressFamily
        let command: String
    }

    let options: Options
    let nftables: Rules
    let routes: [Command]
    let rules: [Command]
    private let target: NetworkNamespace.Target

    private enum CodingKeys: String, CodingKey { case options, nftables, routes, rules }

    init(_ plan: RedirectPlan, target: NetworkNamespace.Target) {
        let chosen = plan.options
        options = Options(
            ipv6: chosen.ipv6, dns: chosen.dns, bypassInbound: chosen.bypassInbound,
            virtualInterfaces: chosen.virtualInterfaces.map(\.description),
            probeSourceV4: chosen.probeSourceV4.description, probeSourceV6: chosen.probeSourceV6.description)
        nftables = Rules(
            tables: plan.tables.map(\.name), unwantedTables: plan.unwantedTables, transaction: plan.transaction)
        routes = plan.families.flatMap { family in
            RedirectStep.addRoute(RedirectPlan.route(family)).commands.map { Command(family: family, command: $0) }
        }
        rules = plan.families.flatMap { family in
            RedirectStep.addRule(RedirectPlan.rule(family)).commands.map { Command(family: family, command: $0) }
        }
        self.target = target
    }

    func text(_ style: TextStyle) -> String {
        let enter =
            switch target {
            case .name(let name): "ip netns exec \(name) sh"
            case .path(let path): "nsenter --net=\(path) sh"
            case .pid(let pid): "nsenter --net --target \(pid) sh"
            case .own: "ip netns exec NAME sh"
            }
        return
            ([
                style.dim("# To be run inside the pod's network namespace: meshctl redirect plan | \(enter)"), "set -e",
                "nft -f - <<'END'",
            ] + nftables.transaction + ["END"] + routes.map(\.command) + rules.map(\.command)).joined(separator: "\n")
    }
}
