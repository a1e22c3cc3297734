package import MeshCore

/// What a set of manifests says of a cluster, as far as policies are concerned.
package struct ClusterModel: Sendable {
    package var settings = MeshSettings()
    package var namespaces: [String: NamespaceObject] = [:]
    /// Pods, pod templates and WorkloadEntries; a template whose pods are there too is left out.
    package var workloads: [ClusterWorkload] = []
    /// Services and ServiceEntries.
    package var services: [ClusterService] = []
    package var gateways: [GatewayObject] = []
    package var gatewayClasses: [GatewayClassObject] = []
    package var serviceAccounts: [ObjectMeta] = []
    package var policies: [SecurityPolicy] = []
    package var peerAuthentications: [PeerAuthentication] = []
    package var requestAuthentications: [RequestAuthentication] = []
    /// How often each kind that says nothing to policies was met.
    package var passedOver: [String: Int] = [:]

    package init() {}

    /// Of all three kinds.
    package var policyCount: Int { policies.count + peerAuthentications.count + requestAuthentications.count }
}

/// What every object has.
package struct ObjectMeta: Hashable, Sendable, CustomStringConvertible {
    package var name = ""
    /// Empty for kinds that have none.
    package var namespace = ""
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// Seconds since 1970.
    package var createdAt: Int64?
    package var position = FilePosition.unknown
    package init() {}

    /// `namespace/name`.
    package var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}

package struct NamespaceObject: Hashable, Sendable {
    package var meta: ObjectMeta
}

/// Something that runs: a pod, the pods of a template, a machine outside the cluster.
package struct ClusterWorkload: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        case pod = "Pod", deployment = "Deployment", statefulSet = "StatefulSet", daemonSet = "DaemonSet"
        case replicaSet = "ReplicaSet", job = "Job", workloadEntry = "WorkloadEntry"
    }
    package struct Owner: Hashable, Sendable {
        package var kind: String
        package var name: String
        package init(kind: String, name: String) {
            self.kind = kind
            self.name = name
        }
    }

    package var kind: Kind
    /// Name and namespace of the object, labels and annotations of its pods.
    package var meta: ObjectMeta
    package var serviceAccount: String
    /// Known only of running pods and of WorkloadEntries.
    package var addresses: [IPAddress] = []
    package var ports: [ContainerPort] = []
    /// The controller that made the pod; of a Deployment where that can be told.
    package var owner: Owner?
    package var hostNetwork = false

    package var namespace: String { meta.namespace }
    package var name: String { meta.name }
    /// Name of what people deploy: the owner, or the object itself.
    package var appName: String { owner?.name ?? meta.name }
    package var description: String { "\(namespace)/\(name)" }

    /// The Gateway whose waypoint this pod is.
    package var gatewayName: String? {
        meta.labels["gateway.networking.k8s.io/gateway-name"] ?? meta.labels["istio.io/gateway-name"]
    }

    /// Whether ztunnel stands before it. Absent labels count as yes: files are seldom labelled as the cluster is.
    package func isInAmbient(namespaceLabels: [String: String]) -> Bool {
        let mode = meta.labels["istio.io/dataplane-mode"] ?? namespaceLabels["istio.io/dataplane-mode"]
        return mode != "none" && !hostNetwork
    }
}

package struct ContainerPort: Hashable, Sendable {
    package var name: String
    package var port: UInt16
    package init(name: String, port: UInt16) {
        self.name = name
        self.port = port
    }
}

/// A name with virtual addresses over workloads.
package struct ClusterService: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable { case service = "Service", serviceEntry = "ServiceEntry" }
    package enum TargetPort: Hashable, Sendable { case number(UInt16), name(String) }
    package struct Port: Hashable, Sendable {
        package var name: String
        package var port: UInt16
        package var target: TargetPort
        /// From `appProtocol`, or the prefix of the name; empty when unknown.
        package var appProtocol: String
    }

    package var kind: Kind
    package var meta: ObjectMeta
    package var hostnames: [String]
    package var addresses: [IPAddress] = []
    package var ports: [Port] = []
    /// `nil`: no selector, so nothing of this cluster is behind it.
    package var selector: [String: String]?
    /// A headless service: its name leads to pods.
    package var isHeadless = false
    /// Endpoints written in the ServiceEntry itself.
    package var endpoints: [IPAddress] = []

    package var namespace: String { meta.namespace }
    package var name: String { meta.name }
    package var description: String { "\(namespace)/\(name)" }
}

package struct GatewayObject: Hashable, Sendable {
    package enum AllowedNamespaces: Hashable, Sendable {
        case same, all
        case selector([String: String])
    }
    package var meta: ObjectMeta
    package var className: String
    package var listenerPorts: [UInt16] = []
    package var allowed = AllowedNamespaces.same
}

package struct GatewayClassObject: Hashable, Sendable {
    package var meta: ObjectMeta
    package var controller: String
}
