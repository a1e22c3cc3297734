import MeshCore
import MeshPolicy
import MeshYAML

extension ObjectReader {
    private static let sourceFields = [
        "principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals", "namespaces", "notNamespaces",
        "serviceAccounts", "notServiceAccounts", "ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks",
        "trustDomains", "notTrustDomains",
    ]

    mutating func source(_ node: YAMLNode, _ action: SecurityPolicy.Action) -> SecurityPolicy.Source? {
        var source = SecurityPolicy.Source()
        source.position = FilePosition(node)
        var accounts: YAMLNode?
        for (key, value) in pairs(node) {
            switch key {
            case "principals": source.principals.values = texts(value)
            case "notPrincipals": source.principals.notValues = texts(value)
            case "requestPrincipals": source.requestPrincipals.values = texts(value)
            case "notRequestPrincipals": source.requestPrincipals.notValues = texts(value)
            case "namespaces": source.namespaces.values = texts(value)
            case "notNamespaces": source.namespaces.notValues = texts(value)
            case "serviceAccounts":
                source.serviceAccounts.values = serviceAccounts(value)
                accounts = value
            case "notServiceAccounts":
                source.serviceAccounts.notValues = serviceAccounts(value)
                accounts = value
            case "ipBlocks": source.ipBlocks.values = blocks(value)
            case "notIpBlocks": source.ipBlocks.notValues = blocks(value)
            case "remoteIpBlocks": source.remoteIPBlocks.values = blocks(value)
            case "notRemoteIpBlocks": source.remoteIPBlocks.notValues = blocks(value)
            case "trustDomains": source.trustDomains.values = trustDomains(value)
            case "notTrustDomains": source.trustDomains.notValues = trustDomains(value)
            default: unknown(key, Self.sourceFields)
            }
            if action == .custom, Self.forbiddenInCustom(key.text) { refuseInCustom(key, key.text) }
        }
        if let accounts, !source.principals.isEmpty || !source.namespaces.isEmpty {
            error(
                accounts, "cannot stand beside principals or namespaces",
                remedy: "a service account names its namespace already: write namespace/account")
        }
        // What was wrong inside has been said; a source that lost its fields must not match everything.
        return source.isEmpty ? nil : source
    }

    /// CUSTOM is asked before identities of tokens are known, and must not depend on those of peers.
    private static func forbiddenInCustom(_ field: String) -> Bool {
        switch field {
        case "ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks": false
        default: sourceFields.contains(field)
        }
    }

    private mutating func refuseInCustom(_ node: YAMLNode, _ what: String) {
        error(
            node, "\(what) cannot be used with action CUSTOM",
            remedy: "use ipBlocks, hosts, ports, methods, paths or request.headers")
    }

    mutating func operation(_ node: YAMLNode) -> SecurityPolicy.Operation? {
        var operation = SecurityPolicy.Operation()
        operation.position = FilePosition(node)
        for (key, value) in pairs(node) {
            switch key {
            case "hosts": operation.hosts.values = texts(value)
            case "notHosts": operation.hosts.notValues = texts(value)
            case "ports": operation.ports.values = ports(value)
            case "notPorts": operation.ports.notValues = ports(value)
            case "methods": operation.methods.values = texts(value)
            case "notMethods": operation.methods.notValues = texts(value)
            case "paths": operation.paths.values = paths(value)
            case "notPaths": operation.paths.notValues = paths(value)
            default:
                unknown(
                    key,
                    ["hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths"])
            }
        }
        return operation.isEmpty ? nil : operation
    }

    mutating func condition(_ node: YAMLNode, _ action: SecurityPolicy.Action) -> SecurityPolicy.Condition? {
        if node.isNull {
            error(node, "is null", remedy: "write key and values, or remove it")
            return nil
        }
        var (keyNode, valuesNode, notValuesNode): (YAMLNode?, YAMLNode?, YAMLNode?)
        for (key, value) in pairs(node) {
            switch key {
            case "key": keyNode = value
            case "values": valuesNode = value
            case "notValues": notValuesNode = value
            default: unknown(key, ["key", "values", "notValues"])
            }
        }
        guard let keyNode, let key = filledText(keyNode) else {
            if keyNode == nil { error(node, "needs key", remedy: "name the attribute, such as source.ip") }
            return nil
        }
        let values = Criterion(
            valuesNode.map { texts($0) } ?? [], not: notValuesNode.map { texts($0) } ?? [])
        let condition = SecurityPolicy.Condition(key: key, values: values, position: FilePosition(node))
        guard let attribute = condition.attribute else {
            error(keyNode, "\"\(key)\" is not known", remedy: Self.remedy(forKey: key))
            return nil
        }
        if values.isEmpty {
            error(node, "needs values or notValues", remedy: "give one of them; values: [\"*\"] means present")
        }
        if action == .custom, Self.isIdentity(attribute) { refuseInCustom(keyNode, key) }
        for list in [valuesNode, notValuesNode] { if let list { check(list, of: attribute) } }
        return condition
    }

    private static func isIdentity(_ attribute: ConditionAttribute) -> Bool {
        switch attribute {
        case .sourceNamespace, .sourcePrincipal, .sourceServiceAccount, .sourceTrustDomain, .requestPrincipal,
            .audience, .presenter, .claim:
            true
        case .requestHeader, .sourceIP, .remoteIP, .destinationIP, .destinationPort, .serverName: false
        }
    }

    private static let plainKeys = [
        "source.ip", "remote.ip", "source.namespace", "source.principal", "source.serviceAccount",
        "source.trustDomain", "destination.ip", "destination.port", "connection.sni", "request.auth.principal",
        "request.auth.audiences", "request.auth.presenter", "request.headers[name]", "request.auth.claims[name]",
    ]

    private static func remedy(forKey key: String) -> String {
        switch key {
        case "destination.name", "destination.user", "destination.namespace":
            return
                "it is no longer part of the API: say where the policy holds by its namespace, selector or targetRefs"
        case _ where key.hasPrefix("destination.labels"):
            return "it is no longer part of the API: use spec.selector"
        case _ where key.hasPrefix("experimental."):
            return "metadata of Envoy filters exists only in Envoy: use request.headers[name] or a CUSTOM provider"
        case _ where key.hasPrefix("request.headers") || key.hasPrefix("request.auth.claims"):
            return "give the name in brackets: request.headers[x-name], request.auth.claims[outer][inner]"
        default: return Suggestion.remedy(for: key, among: plainKeys)
        }
    }

    private mutating func check(_ list: YAMLNode, of attribute: ConditionAttribute) {
        switch attribute {
        case .sourceIP, .remoteIP, .destinationIP: _ = blocks(list)
        case .destinationPort: _ = ports(list)
        case .sourceServiceAccount: _ = serviceAccounts(list)
        case .sourceTrustDomain: _ = trustDomains(list)
        case .requestHeader, .sourceNamespace, .sourcePrincipal, .serverName, .requestPrincipal, .audience,
            .presenter, .claim:
            break
        }
    }
}
