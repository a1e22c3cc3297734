import HashTreeCollections
package import MeshCore

/// A service together with the endpoints that the store knows for it.
///
/// Immutable; every index of a snapshot holds the same object. `service.fields.endpoints` is empty here: endpoints
/// change more often than the record, so they live in a persistent map of their own.
package final class ServiceEntry: Sendable {
    package let service: Service
    /// By workload uid; only endpoints that the health policy admits.
    let endpoints: TreeDictionary<String, ServiceEndpoint>

    init(service: Service, endpoints: TreeDictionary<String, ServiceEndpoint>) {
        self.service = service
        self.endpoints = endpoints
    }

    package var key: NamespacedHostname { service.key }
    package var endpointCount: Int { endpoints.count }
    package var allEndpoints: some Sequence<ServiceEndpoint> { endpoints.values }
    package func endpoint(workloadUID: String) -> ServiceEndpoint? { endpoints[workloadUID] }

    /// True when a client of that namespace may use the service. An unknown namespace (`nil`) may use all.
    package func isVisible(from namespace: String?) -> Bool {
        guard service.fields.visibility == .namespace, let namespace else { return true }
        return namespace == service.namespace
    }

    /// True when the health policy admits an endpoint of that status.
    func admits(_ status: Workload.Status) -> Bool {
        status == .healthy || service.fields.loadBalancer?.healthPolicy == .allowAll
    }
}

/// One workload behind a service, joined with its record.
package final class ServiceEndpoint: Sendable {
    package let endpoint: Endpoint
    /// `nil` while the workload is named but not known.
    package let workload: Workload?
    /// Who may answer a tunnel to this endpoint: the names of the service, then the workload's own identity.
    package let expectedIdentities: [SPIFFEID]

    /// - Parameter sibling: another endpoint of the same record of the service; pods behind a service mostly share an
    ///   identity, and then one list.
    init(_ endpoint: Endpoint, workload: Workload?, service: Service, sibling: ServiceEndpoint?) {
        self.endpoint = endpoint
        self.workload = workload
        expectedIdentities =
            if let sibling, sibling.workload?.identity == workload?.identity {
                sibling.expectedIdentities
            } else {
                service.fields.subjectAltNames.adding(workload?.identity)
            }
    }
}

extension [SPIFFEID] {
    /// The list with one more at its end, unless it is there already.
    func adding(_ identity: SPIFFEID?) -> [SPIFFEID] {
        guard let identity, !contains(identity) else { return self }
        return self + [identity]
    }
}

extension ServiceEntry {
    /// Which of several services that share a VIP or hostname a client means, or `nil` when it may see none.
    ///
    /// Visible ones only; first one of the client's namespace, else the last canonical one, else the last one of the
    /// preferred namespace (DNS only), else the first.
    static func choose(
        among candidates: some Sequence<ServiceEntry>, clientNamespace: String?, preferredNamespace: String? = nil
    ) -> ServiceEntry? {
        var canonical: ServiceEntry?
        var preferred: ServiceEntry?
        var first: ServiceEntry?
        for candidate in candidates where candidate.isVisible(from: clientNamespace) {
            let namespace = candidate.service.namespace
            if let clientNamespace, namespace == clientNamespace { return candidate }
            if candidate.service.fields.canonical { canonical = candidate }
            if let preferredNamespace, namespace == preferredNamespace { preferred = candidate }
            if first == nil { first = candidate }
        }
        return canonical ?? preferred ?? first
    }
}
