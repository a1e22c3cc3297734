package import MeshCore
package import MeshKubernetes
import MeshPolicy

/// Who asks: what the far side can know of it.
package struct FlowClient: Sendable, Hashable {
    /// As people call it: `shop/web`.
    package var name: String
    /// `nil` for plaintext.
    package var identity: SPIFFEID?
    /// `nil` when nothing says where it runs.
    package var address: IPAddress?
    package var notes: [String] = []

    package init(name: String, identity: SPIFFEID?, address: IPAddress? = nil) {
        self.name = name
        self.identity = identity
        self.address = address
    }
}

/// What is asked for: a service by its name, or a workload by its address.
package enum FlowTarget: Sendable, Hashable {
    case service(ClusterService, ClusterService.Port)
    case workload(ClusterWorkload, port: UInt16)

    /// `Service shop/cart:80`.
    package var name: String {
        switch self {
        case .service(let service, let port): "\(service.kind.rawValue) \(service):\(port.port)"
        case .workload(let workload, let port): "\(workload.kind.rawValue) \(workload):\(port)"
        }
    }

    /// What is connected to: the port of the service, or of the pod.
    var port: UInt16 {
        switch self {
        case .service(_, let port): port.port
        case .workload(_, let port): port
        }
    }
}

/// Reads `--from` and `--to` against a cluster.
package struct FlowParser: Sendable {
    private let index: ClusterIndex
    private let doing: String

    package init(_ index: ClusterIndex, doing: String) {
        self.index = index
        self.doing = doing
    }

    /// `namespace/workload`, `sa:namespace/account`, `spiffe://…`, an address, or `none` for plaintext from nowhere.
    package func client(_ text: String) throws(MeshFailure) -> FlowClient {
        if text == "none" { return FlowClient(name: "plaintext", identity: nil) }
        if text.hasPrefix("spiffe://") {
            do throws(IdentityError) {
                let id = try SPIFFEID(parsing: text)
                return FlowClient(name: id.description, identity: id)
            } catch {
                throw usage("--from: \(error)")
            }
        }
        if let ip = IPAddress(text) {
            guard let workload = index.workload(at: ip) else {
                return FlowClient(name: "plaintext from \(ip)", identity: nil, address: ip)
            }
            return client(workload, address: ip)
        }
        if text.hasPrefix("sa:") {
            let (namespace, name) = try pair(text.dropFirst(3), "--from sa:")
            guard let id = index.identity(namespace: namespace, serviceAccount: name) else {
                throw usage("--from: \(namespace)/\(name) makes no identity; use names that Kubernetes takes")
            }
            return FlowClient(name: "service account \(namespace)/\(name)", identity: id)
        }
        let (namespace, name) = try pair(text[...], "--from")
        if let workload = index.workloads(namespace: namespace, name: name).first {
            return client(workload, address: workload.addresses.first)
        }
        guard index.cluster.serviceAccounts.contains(where: { $0.namespace == namespace && $0.name == name }),
            let id = index.identity(namespace: namespace, serviceAccount: name)
        else {
            throw MeshFailure(
                .notFound, doing: doing,
                reason: "no workload or service account \(namespace)/\(name) in the files\(near(namespace, name)); "
                    + "for an account that is not there write sa:\(namespace)/\(name)")
        }
        return FlowClient(name: "service account \(namespace)/\(name)", identity: id)
    }

    /// A client that runs in the cluster; without ztunnel before it, it speaks plaintext.
    package func client(_ workload: ClusterWorkload, address: IPAddress?) -> FlowClient {
        let isInMesh = workload.isInAmbient(namespaceLabels: index.labels(ofNamespace: workload.namespace))
        var client = FlowClient(
            name: "\(workload.namespace)/\(workload.appName)", identity: isInMesh ? index.identity(of: workload) : nil,
            address: address)
        if !isInMesh { client.notes = ["\(workload) is not in the mesh, so it speaks plaintext"] }
        return client
    }

    /// `namespace/name:port`, with `svc:` or `pod:` before it where both exist; `host:port`; `address:port`.
    package func target(_ text: String) throws(MeshFailure) -> FlowTarget {
        let kind = ["svc:", "pod:"].first { text.hasPrefix($0) }
        let rest = text.dropFirst(kind?.count ?? 0)
        let (name, port) = try portSplit(rest)
        if let ip = IPAddress(name.hasPrefix("[") ? name.dropFirst().dropLast() : name) {
            if kind != "pod:", let service = index.service(at: ip) { return try target(service, port, text) }
            guard let workload = index.workload(at: ip) else {
                throw MeshFailure(.notFound, doing: doing, reason: "--to: no service or pod has the address \(ip)")
            }
            return try target(workload, port, text)
        }
        guard name.contains("/") else {
            guard let service = index.service(named: String(name)) else {
                throw MeshFailure(
                    .notFound, doing: doing,
                    reason: "--to: no service has the name \(name); write namespace/name:port")
            }
            return try target(service, port, text)
        }
        let (namespace, short) = try pair(name, "--to")
        if kind != "pod:", let service = index.service(namespace: namespace, name: short) {
            return try target(service, port, text)
        }
        guard kind != "svc:", let workload = index.workloads(namespace: namespace, name: short).first else {
            throw MeshFailure(
                .notFound, doing: doing,
                reason: "--to: no \(kind == "svc:" ? "service" : "service or workload") \(namespace)/\(short) in the "
                    + "files\(near(namespace, short))")
        }
        return try target(workload, port, text)
    }

    private func target(
        _ service: ClusterService, _ port: UInt16?, _ text: String
    ) throws(MeshFailure) -> FlowTarget {
        let known = service.ports.map { String($0.port) }.joined(separator: ", ")
        if let port {
            guard let found = service.ports.first(where: { $0.port == port }) else {
                throw usage("--to \(text): service \(service) has no port \(port); it has \(known)")
            }
            return .service(service, found)
        }
        guard service.ports.count == 1 else { throw usage("--to \(text): add a port, one of \(known)") }
        return .service(service, service.ports[0])
    }

    private func target(
        _ workload: ClusterWorkload, _ port: UInt16?, _ text: String
    ) throws(MeshFailure) -> FlowTarget {
        if let port { return .workload(workload, port: port) }
        guard workload.ports.count == 1 else { throw usage("--to \(text): add a port, as in \(text):8080") }
        return .workload(workload, port: workload.ports[0].port)
    }

    private func portSplit(_ text: Substring) throws(MeshFailure) -> (Substring, UInt16?) {
        if IPAddress(text) != nil { return (text, nil) }
        guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
        guard let port = SocketAddress.port(text[text.index(after: colon)...]), port > 0 else {
            throw usage("--to \(text): the part behind the colon is no port")
        }
        return (text[..<colon], port)
    }

    private func pair(_ text: Substring, _ option: String) throws(MeshFailure) -> (String, String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw usage("\(option): \"\(text)\" is not namespace/name")
        }
        return (String(parts[0]), String(parts[1]))
    }

    private func usage(_ reason: String) -> MeshFailure { MeshFailure(.usage, doing: doing, reason: reason) }

    private func near(_ namespace: String, _ name: String) -> String {
        let known = Set(index.workloads(in: namespace).map(\.appName)).sorted()
        return known.isEmpty
            ? " (nothing at all in namespace \(namespace))" : " (there: \(known.prefix(8).joined(separator: ", ")))"
    }
}

extension ClusterIndex {
    /// By a hostname of it, or by `name.namespace` or `name.namespace.svc`.
    func service(named host: String) -> ClusterService? {
        if let found = service(hostname: host) { return found }
        let parts = host.split(separator: ".")
        guard parts.count == 2 || (parts.count == 3 && parts[2] == "svc") else { return nil }
        return service(namespace: String(parts[1]), name: String(parts[0]))
    }
}
