import MeshControl
import MeshReport

/// An explanation as steps for people; for programs as it is.
struct ExplanationReport: Report {
    let answer: ConnectionExplanation

    func encode(to encoder: any Encoder) throws { try answer.encode(to: encoder) }

    func text(_ style: TextStyle) -> String {
        var steps = Steps(style: style)
        steps.step("record", records(style))
        if let waypoint = answer.waypoint {
            steps.step(
                "waypoint",
                ["\(waypoint.destination) of \(waypoint.of): \(waypoint.used ? "" : "not used, ")\(waypoint.reason)"])
        }
        if let gateway = answer.networkGateway {
            steps.step("gateway", ["\(gateway.destination) of \(gateway.of): \(gateway.reason)"])
        }
        for choice in answer.choices {
            steps.step(
                "endpoint",
                ["\(choice.service) port \(choice.port): \(choice.result)"]
                    + choice.candidates.map { mark($0.chosen, "\($0.workload): \($0.reason)", style) })
        }
        steps.step("route", route)
        if let carriage = answer.carriage { steps.step("tunnel", tunnels(carriage)) }
        if let inbound = answer.inbound { steps.step("policy", policy(inbound, style)) }
        let verdict =
            switch answer.verdict {
            case .allowed: style.good("ALLOWED")
            case .denied: style.bad("DENIED")
            case .unreachable: style.bad("UNREACHABLE")
            }
        return
            ([style.bold(title)] + steps.lines + ["\(verdict): \(answer.reason)"]
            + answer.notes.map { style.dim("note: \($0)") }).joined(separator: "\n")
    }

    private var title: String {
        let from = answer.from
        let who = [from.name, from.address].compactMap { $0 }.joined(separator: " at ")
        let name = answer.to.hostname.map { " (\($0))" } ?? ""
        return "\(who) to \(answer.to.address)\(name)" + (from.identity.map { "\nas \($0)" } ?? "\nwithout an identity")
    }

    private func records(_ style: TextStyle) -> [String] {
        guard !answer.records.isEmpty else { return ["nothing in the mesh has this address"] }
        return answer.records.map { mark($0.matched, "\($0.kind.rawValue) \($0.name): \($0.reason)", style) }
    }

    private var route: [String] {
        let route = answer.route
        let hop = route.nextHop ?? "nowhere"
        let first =
            switch route.decision {
            case .hbone: "HBONE to \(hop), which is asked for \(route.authority ?? "")"
            case .doubleHBONE: "HBONE to the gateway \(hop), inside it HBONE for \(route.authority ?? "")"
            case .tcp: "plain TCP to \(hop)"
            case .resolve: "to whatever \(hop) resolves to"
            case .direct: "as it is, to \(hop)"
            case .refuse: "refused"
            }
        return ["\(first): \(route.reason)"] + (route.expectedIdentities ?? []).map { "expects \($0)" }
            + (route.innerIdentities ?? []).map { "expects inside \($0)" }
    }

    private func tunnels(_ carriage: ConnectionExplanation.Carriage) -> [String] {
        func records(_ text: String?) -> String { text.map { ", TLS records: \($0)" } ?? "" }
        var lines = carriage.tunnels.map { tunnel in
            "\(tunnel.id) is \(tunnel.phase), streams: \(tunnel.streams)" + (tunnel.leaving ? ", leaving" : "")
                + records(tunnel.tlsRecords)
        }
        if let text = carriage.tlsRecords { lines.append("a new one would have TLS records: \(text)") }
        let causes = carriage.retriedAfter.joined(separator: ", ")
        lines.append("a request that is refused (\(causes)) is tried once more, on another tunnel")
        return lines
    }

    private func policy(_ inbound: ConnectionExplanation.Inbound, _ style: TextStyle) -> [String] {
        let place = inbound.delivery.map { ", for \($0)" } ?? ""
        var lines = ["at \(inbound.workload)\(place)" + (inbound.enforced ? "" : ", where no proxy enforces them")]
        if inbound.admitted, inbound.policies.isEmpty { lines.append("no policy holds there") }
        for policy in inbound.policies {
            let kind =
                (policy.dryRun ? "\(policy.action), dry run" : policy.action)
                + (policy.origin.map { ", \($0.places.joined(separator: ", "))" } ?? "")
            lines.append(mark(policy.matched, "\(policy.policy) (\(kind)): \(policy.reason)", style))
        }
        for missing in inbound.missingPolicies ?? [] {
            lines.append("\(missing) is named by the workload and not known, so it is skipped")
        }
        // The verdict at the end says it otherwise.
        if inbound.reason != answer.reason { lines.append(inbound.reason) }
        return lines
    }

    private func mark(_ isHit: Bool, _ text: String, _ style: TextStyle) -> String {
        isHit ? "+ \(text)" : style.dim("- \(text)")
    }

    /// Numbered steps with a word each; further lines stand under the first.
    private struct Steps {
        let style: TextStyle
        private(set) var lines: [String] = []
        private var count = 0

        init(style: TextStyle) { self.style = style }

        mutating func step(_ word: String, _ texts: [String]) {
            count += 1
            let head = "\(count) \(word)"
            for (index, text) in texts.enumerated() {
                let left = index == 0 ? head : ""
                lines.append(left + String(repeating: " ", count: max(1, 12 - left.count)) + text)
            }
        }
    }
}
