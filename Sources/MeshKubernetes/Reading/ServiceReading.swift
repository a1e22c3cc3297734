import MeshCore
import MeshYAML

extension ObjectReader {
    func service(_ document: YAMLNode, _ meta: ObjectMeta) -> ClusterService {
        let hostname = "\(meta.name).\(meta.namespace).svc.cluster.local"
        var service = ClusterService(kind: .service, meta: meta, hostnames: [hostname])
        for (key, value) in document["spec"].fields {
            switch key {
            case "selector": if value.count > 0 { service.selector = map(value) }
            case "clusterIP": note(value, in: &service)
            case "clusterIPs": for element in value.elements { note(element, in: &service) }
            case "ports":
                for port in value.elements {
                    guard let number = port["port"]?.integer(UInt16.self),
                        port["protocol"].map({ $0.text == "TCP" || $0.isNull }) ?? true
                    else { continue }
                    service.ports.append(servicePort(port, number))
                }
            default: break
            }
        }
        return service
    }

    private func note(_ node: YAMLNode, in service: inout ClusterService) {
        if node.text == "None" { service.isHeadless = true }
        if let ip = IPAddress(node.text), !service.addresses.contains(ip) { service.addresses.append(ip) }
    }

    private func servicePort(_ node: YAMLNode, _ number: UInt16) -> ClusterService.Port {
        let name = node["name"]?.text ?? ""
        var target = ClusterService.TargetPort.number(number)
        if let node = node["targetPort"], !node.isNull {
            if let number = node.integer(UInt16.self) {
                if number > 0 { target = .number(number) }
            } else if !node.text.isEmpty {
                target = .name(node.text)
            }
        }
        let named = node["appProtocol"]?.text ?? ""
        let prefix = name.split(separator: "-").first.map(String.init) ?? ""
        return ClusterService.Port(
            name: name, port: number, target: target, appProtocol: (named.isEmpty ? prefix : named).lowercased())
    }

    func serviceEntry(_ document: YAMLNode, _ meta: ObjectMeta) -> ClusterService {
        var service = ClusterService(kind: .serviceEntry, meta: meta, hostnames: [])
        for (key, value) in document["spec"].fields {
            switch key {
            case "hosts": service.hostnames = value.elements.map { $0.text }
            case "addresses":
                // A block is no address that a connection could be made to.
                service.addresses = value.elements.compactMap { CIDR($0.text) }.filter { $0.isSingle }.map {
                    $0.address
                }
            case "workloadSelector":
                let labels = map(value["labels"])
                if !labels.isEmpty { service.selector = labels }
            case "endpoints":
                service.endpoints = value.elements.compactMap { $0["address"].flatMap { IPAddress($0.text) } }
            case "ports":
                for port in value.elements {
                    guard let number = port["number"]?.integer(UInt16.self) else { continue }
                    let target = port["targetPort"]?.integer(UInt16.self) ?? number
                    service.ports.append(
                        ClusterService.Port(
                            name: port["name"]?.text ?? "", port: number, target: .number(target),
                            appProtocol: (port["protocol"]?.text ?? "").lowercased()))
                }
            default: break
            }
        }
        return service
    }

    func gateway(_ document: YAMLNode, _ meta: ObjectMeta) -> GatewayObject {
        let spec = document["spec"]
        var gateway = GatewayObject(meta: meta, className: spec?["gatewayClassName"]?.text ?? "")
        for listener in (spec?["listeners"]).listed {
            if let port = listener["port"]?.integer(UInt16.self) { gateway.listenerPorts.append(port) }
            guard let namespaces = listener["allowedRoutes"]?["namespaces"], listener["protocol"]?.text == "HBONE"
            else {
                continue
            }
            switch namespaces["from"]?.text {
            case "All": gateway.allowed = .all
            case "Selector": gateway.allowed = .selector(map(namespaces["selector"]?["matchLabels"]))
            default: gateway.allowed = .same
            }
        }
        return gateway
    }
}

extension CIDR {
    fileprivate var isSingle: Bool { prefixLength == (address.isV4 ? 32 : 128) }
}
