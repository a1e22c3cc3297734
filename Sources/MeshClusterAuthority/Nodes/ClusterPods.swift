package import Logging
package import MeshKubernetesAPI

/// The pods of a cluster, followed by list and watch.
package final class ClusterPods: PodDirectory {
    private let cache: ObjectCache<Pod>
    private let reflector: Reflector<Pod>

    package init(_ client: KubernetesClient, backoff: Backoff = Backoff(), logger: Logger) {
        cache = ObjectCache { pod in PodFacts(pod)?.place.map { [$0.key] } ?? [] }
        reflector = Reflector(
            client, ObjectScope(fields: "status.phase!=Failed"), into: cache, backoff: backoff, logger: logger)
    }

    package var obstacle: String? { cache.isSynced ? nil : "the pods of the cluster have not been listed yet" }

    /// - Throws: `CancellationError` when the task is cancelled first.
    package func synced() async throws { try await cache.synced() }

    package func pod(namespace: String, name: String) -> PodFacts? {
        cache[ObjectKey(namespace: namespace, name: name)].flatMap { PodFacts($0) }
    }

    package func pods(at place: PodPlace) -> [PodFacts] {
        cache.objects(under: place.key).compactMap { PodFacts($0) }
    }

    package func run() async { await reflector.run() }
}

extension PodFacts {
    /// `nil` for one without name or namespace, which no API server has.
    init?(_ pod: Pod) {
        guard let namespace = pod.metadata.namespace, let name = pod.metadata.name else { return nil }
        let phase = pod.status?.phase
        self.init(
            namespace: namespace, name: name, uid: pod.metadata.uid ?? "",
            account: pod.spec?.serviceAccountName ?? "", node: pod.spec?.nodeName,
            hasEnded: phase == "Succeeded" || phase == "Failed", goneBy: pod.metadata.deletionTime)
    }
}
