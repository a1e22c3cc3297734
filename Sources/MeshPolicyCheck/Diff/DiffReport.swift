import MeshCore
import MeshKubernetes
import MeshPolicy

/// Flows that two sets of policies judge differently. The encoded keys are a promise.
package struct DiffReport: Encodable, Sendable {
    package struct Change: Encodable, Sendable {
        package let from: String
        package let to: String
        /// `GET /path`, where a waypoint looks at requests.
        package let request: String?
        /// `allowed` or `denied`; absent when the flow is not there.
        package let old: String?
        package let new: String?
        /// By the new policies, or by the old ones for a flow that is gone.
        package let reason: String
    }

    package let flows: Int
    package let changes: [Change]

    private struct Key: Hashable {
        let from: String
        let to: String
        let request: String?
    }

    package init(old: PolicyJudge, new: PolicyJudge) {
        let samples = RequestSamples.requests(old.cluster.policies + new.cluster.policies, .http)
        let (before, after) = (Self.verdicts(old, samples), Self.verdicts(new, samples))
        let keys = Set(before.keys).union(after.keys).sorted {
            ($0.from, $0.to, $0.request ?? "") < ($1.from, $1.to, $1.request ?? "")
        }
        flows = keys.count
        changes = keys.compactMap { key in
            let (was, now) = (before[key], after[key])
            guard was?.isAllowed != now?.isAllowed else { return nil }
            func word(_ isAllowed: Bool?) -> String? { isAllowed.map { $0 ? "allowed" : "denied" } }
            return Change(
                from: key.from, to: key.to, request: key.request, old: word(was?.isAllowed), new: word(now?.isAllowed),
                reason: now?.reason ?? was?.reason ?? "")
        }
    }

    private static func verdicts(
        _ judge: PolicyJudge, _ samples: [FlowRequest]
    ) -> [Key: (isAllowed: Bool, reason: String)] {
        var result: [Key: (isAllowed: Bool, reason: String)] = [:]
        for client in judge.clients() {
            for (name, target) in judge.targets() {
                let route = judge.route(client, target)
                var node = (isAllowed: true, reason: "no policy")
                for (workload, port) in route.workloads where node.isAllowed {
                    node = judge.nodeVerdict(client, via: route.gateway, to: workload, port)
                }
                let chain = PolicyJudge.chain(target)
                let gateway = route.gateway
                // Both sides must ask the same requests, or a flow that gains a waypoint would look like a new one.
                for sample in chain == .http ? samples : [FlowRequest()] {
                    var verdict = node
                    if let gateway, node.isAllowed {
                        let set = judge.requestPolicies(gateway, target, chain)
                        verdict = judge.requestVerdict(set, client, target, sample, chain)
                    }
                    let request =
                        chain == .http ? "\(sample.method) \(sample.host ?? "")\(sample.path)\(sample.extra)" : nil
                    result[Key(from: client.name, to: name, request: request)] = verdict
                }
            }
        }
        return result
    }
}

extension FlowRequest {
    /// Headers and claims, for telling requests apart.
    fileprivate var extra: String {
        headers.map { " \($0.name): \($0.value)" }.joined() + (claims.map { _ in " with a token" } ?? "")
    }
}
