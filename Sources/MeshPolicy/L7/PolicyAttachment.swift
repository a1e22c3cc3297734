package import MeshCore

/// Which policies a waypoint enforces, and for which traffic.
package struct PolicyAttachment: Sendable, Hashable {
    /// The class whose policies every waypoint enforces.
    package static let gatewayClass = "istio-waypoint"

    /// A service behind the waypoint.
    package struct Service: Sendable, Hashable {
        package let namespace: String
        package let name: String
        /// `.service` or `.serviceEntry`, by where it comes from.
        package let kind: TargetReference.Kind

        package init(namespace: String, name: String, kind: TargetReference.Kind = .service) {
            self.namespace = namespace
            self.name = name
            self.kind = kind
        }
    }

    package let rootNamespace: String
    package let gatewayNamespace: String
    package let gatewayName: String
    /// `nil` for traffic that is addressed to a workload.
    package let service: Service?

    package init(rootNamespace: String, gatewayNamespace: String, gatewayName: String, service: Service?) {
        self.rootNamespace = rootNamespace
        self.gatewayNamespace = gatewayNamespace
        self.gatewayName = gatewayName
        self.service = service
    }

    /// Why a policy holds here, or does not.
    package enum Reason: Sendable, Hashable, CustomStringConvertible {
        case attached(TargetReference)
        /// A waypoint never enforces policies that select pods, not even its own.
        case noTargets
        case otherTargets([TargetReference])
        /// It names the class, from outside the root namespace.
        case classOutsideRoot

        package var isAttached: Bool {
            if case .attached = self { return true }
            return false
        }

        package var description: String {
            switch self {
            case .attached(let target): "attached by \(target)"
            case .noTargets: "no targetRefs, and a waypoint enforces only policies that have them"
            case .otherTargets(let targets):
                "attached to \(targets.map(\.description).joined(separator: ", ")), not to this"
            case .classOutsideRoot: "a GatewayClass is a target only for policies of the root namespace"
            }
        }
    }

    package func reason(namespace: String, targets: [TargetReference]) -> Reason {
        if targets.isEmpty { return .noTargets }
        if let target = targets.first(where: { holds($0, namespace) }) { return .attached(target) }
        let isMisplaced = targets.allSatisfy { $0.kind == .gatewayClass } && namespace != rootNamespace
        return isMisplaced ? .classOutsideRoot : .otherTargets(targets)
    }

    private func holds(_ target: TargetReference, _ namespace: String) -> Bool {
        switch target.kind {
        case .gateway: namespace == gatewayNamespace && target.name == gatewayName
        case .gatewayClass: namespace == rootNamespace && target.name == Self.gatewayClass
        case .service, .serviceEntry:
            namespace == service?.namespace && target.name == service?.name && target.kind == service?.kind
        }
    }

    /// Those that hold, oldest first.
    package func attached(_ policies: [SecurityPolicy]) -> [SecurityPolicy] {
        policies.filter { reason(namespace: $0.identity.namespace, targets: $0.targets).isAttached }
            .sorted { ResourceIdentity.isOlder($0.identity, $1.identity) }
    }

    package func attached(_ policies: [RequestAuthentication]) -> [RequestAuthentication] {
        policies.filter { reason(namespace: $0.identity.namespace, targets: $0.targets).isAttached }
            .sorted { ResourceIdentity.isOlder($0.identity, $1.identity) }
    }
}
