package import MeshCore
import MeshKubernetes
package import MeshPolicy
package import MeshYAML

extension PolicyJudge {
    /// Reads manifests and stands ready to judge by them.
    /// - Throws: `.corrupt` with all problems when one of them is an error: half a policy must not judge.
    package static func read(
        _ paths: [String], settings: MeshSettings = MeshSettings(), namespace: String = "default", doing: String
    ) throws(MeshFailure) -> PolicyJudge {
        let (cluster, problems) = try ClusterModel.read(paths, settings: settings, namespace: namespace, doing: doing)
        try problems.refuseErrors(doing: doing)
        return PolicyJudge(cluster)
    }
}

/// Answers of providers as users say them.
package enum ProviderInput {
    /// `allow`, `deny`, `timeout`, or the status that an HTTP provider answers with; `nil` for another word.
    package static func answer(_ text: String) -> ProviderAnswer? {
        switch text {
        case "allow": return .allowing
        case "deny": return .denying
        case "timeout": return .failed("no answer in time")
        default:
            guard let status = Int(text), (200...599).contains(status) else { return nil }
            return .answered(status: status)
        }
    }
}

/// Claims of tokens as users hand them over.
package enum ClaimInput {
    /// A JSON object.
    package static func claims(json text: String, doing: String) throws(MeshFailure) -> [String: ClaimValue] {
        let node: YAMLNode?
        do throws(YAMLError) {
            node = try YAMLNode.document(in: text, name: "claims")
        } catch {
            throw MeshFailure(.usage, doing: doing, reason: "claims are no JSON: \(error)")
        }
        guard let node, node.kind == .mapping else {
            throw MeshFailure(.usage, doing: doing, reason: "claims are no JSON object; write {\"iss\": \"…\"}")
        }
        return object(node)
    }

    package static func object(_ node: YAMLNode) -> [String: ClaimValue] {
        var result: [String: ClaimValue] = [:]
        for (key, value) in node.pairs { result[key.text] = claim(value) }
        return result
    }

    private static func claim(_ node: YAMLNode) -> ClaimValue {
        switch node.scalar {
        case nil where node.kind == .sequence: .list(node.elements.map { claim($0) })
        case nil: .object(object(node))
        case .null?: .null
        case .bool(let value)?: .bool(value)
        case .integer?, .unsigned?, .float?: .number(node.text)
        case .text(let text)?: .string(text)
        }
    }
}
