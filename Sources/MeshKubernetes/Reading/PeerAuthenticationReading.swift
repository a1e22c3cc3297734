import MeshCore
import MeshYAML

extension ObjectReader {
    mutating func peerAuthentication(_ document: YAMLNode, _ meta: ObjectMeta) -> PeerAuthentication {
        var policy = PeerAuthentication(ResourceIdentity(meta))
        refuseDryRun(meta, document)
        var ports: YAMLNode?
        for (key, value) in pairs(topLevel(document)) {
            switch key {
            case "selector": if !value.isNull { policy.selector = selector(value) }
            case "mtls": policy.mode = mode(value)
            case "portLevelMtls": ports = value
            default: unknown(key, ["selector", "mtls", "portLevelMtls"])
            }
        }
        guard let ports, !ports.isNull else { return policy }
        let list = pairs(ports)
        if list.isEmpty, ports.kind == .mapping {
            error(ports, "is empty", remedy: "name a port, or remove it")
        }
        if case .labels = policy.selector {
        } else {
            error(
                ports, "needs a selector with labels", remedy: "give spec.selector.matchLabels, or remove the ports")
        }
        for (key, value) in list {
            guard let port = SocketAddress.port(key.text), port > 0 else {
                error(key, "\"\(key.text)\" is no port", remedy: "write a number from 1 to 65535, the port of the pod")
                continue
            }
            policy.portModes[port] = mode(value)
        }
        return policy
    }

    private mutating func mode(_ node: YAMLNode) -> PeerAuthentication.Mode {
        var mode = PeerAuthentication.Mode.unset
        for (key, value) in pairs(node) {
            switch key {
            case "mode": mode = choice(value, .unset)
            default: unknown(key, ["mode"])
            }
        }
        return mode
    }

    mutating func refuseDryRun(_ meta: ObjectMeta, _ document: YAMLNode) {
        guard meta.annotations[SecurityPolicy.dryRunAnnotation] != nil else { return }
        error(
            document["metadata"]?["annotations"]?["istio.io/dry-run"] ?? document,
            "dry run is for AuthorizationPolicy only", remedy: "remove the annotation")
    }
}
