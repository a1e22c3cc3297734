import FakeAPIServer
import Foundation
import MeshYAML

/// What the manifests of Examples/ca-kubernetes allow, judged as the RBAC authorizer does.
/// Source: Kubernetes, RBAC authorization; request attributes of lists and watches with `metadata.name` selected.
struct Permissions {
    private struct Rule {
        /// `nil` for all.
        let namespace: String?
        let groups: Set<String>
        let resources: Set<String>
        /// Empty for all.
        let names: Set<String>
        let verbs: Set<String>
    }

    private var rules: [Rule] = []

    init(_ text: String) throws {
        let reader = try YAMLReader(text, name: "rbac.yaml")
        while let document = try reader.next() {
            guard let kind = document["kind"]?.text, ["ClusterRole", "Role"].contains(kind) else { continue }
            let namespace = kind == "Role" ? document["metadata"]?["namespace"]?.text : nil
            for rule in document["rules"]?.elements.map({ $0 }) ?? [] {
                func set(_ node: YAMLNode?) -> Set<String> { Set(node?.elements.map(\.text) ?? []) }
                rules.append(
                    Rule(
                        namespace: namespace, groups: set(rule["apiGroups"]), resources: set(rule["resources"]),
                        names: set(rule["resourceNames"]), verbs: set(rule["verbs"])))
            }
        }
    }

    static func example() throws -> Permissions {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Examples/ca-kubernetes/rbac.yaml").standardized.path
        return try Permissions(String(contentsOfFile: file, encoding: .utf8))
    }

    /// A request as the authorizer sees it, when no rule allows it; `nil` when one does.
    func refusal(of request: SeenRequest) -> String? {
        var parts = request.path.split(separator: "/").map(String.init)[...]
        let group = parts.popFirst() == "api" ? "" : parts.popFirst() ?? ""
        _ = parts.popFirst()
        var namespace: String?
        if parts.count >= 3, parts.first == "namespaces" {
            namespace = parts.dropFirst().first
            parts = parts.dropFirst(2)
        }
        let resource = parts.popFirst() ?? ""
        var name = parts.popFirst()
        let verb =
            switch request.method {
            case "GET": name != nil ? "get" : request.isWatch ? "watch" : "list"
            case "POST": "create"
            case "PUT": "update"
            default: request.method.lowercased()
            }
        if let field = request.query["fieldSelector"], field.hasPrefix("metadata.name=") {
            name = String(field.dropFirst("metadata.name=".count))
        }
        let isAllowed = rules.contains { rule in
            (rule.namespace == nil || rule.namespace == namespace) && rule.groups.contains(group)
                && rule.resources.contains(resource) && rule.verbs.contains(verb)
                && (rule.names.isEmpty || name.map(rule.names.contains) ?? false)
        }
        return isAllowed ? nil : "\(verb) \(group)/\(resource) \(namespace ?? "*")/\(name ?? "*")"
    }
}
