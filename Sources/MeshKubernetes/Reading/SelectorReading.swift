import MeshCore
import MeshYAML

extension ObjectReader {
    /// `spec.selector` of the security kinds.
    mutating func selector(_ node: YAMLNode) -> WorkloadSelector {
        var labels: [String: String] = [:]
        for (key, value) in pairs(node) {
            switch key {
            case "matchLabels":
                for (label, wanted) in pairs(value) { check(label: label, wanted, into: &labels) }
            default: unknown(key, ["matchLabels"])
            }
        }
        if !labels.isEmpty { return .labels(labels) }
        warn(
            node, "selects by no label; Istio attaches such a policy to nothing, here it holds for all workloads",
            remedy: "remove selector to mean all, or give matchLabels")
        return .empty
    }

    private mutating func check(label: YAMLNode, _ value: YAMLNode, into labels: inout [String: String]) {
        guard let wanted = text(value) else { return }
        let key = label.text
        if key.isEmpty {
            error(label, "a label without a name", remedy: "name the label")
        } else if key.contains("*") || wanted.contains("*") {
            error(value, "wildcards do not work in labels", remedy: "write the whole value, or use one policy for each")
        } else if wanted.utf8.count > 63 {
            error(value, "is longer than 63 characters, which no label is", remedy: "shorten it")
        } else {
            labels[key] = wanted
        }
    }

    /// `targetRefs`, and the legacy `targetRef` where that is empty.
    mutating func targets(references: YAMLNode?, legacy: YAMLNode?, selector: YAMLNode?) -> [TargetReference] {
        let given = [("selector", selector), ("targetRef", legacy), ("targetRefs", references)].filter {
            $0.1.map { !$0.isNull && !($0.kind == .sequence && $0.count == 0) } ?? false
        }
        if given.count > 1, let second = given[1].1 {
            error(
                second, given.map(\.0).joined(separator: " and ") + " exclude one another",
                remedy: "keep targetRefs for a waypoint, selector for pods; make two policies to have both")
        }
        var result: [TargetReference] = []
        if let references {
            let list = elements(references)
            if list.count > 16 {
                error(references, "has \(list.count) references; 16 are allowed", remedy: "make a second policy")
            }
            for node in list { if let target = target(node) { result.append(target) } }
        }
        if result.isEmpty, let legacy, let target = target(legacy) { result.append(target) }
        return result
    }

    private mutating func target(_ node: YAMLNode) -> TargetReference? {
        var (group, kind, name) = ("", "", "")
        var (nameNode, kindNode): (YAMLNode?, YAMLNode?)
        for (key, value) in pairs(node) {
            switch key {
            case "group": group = text(value) ?? ""
            case "kind":
                kind = text(value) ?? ""
                kindNode = value
            case "name":
                name = text(value) ?? ""
                nameNode = value
            case "namespace":
                if !value.isNull, !value.text.isEmpty {
                    error(
                        value, "must not be given: a policy targets objects of its own namespace",
                        remedy: "remove it, and put the policy into the namespace of its target")
                }
            default: unknown(key, ["group", "kind", "name", "namespace"])
            }
        }
        guard let known = TargetReference.Kind(group: group, kind: kind) else {
            let rightGroup = TargetReference.Kind(rawValue: kind)?.group
            error(
                kindNode ?? node,
                "policies cannot be attached to \(kind.isEmpty ? "a reference without kind" : kind)"
                    + (group.isEmpty ? "" : " of group \(group)"),
                remedy: rightGroup.map { "its group is \"\($0)\"" }
                    ?? "use Service, ServiceEntry (networking.istio.io), Gateway or GatewayClass "
                    + "(gateway.networking.k8s.io)")
            return nil
        }
        if name.isEmpty {
            if nameNode?.text.isEmpty ?? true {
                error(nameNode ?? node, "needs a name", remedy: "name the \(known.rawValue)")
            }
            return nil
        }
        return TargetReference(kind: known, name: name, position: FilePosition(node))
    }
}
