import MeshCore
import MeshYAML

extension ObjectReader {
    static let ruleLimit = 512

    /// An AuthorizationPolicy, checked as the API server and istiod check it.
    mutating func securityPolicy(_ document: YAMLNode, _ meta: ObjectMeta) -> SecurityPolicy {
        var policy = SecurityPolicy(ResourceIdentity(meta))
        let spec = topLevel(document)
        var nodes: [String: YAMLNode] = [:]
        for (key, value) in pairs(spec) {
            switch key {
            case "selector", "targetRef", "targetRefs", "action", "provider", "rules": nodes[key.text] = value
            default: unknown(key, ["selector", "targetRef", "targetRefs", "action", "provider", "rules"])
            }
        }
        if let node = nodes["action"] { policy.action = choice(node, .allow) }
        if let node = nodes["selector"], !node.isNull { policy.selector = selector(node) }
        policy.targets = targets(
            references: nodes["targetRefs"], legacy: nodes["targetRef"], selector: nodes["selector"])
        provider(nodes["provider"], of: &policy, spec ?? document)
        dryRun(meta, document, of: &policy)
        rules(nodes["rules"], of: &policy, spec ?? document)
        return policy
    }

    /// `spec`, with complaints about what stands beside it.
    mutating func topLevel(_ document: YAMLNode) -> YAMLNode? {
        var spec: YAMLNode?
        for (key, value) in pairs(document) {
            switch key {
            case "spec": spec = value.isNull ? nil : value
            case "apiVersion", "kind", "metadata", "status": break
            default: unknown(key, ["apiVersion", "kind", "metadata", "spec", "status"])
            }
        }
        return spec
    }

    private mutating func provider(_ node: YAMLNode?, of policy: inout SecurityPolicy, _ spec: YAMLNode) {
        if let node, !node.isNull {
            for (key, value) in pairs(node) {
                switch key {
                case "name": policy.provider = filledText(value)
                default: unknown(key, ["name"])
                }
            }
            if policy.action != .custom {
                error(node, "is only for action CUSTOM", remedy: "remove it, or set action: CUSTOM")
                policy.provider = nil
            }
        }
        if policy.action == .custom, policy.provider == nil {
            error(
                node ?? spec, "action CUSTOM needs provider.name", remedy: "name one of the mesh's extensionProviders")
        }
    }

    private mutating func dryRun(_ meta: ObjectMeta, _ document: YAMLNode, of policy: inout SecurityPolicy) {
        guard let text = meta.annotations[SecurityPolicy.dryRunAnnotation] else { return }
        let node = document["metadata"]?["annotations"]?["istio.io/dry-run"] ?? document
        guard let value = SecurityPolicy.dryRun(annotation: text) else {
            error(node, "\"\(text)\" is no boolean", remedy: "write \"true\" or \"false\"")
            return
        }
        if value, policy.action == .custom || policy.action == .audit {
            error(
                node, "dry run is for ALLOW and DENY, not \(policy.action.rawValue)", remedy: "remove the annotation")
            return
        }
        policy.dryRun = value
    }

    private mutating func rules(_ node: YAMLNode?, of policy: inout SecurityPolicy, _ spec: YAMLNode) {
        guard let node, !node.isNull else {
            if policy.action == .deny || policy.action == .custom {
                error(
                    spec, "action \(policy.action.rawValue) needs rules; without any it would match nothing",
                    remedy: "give rules; \"rules: [{}]\" matches everything")
            }
            return
        }
        let list = elements(node)
        if list.count > Self.ruleLimit {
            error(node, "has \(list.count) rules; \(Self.ruleLimit) are allowed", remedy: "make a second policy")
        }
        policy.rules.reserveCapacity(list.count)
        for element in list { if let rule = rule(element, policy.action) { policy.rules.append(rule) } }
    }

    private mutating func rule(_ node: YAMLNode, _ action: SecurityPolicy.Action) -> SecurityPolicy.Rule? {
        if node.isNull {
            error(node, "is null", remedy: "remove it; \"{}\" is the rule that matches everything")
            return nil
        }
        var rule = SecurityPolicy.Rule(position: FilePosition(node))
        for (key, value) in pairs(node) {
            switch key {
            case "from":
                for entry in entries(value, "source") {
                    if let source = source(entry, action) { rule.from.append(source) }
                }
            case "to":
                for entry in entries(value, "operation") {
                    if let operation = operation(entry) { rule.to.append(operation) }
                }
            case "when":
                for entry in elements(value) {
                    if let condition = condition(entry, action) { rule.when.append(condition) }
                }
            default: unknown(key, ["from", "to", "when"])
            }
        }
        if action == .deny { warnIfOnlyHTTP(rule, node) }
        return rule
    }

    /// The only field of each element of `from` or `to`.
    private mutating func entries(_ node: YAMLNode, _ field: String) -> [YAMLNode] {
        let list = elements(node)
        if list.isEmpty, !node.isNull, node.kind == .sequence {
            error(node, "is an empty list, which is refused", remedy: "remove it to match everything")
        }
        if list.count > Self.ruleLimit {
            error(node, "has \(list.count) entries; \(Self.ruleLimit) are allowed", remedy: "make a second rule")
        }
        var result: [YAMLNode] = []
        result.reserveCapacity(list.count)
        for element in list {
            if element.isNull {
                error(element, "is null", remedy: "write \(field): with at least one field, or remove it")
                continue
            }
            var found: YAMLNode?
            for (key, value) in pairs(element) {
                if key.text == field { found = value } else { unknown(key, [field]) }
            }
            if let found, !found.isNull, found.kind != .mapping || found.count > 0 {
                result.append(found)
            } else if element.kind == .mapping {
                error(
                    found ?? element, "needs \(field) with at least one field",
                    remedy: "add one, or remove the entry to match everything")
            }
        }
        return result
    }

    /// On a TCP port the HTTP part of a DENY rule counts as matching, so that such a rule denies all.
    private mutating func warnIfOnlyHTTP(_ rule: SecurityPolicy.Rule, _ node: YAMLNode) {
        let hasPort = rule.to.contains { !$0.ports.isEmpty } || rule.when.contains { $0.attribute == .destinationPort }
        let hasHTTP =
            rule.to.contains { !$0.hosts.isEmpty || !$0.methods.isEmpty || !$0.paths.isEmpty }
            || rule.from.contains { !$0.requestPrincipals.isEmpty }
            || rule.when.contains { $0.attribute?.needsHTTP ?? false }
        let hasPeer = rule.from.contains {
            !$0.principals.isEmpty || !$0.namespaces.isEmpty || !$0.serviceAccounts.isEmpty || !$0.ipBlocks.isEmpty
        }
        guard hasHTTP, !hasPort, !rule.to.isEmpty || !hasPeer else { return }
        warn(
            node, "a DENY rule with only HTTP attributes denies every connection to a TCP port",
            remedy: "add the HTTP ports to operation.ports")
    }
}
