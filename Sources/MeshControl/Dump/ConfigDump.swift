import FoundationEssentials
package import MeshCore
package import MeshState

/// Everything that a node proxy knows, as `/config_dump` shows it and `istioctl ztunnel-config` reads it.
///
/// Source: spec of the node proxy, section 18. Lists are sorted, secrets are left out. A dump reads back into the same
/// records.
package struct ConfigDump: Codable, Sendable, Equatable {
    /// By uid.
    package var workloads: [WorkloadDump] = []
    /// By hostname, then namespace.
    package var services: [ServiceDump] = []
    /// By key.
    package var policies: [PolicyDump] = []
    /// By uid of a workload whose labels no manifest tells: an object that may or may not select it. Ours.
    package var policyDoubts: [String: String]?
    /// Endpoints of services that are not known, by service, then by workload uid.
    package var stagedServices: [String: [String: EndpointDump]] = [:]
    package var staticConfig = StaticDump()
    package var version = VersionDump()
    package var config = SettingsDump()
    /// By identity.
    package var certificates: [CertificateDump] = []
    /// By uid.
    package var workloadState: [String: WorkloadStateDump] = [:]
    /// By id; these two are ours, and missing from the dumps of other programs.
    package var tunnels: [HBONETunnelDump]?
    /// Whose code protects the data of new TLS 1.3 connections: `libssl`, or `own` with the library that encrypts.
    package var tlsRecords: String?

    /// What the local configuration gave. Deviation: empty, since the same records stand in the lists beside it.
    package struct StaticDump: Codable, Sendable, Equatable {
        package var workloads: [WorkloadDump] = []
        package var policies: [PolicyDump] = []
        package var services: [ServiceDump] = []
    }

    package init() {}

    package init(_ snapshot: MeshSnapshot, origins: PolicyOrigins = PolicyOrigins()) {
        workloads = snapshot.allWorkloads.map { WorkloadDump($0) }.sorted { $0.uid < $1.uid }
        services = snapshot.allServices.map { ServiceDump($0) }
            .sorted { ($0.hostname, $0.namespace) < ($1.hostname, $1.namespace) }
        policies = snapshot.allPolicies.map { PolicyDump($0, origins.places[$0.key]) }.sorted { $0.key < $1.key }
        policyDoubts = origins.doubts.isEmpty ? nil : origins.doubts
        for (key, endpoints) in snapshot.stagedEndpoints {
            stagedServices["\(key)"] = endpoints.mapValues { EndpointDump($0) }
        }
    }

    // MARK: Text

    /// Sorted keys.
    package var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Nothing in it can fail to encode: texts, numbers, lists and maps of them.
        return (try? encoder.encode(self)).map { Array($0) } ?? []
    }

    /// Largest dump that is read, in bytes.
    package static let byteLimit = 512 << 20

    /// - Parameter origin: stands for the dump in messages.
    /// - Throws: corrupt, naming the place in the JSON.
    package init(parsing bytes: [UInt8], origin: String) throws(MeshFailure) {
        let doing = "read config dump \(origin)"
        guard bytes.count <= Self.byteLimit else {
            throw MeshFailure(
                .corrupt, doing: doing, reason: "it has \(bytes.count) bytes; at most \(Self.byteLimit) are read")
        }
        do {
            self = try JSONDecoder().decode(ConfigDump.self, from: Data(bytes))
        } catch {
            throw MeshFailure(.corrupt, doing: doing, reason: JSONProblem.text(error))
        }
    }

    /// - Throws: notFound when the file cannot be read, corrupt when it is no dump.
    package init(file path: String) throws(MeshFailure) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw MeshFailure(
                .notFound, doing: "read config dump \(path)", reason: "it does not exist or may not be read")
        }
        try self.init(parsing: Array(data), origin: path)
    }

    // MARK: Records

    /// The changes that rebuild the records in an empty store.
    func changes() throws(DumpError) -> [MeshChange] {
        var changes: [MeshChange] = []
        for policy in policies { changes.append(.policy(try policy.record())) }
        for service in services { changes.append(.service(try service.record())) }
        // A workload lists its services by name; which ports it has there is in their endpoints.
        var ports: [String: [String: [String: UInt16]]] = [:]
        for service in services {
            for endpoint in service.endpoints.values {
                ports[endpoint.workloadUid, default: [:]][service.key] = endpoint.port
            }
        }
        for (key, endpoints) in stagedServices {
            for endpoint in endpoints.values { ports[endpoint.workloadUid, default: [:]][key] = endpoint.port }
        }
        for workload in workloads {
            let record = try workload.record()
            guard !record.fields.services.isEmpty else {
                changes.append(.workload(record))
                continue
            }
            var fields = record.fields
            for key in fields.services.keys {
                fields.services[key] = try PortMap.record(
                    ports[workload.uid]?["\(key)"] ?? [:], of: DumpOwner(name: "workload \(workload.uid)"))
            }
            changes.append(.workload(Workload(fields)))
        }
        return changes
    }

    private var origins: PolicyOrigins {
        var origins = PolicyOrigins()
        for policy in policies { origins.places[policy.key] = policy.origin }
        origins.doubts = policyDoubts ?? [:]
        return origins
    }

    /// The records and settings again, to explain connections by.
    package func view(origin: String) throws(MeshFailure) -> MeshView {
        do throws(DumpError) {
            var store = MeshStore(localNode: config.localNode)
            _ = store.apply(try changes())
            let snapshot = store.snapshot
            let own = config.proxyWorkloadInformation.flatMap {
                snapshot.findLocalWorkload(name: $0.name, namespace: $0.namespace, serviceAccount: $0.serviceAccount)
            }
            return MeshView(
                snapshot: snapshot, origins: origins, router: config.router, own: own,
                clusterDomain: config.clusterDomain, tunnels: tunnels ?? [], tlsRecords: tlsRecords)
        } catch {
            throw MeshFailure(.corrupt, doing: "read config dump \(origin)", reason: "\(error)")
        }
    }
}

/// What is wrong with a JSON text, in one line.
enum JSONProblem {
    static func text(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            let text = path.reduce(into: "") { text, key in
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += (text.isEmpty ? "" : ".") + key.stringValue
                }
            }
            return text.isEmpty ? "top level" : text
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            return "\(place(context.codingPath)): needs \(key.stringValue)"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            return "\(place(context.codingPath)): a value of another kind is expected"
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "\(place(context.codingPath)): \(context.debugDescription)"
        default: return "it is not valid JSON"
        }
    }
}
