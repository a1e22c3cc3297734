import MeshCore
import MeshYAML

extension ObjectReader {
    func pod(_ document: YAMLNode, _ meta: ObjectMeta) -> ClusterWorkload {
        var workload = ClusterWorkload(kind: .pod, meta: meta, serviceAccount: "default")
        if let spec = document["spec"] { podSpec(spec, into: &workload) }
        let status = document["status"]
        for entry in (status?["podIPs"]).listed {
            if let ip = entry["ip"].flatMap({ IPAddress($0.text) }) { workload.addresses.append(ip) }
        }
        if workload.addresses.isEmpty, let ip = status?["podIP"].flatMap({ IPAddress($0.text) }) {
            workload.addresses = [ip]
        }
        workload.owner = owner(document)
        return workload
    }

    /// The pods that a Deployment or its like makes.
    func template(_ document: YAMLNode, _ meta: ObjectMeta, _ kind: ClusterWorkload.Kind) -> ClusterWorkload {
        var workload = ClusterWorkload(kind: kind, meta: meta, serviceAccount: "default")
        let template = document["spec"]?["template"]
        workload.meta.labels = map(template?["metadata"]?["labels"])
        workload.meta.annotations = map(template?["metadata"]?["annotations"])
        if let spec = template?["spec"] { podSpec(spec, into: &workload) }
        workload.owner = owner(document)
        return workload
    }

    func workloadEntry(_ document: YAMLNode, _ meta: ObjectMeta) -> ClusterWorkload {
        var workload = ClusterWorkload(kind: .workloadEntry, meta: meta, serviceAccount: "default")
        guard let spec = document["spec"] else { return workload }
        for (label, value) in map(spec["labels"]) { workload.meta.labels[label] = value }
        if let account = spec["serviceAccount"]?.text, !account.isEmpty { workload.serviceAccount = account }
        if let ip = spec["address"].flatMap({ IPAddress($0.text) }) { workload.addresses = [ip] }
        for (name, value) in spec["ports"].fields {
            if let port = value.integer(UInt16.self) {
                workload.ports.append(ContainerPort(name: name.text, port: port))
            }
        }
        return workload
    }

    private func podSpec(_ spec: YAMLNode, into workload: inout ClusterWorkload) {
        for (key, value) in spec.pairs {
            switch key {
            case "serviceAccountName": if !value.text.isEmpty { workload.serviceAccount = value.text }
            case "hostNetwork": workload.hostNetwork = value.bool ?? false
            case "containers", "initContainers":
                for container in value.elements {
                    for port in container["ports"].listed {
                        guard let number = port["containerPort"]?.integer(UInt16.self),
                            port["protocol"].map({ $0.text == "TCP" || $0.isNull }) ?? true
                        else { continue }
                        workload.ports.append(ContainerPort(name: port["name"]?.text ?? "", port: number))
                    }
                }
            default: break
            }
        }
    }

    private func owner(_ document: YAMLNode) -> ClusterWorkload.Owner? {
        for reference in (document["metadata"]?["ownerReferences"]).listed
        where reference["controller"]?.bool == true {
            guard let kind = reference["kind"]?.text, let name = reference["name"]?.text else { continue }
            return ClusterWorkload.Owner(kind: kind, name: name)
        }
        return nil
    }
}

extension ClusterModel {
    /// Names each pod after what people deployed, and leaves out templates whose pods are there themselves.
    mutating func settleOwners() {
        var deploymentOf: [String: String] = [:]
        for workload in workloads where workload.kind == .replicaSet {
            if let owner = workload.owner, owner.kind == "Deployment" {
                deploymentOf["\(workload.namespace)/\(workload.name)"] = owner.name
            }
        }
        var running: Set<String> = []
        for index in workloads.indices {
            guard let owner = workloads[index].owner, workloads[index].kind == .pod else { continue }
            let namespace = workloads[index].namespace
            running.insert("\(namespace)/\(owner.kind)/\(owner.name)")
            guard owner.kind == "ReplicaSet" else { continue }
            var deployment = deploymentOf["\(namespace)/\(owner.name)"]
            if deployment == nil, let hash = workloads[index].meta.labels["pod-template-hash"],
                owner.name.hasSuffix("-\(hash)")
            {
                deployment = String(owner.name.dropLast(hash.count + 1))
            }
            if let deployment {
                workloads[index].owner = .init(kind: "Deployment", name: deployment)
                running.insert("\(namespace)/Deployment/\(deployment)")
            }
        }
        workloads.removeAll { workload in
            guard workload.kind != .pod, workload.kind != .workloadEntry else { return false }
            if workload.kind == .replicaSet, workload.owner != nil { return true }
            return running.contains("\(workload.namespace)/\(workload.kind.rawValue)/\(workload.name)")
        }
    }
}
