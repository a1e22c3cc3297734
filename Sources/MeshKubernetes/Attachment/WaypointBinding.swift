import MeshCore

/// The waypoint that traffic goes through, or why it goes through none.
package enum WaypointBinding: Hashable, Sendable {
    case bound(GatewayObject)
    /// Nothing asks for a waypoint.
    case notAsked
    /// `istio.io/use-waypoint: none`.
    case optedOut
    /// A label asks for one that cannot be used, so traffic goes without any.
    case broken(wanted: String, Reason)

    package enum Reason: Hashable, Sendable, CustomStringConvertible {
        case notFound
        /// It does not allow the namespace of the object.
        case attachmentDenied
        /// It is for the other kind of traffic.
        case trafficType(waypointFor: String)

        package var description: String {
            switch self {
            case .notFound: "there is no such Gateway"
            case .attachmentDenied: "its listener does not allow that namespace"
            case .trafficType(let kind): "it is for \(kind) traffic (label istio.io/waypoint-for)"
            }
        }
    }

    package var gateway: GatewayObject? {
        if case .bound(let gateway) = self { return gateway }
        return nil
    }
}

extension ClusterIndex {
    /// Of traffic that is addressed to a service.
    package func waypoint(of service: ClusterService) -> WaypointBinding {
        if service.meta.labels["gateway.istio.io/managed"] != nil { return .notAsked }
        return waypoint(service.meta, traffic: "service")
    }

    /// Of traffic that is addressed to a workload.
    package func waypoint(of workload: ClusterWorkload) -> WaypointBinding {
        if workload.gatewayName != nil { return .notAsked }
        return waypoint(workload.meta, traffic: "workload")
    }

    /// The label of the object decides, else that of its namespace; the first that is found is final.
    private func waypoint(_ meta: ObjectMeta, traffic: String) -> WaypointBinding {
        let space = labels(ofNamespace: meta.namespace)
        let labels = meta.labels["istio.io/use-waypoint"] == nil ? space : meta.labels
        guard let name = labels["istio.io/use-waypoint"], !name.isEmpty else { return .notAsked }
        if name == "none" { return .optedOut }
        let namespace = labels["istio.io/use-waypoint-namespace"] ?? meta.namespace
        let wanted = "\(namespace)/\(name)"
        guard let gateway = gateway(namespace: namespace, name: name) else {
            return .broken(wanted: wanted, .notFound)
        }
        let purpose = waypointPurpose(gateway)
        guard purpose == traffic || purpose == "all" else {
            return .broken(wanted: wanted, .trafficType(waypointFor: purpose))
        }
        switch gateway.allowed {
        case .all: break
        case .same: if namespace != meta.namespace { return .broken(wanted: wanted, .attachmentDenied) }
        case .selector(let needed):
            // Kubernetes labels each namespace with its name.
            let known = space.merging(["kubernetes.io/metadata.name": meta.namespace]) { own, _ in own }
            guard needed.allSatisfy({ known[$0.key] == $0.value }) else {
                return .broken(wanted: wanted, .attachmentDenied)
            }
        }
        return .bound(gateway)
    }

    /// `service`, `workload`, `all` or `none`.
    package func waypointPurpose(_ gateway: GatewayObject) -> String {
        gateway.meta.labels["istio.io/waypoint-for"]
            ?? gatewayClass(gateway.className)?.meta.labels["istio.io/waypoint-for"] ?? "service"
    }

    /// Service accounts of a waypoint's pods; where none are known, the account that istiod makes for it.
    package func serviceAccounts(ofWaypoint gateway: GatewayObject) -> [String] {
        let pods = workloads(in: gateway.meta.namespace).filter { $0.gatewayName == gateway.meta.name }
        let accounts = Set(pods.map(\.serviceAccount)).sorted()
        return accounts.isEmpty ? [gateway.meta.name] : accounts
    }
}
