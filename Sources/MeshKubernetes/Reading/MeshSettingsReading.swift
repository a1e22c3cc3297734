import MeshCore
import MeshYAML

extension ObjectReader {
    /// What policies need of a MeshConfig, the text under `mesh` in istiod's ConfigMap. Other settings are passed over.
    mutating func meshSettings(_ node: YAMLNode, into settings: inout MeshSettings) {
        for (key, value) in pairs(node) where !value.isNull {
            switch key {
            case "rootNamespace": if let text = filledText(value) { settings.rootNamespace = text }
            case "trustDomain": if let text = filledText(value) { settings.trustDomain = text }
            case "trustDomainAliases": settings.trustDomainAliases = texts(value)
            case "pathNormalization":
                guard let node = value["normalization"], let text = text(node) else { continue }
                if let option = PathNormalization(option: text) {
                    settings.pathNormalization = option
                } else {
                    error(
                        node, "\"\(text)\" is no way to normalize paths",
                        remedy: Suggestion.remedy(
                            for: text, among: PathNormalization.allCases.map(\.rawValue) + ["DEFAULT"]))
                }
            case "extensionProviders":
                for element in elements(value) {
                    if let provider = provider(element) { settings.extensionProviders.append(provider) }
                }
            default: break
            }
        }
    }

    private mutating func provider(_ node: YAMLNode) -> ExtensionProvider? {
        var (name, service) = ("", ExtensionProvider.Service.other(""))
        for (key, value) in pairs(node) {
            switch key {
            case "name": name = filledText(value) ?? ""
            case "envoyExtAuthzHttp":
                guard let endpoint = endpoint(value) else { return nil }
                var authorizer = ExtensionProvider.HTTPAuthorizer(endpoint: endpoint)
                authorizer.pathPrefix = value["pathPrefix"]?.text ?? ""
                authorizer.requestHeaders = value["includeRequestHeadersInCheck"].map { texts($0) } ?? []
                authorizer.additionalHeaders = map(value["includeAdditionalHeadersInCheck"])
                authorizer.headersToUpstreamOnAllow = value["headersToUpstreamOnAllow"].map { texts($0) } ?? []
                authorizer.headersToDownstreamOnAllow = value["headersToDownstreamOnAllow"].map { texts($0) } ?? []
                authorizer.headersToDownstreamOnDeny = value["headersToDownstreamOnDeny"].map { texts($0) } ?? []
                service = .httpAuthorizer(authorizer)
            case "envoyExtAuthzGrpc":
                guard let endpoint = endpoint(value) else { return nil }
                service = .grpcAuthorizer(ExtensionProvider.GRPCAuthorizer(endpoint: endpoint))
            default: service = .other(key.text)
            }
        }
        guard !name.isEmpty else {
            error(node, "needs name", remedy: "name the provider")
            return nil
        }
        return ExtensionProvider(name: name, service: service, position: FilePosition(node))
    }

    private mutating func endpoint(_ node: YAMLNode) -> ExtensionProvider.Endpoint? {
        guard let service = node["service"]?.text, !service.isEmpty, let port = node["port"]?.integer(UInt16.self),
            port > 0
        else {
            error(node, "needs service and port", remedy: "give service: [namespace/]host and port from 1 to 65535")
            return nil
        }
        var endpoint = ExtensionProvider.Endpoint(service: service, port: port)
        endpoint.failOpen = node["failOpen"]?.bool ?? false
        if let text = node["timeout"]?.text {
            if let time = Self.milliseconds(text), time > 0 {
                endpoint.timeout = .milliseconds(time)
            } else {
                error(node, "\"\(text)\" is no timeout of whole milliseconds", remedy: "write 5s or 500ms")
            }
        }
        if let text = node["statusOnError"]?.text {
            if let status = Int(text), (200...599).contains(status) {
                endpoint.statusOnError = status
            } else {
                error(node, "\"\(text)\" is no HTTP status", remedy: "write a number such as \"403\"")
            }
        }
        return endpoint
    }
}
