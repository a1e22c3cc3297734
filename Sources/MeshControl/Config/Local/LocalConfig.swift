package import MeshCore
import MeshLinux
package import MeshState
import MeshYAML

/// Workloads, services and policies of a file.
///
/// Shape: YAML or JSON with the lists `workloads`, `services` and `policies`; spec of the node proxy, section 3.
/// Unknown keys are refused.
package struct LocalConfig: Sendable {
    /// What a workload gets that does not say it.
    package struct Defaults: Sendable {
        /// Default "cluster.local". The service account is "default".
        ///
        /// Deviation: upstream leaves both empty, and such a workload has an identity that nobody can prove.
        package var trustDomain = "cluster.local"
        package init() {}
    }

    /// Longest file that is read, in bytes.
    package static let byteLimit = 256 << 20

    package internal(set) var workloads: [Workload] = []
    package internal(set) var services: [Service] = []
    package internal(set) var policies: [AuthorizationPolicy] = []
    /// Where policies of manifests were written.
    package private(set) var origins = PolicyOrigins()
    /// What manifests ask for and node proxies do not do, a line each.
    package private(set) var warnings: [String] = []

    /// The records as changes to a mesh that has none.
    package var changes: [MeshChange] {
        // Services first: the endpoints of a workload then find theirs, and none has to wait.
        services.map { .service($0) } + workloads.map { .workload($0) } + policies.map { .policy($0) }
    }

    /// The store with these records and no others.
    package func store(localNode: String?) -> MeshStore {
        var store = MeshStore(localNode: localNode)
        _ = store.apply(services.lazy.map { .service($0) })
        // In pieces: what a batch still has to tell the services is held until its end.
        var rest = workloads[...]
        while !rest.isEmpty {
            _ = store.apply(rest.prefix(Self.batchSize).lazy.map { .workload($0) })
            rest = rest.dropFirst(Self.batchSize)
        }
        _ = store.apply(policies.lazy.map { .policy($0) })
        return store
    }

    /// Reads a file piece by piece: only the records are held, not the text.
    /// - Throws: `.notFound` when the file cannot be read, `.corrupt` with every problem in it, a line each.
    package static func load(file path: String, defaults: Defaults = Defaults()) throws(MeshFailure) -> LocalConfig {
        let file: InputFile
        do throws(KernelError) {
            file = try InputFile(path)
        } catch {
            let reason = error.code == 2 ? "no such file" : "it cannot be read: \(KernelError.text(error.code))"
            throw MeshFailure(.notFound, doing: doing(path), reason: reason)
        }
        let reader: YAMLReader
        do throws(YAMLError) {
            reader = try unsafe YAMLReader(name: path, limits: limits) { unsafe file.read($0) }
        } catch {
            throw MeshFailure(.corrupt, doing: doing(path), reason: ConfigReader.describe(error))
        }
        return try load(reader, path, defaults)
    }

    /// - Parameter name: stands for the file in messages.
    /// - Throws: `.corrupt` with every problem, a line each as `name:line: path: what is wrong`.
    package static func parse(
        _ text: String, name: String, defaults: Defaults = Defaults()
    ) throws(MeshFailure) -> LocalConfig {
        let reader: YAMLReader
        do throws(YAMLError) {
            reader = try YAMLReader(text, name: name, limits: limits)
        } catch {
            throw MeshFailure(.corrupt, doing: doing(name), reason: ConfigReader.describe(error))
        }
        return try load(reader, name, defaults)
    }

    private static let batchSize = 40_000
    private static var limits: YAMLLimits {
        var limits = YAMLLimits()
        limits.bytes = byteLimit
        return limits
    }
    private static func doing(_ name: String) -> String { "read local configuration \(name)" }

    private static func load(
        _ reader: YAMLReader, _ name: String, _ defaults: Defaults
    ) throws(MeshFailure) -> LocalConfig {
        var builder = LocalConfigBuilder(defaults)
        do throws(YAMLError) {
            let top = try reader.next(streaming: ["workloads", "services", "policies"]) { key, _, element in
                builder.add(key, element)
            }
            if let top { builder.finish(top) }
            if let second = try reader.next() {
                builder.reader.problem(second.error("a second document begins here; expected one"))
            }
        } catch {
            builder.reader.problem(error)
        }
        let problems = builder.reader.problems
        guard !problems.isEmpty else { return builder.config }
        let more = builder.reader.problemCount - problems.count
        let lines = problems + (more > 0 ? ["and \(more) more"] : [])
        throw MeshFailure(
            .corrupt, doing: doing(name),
            reason: lines.count == 1
                ? lines[0] : "\(builder.reader.problemCount) problems\n" + lines.joined(separator: "\n"))
    }

    mutating func append(_ workload: Workload) { workloads.append(workload) }
    mutating func append(_ service: Service) { services.append(service) }
    mutating func append(_ policy: AuthorizationPolicy) { policies.append(policy) }

    /// Takes policies of manifests, and the workloads as they list them.
    mutating func join(
        _ policies: [AuthorizationPolicy], workloads: [Workload], origins: PolicyOrigins, warnings: [String]
    ) {
        self.policies += policies
        self.workloads = workloads
        self.origins = origins
        self.warnings = warnings
    }
}
